import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { load, type Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveHttp } from "../../../../tools/conformance/fixture/http.ts";
import type { CredentialKeeper, KeeperAnswer } from "../../src/domain/credential-keeper.ts";
import { keeperOver } from "../people-support/keeper.ts";
import { LOGIN, startMailServer, type TestMailServer } from "../smtp-tool/mail-server.ts";
import { testStore, type TestStore } from "../support/store.ts";

const PERSON = { by: { person: "olaf" }, via: "login-link" };
const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const FIXTURE = fileURLToPath(new URL("../../../../tools/conformance/fixture/main.ts", import.meta.url));
const RIGHT = "the-right-value";
/** To this machine a login goes without TLS; the certificate of the test server is nobody's. */
const PLAIN_MAIL = { disabledCommands: ["STARTTLS"], hideSTARTTLS: true, allowInsecureAuth: true };

let opened: TestStore;
let mail: TestMailServer;
let guarded: { readonly port: number; readonly refused: string[]; close(): Promise<void> };
let keeper: CredentialKeeper;

beforeAll(async () => {
  [opened, mail, guarded] = await Promise.all([testStore(), startMailServer(PLAIN_MAIL), startGuarded()]);
  const policy = toolsPolicy();
  keeper = keeperOver(opened.store, () => policy, { environment: (name) => process.env[name] });
});
afterAll(async () => {
  await Promise.all([opened.close(), mail.close(), guarded.close()]);
});

/** A real MCP server behind a door that takes one bearer value. */
async function startGuarded(): Promise<typeof guarded> {
  const inner = await serveHttp({ port: 0, eras: new Set(["modern", "legacy"]) });
  const target = new URL(inner.url);
  const refused: string[] = [];
  const door = createServer((asked, answer) => {
    const shown = asked.headers.authorization ?? "";
    if (shown !== `Bearer ${RIGHT}`) {
      refused.push(shown);
      return void answer.writeHead(401, { "content-type": "text/plain" }).end(`${shown} is not let in`);
    }
    const onward = forward({
      host: target.hostname,
      port: target.port,
      path: asked.url,
      method: asked.method,
      headers: { ...asked.headers, host: target.host },
    });
    onward.on("response", (got) => void got.pipe(answer.writeHead(got.statusCode ?? 502, got.headers)));
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const address = door.address() as AddressInfo;
  return {
    port: address.port,
    refused,
    close: async () => {
      door.closeAllConnections();
      door.close();
      await inner.close();
    },
  };
}

function toolsPolicy(): Policy {
  const loaded = load([
    { path: "bailiwick.yaml", text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\n" },
    {
      path: "tools/web.yaml",
      text: `tool: web
connect: { mcp: { url: "http://127.0.0.1:${guarded.port}/mcp" } }
credential: { name: web-key, inject: { header: authorization, format: "Bearer {value}" } }
`,
    },
    {
      path: "tools/mail.yaml",
      text: `tool: mail
connect: { smtp: { host: 127.0.0.1, port: ${mail.port}, from: helpdesk@acme.example } }
credential: { name: mail-login, inject: { login: ${LOGIN.user} } }
actions:
  send: { is: "mail:send", effect: send, args: { to: email, subject: string, body: string, "cc?": [email] } }
`,
    },
    {
      path: "tools/child.yaml",
      text: `tool: child
connect: { mcp: { command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(FIXTURE)}, "--stdio"] } }
credential: { name: child-key, inject: { environment: CHILD_KEY } }
`,
    },
    {
      path: "tools/regional.yaml",
      text: `tool: regional
connect: { mcp: { url: "http://\${environment}.example/mcp" } }
credential: { name: regional-key, inject: { header: x-key } }
`,
    },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.policy;
}

async function tried(name: string, value: string, place = at): Promise<KeeperAnswer> {
  const binding = { ...place, hosts: ["127.0.0.1"] };
  const staged = await keeper.stage(PERSON, { name, binding, value });
  if (!staged.ok) return staged;
  const answer = await keeper.verify(PERSON, staged.info);
  await keeper.revoke(PERSON, staged.info);
  return answer;
}

test("a value for an MCP server over HTTP is tried by asking for its list with it", async () => {
  expect(await tried("web-key", RIGHT)).toMatchObject({ ok: true, trial: { outcome: "verified", tools: ["web"] } });
});

test("a value that the MCP server refuses fails the trial, and the server's own words, which hold the value, are not repeated", async () => {
  const answer = await tried("web-key", "the-wrong-value");
  expect(answer).toMatchObject({ ok: true, trial: { outcome: "failed", why: expect.stringContaining("`web` did not take it") } });
  expect(guarded.refused).toContain("Bearer the-wrong-value");
  expect(JSON.stringify(answer)).not.toContain("the-wrong-value");
});

test("a mail login is tried by logging in, and no mail is sent", async () => {
  expect(await tried("mail-login", LOGIN.password)).toMatchObject({ ok: true, trial: { outcome: "verified", tools: ["mail"] } });
  expect(await tried("mail-login", "not the password")).toMatchObject({ ok: true, trial: { outcome: "failed" } });
  expect(mail.mails).toEqual([]);
});

test("a program this machine starts is started with the value, asked for its list, and ended", async () => {
  expect(await tried("child-key", "value-for-the-child")).toMatchObject({ ok: true, trial: { outcome: "verified", tools: ["child"] } });
});

test("a value for all environments of a tool whose address differs by environment cannot be tried, and says so", async () => {
  expect(await tried("regional-key", "value-of-the-region", { ...at, environment: "*" })).toMatchObject({
    ok: true,
    trial: { outcome: "impossible", why: expect.stringContaining("every environment") },
  });
});

test("a failed trial leaves the active version as it is", async () => {
  const binding = { ...at, hosts: ["127.0.0.1"] };
  await keeper.set(PERSON, { name: "web-key", binding, value: RIGHT }, { verify: true });
  expect(await keeper.set(PERSON, { name: "web-key", binding, value: "the-wrong-value" }, { verify: true })).toMatchObject({
    why: "not_verified",
  });
  expect((await opened.store.credentials.open("web-key", at))?.value).toBe(RIGHT);
});
