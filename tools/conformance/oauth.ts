import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { secretHash } from "../../packages/broker/src/adapters/rest/signed-in.ts";
import { peopleUrl } from "../../packages/broker/src/adapters/rest/relying-party.ts";
import { startBroker, type RunningBroker } from "../../packages/broker/src/main.ts";
import { PERSON_COOKIE, PERSON_TOKEN_PREFIX } from "../../packages/broker/src/rest-contract/names.ts";
import { type ClientScenario, runClientScenarios } from "./oauth-client/run.ts";
import { AGENT, writePolicyFolder } from "./policy-folder.ts";

const USAGE = `usage: npm run conformance -- oauth [--json]

Runs the authorization scenarios of the official MCP conformance suite: those for servers against a broker on this machine, with a person who
allows what is asked; those for clients against the broker's connection to tool servers and its OAuth client for them. Exit 0 when all
pass that should, 1 otherwise.
`;

/** How the checks of one scenario ended. */
interface Scenario {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
}

const PERSON = "owner";
/** The suite itself waits five minutes for a browser. */
const TIMEOUT_MS = 60_000;

export async function conformOAuth(argv: readonly string[]): Promise<number> {
  if (argv.some((word) => word !== "--json")) {
    process.stderr.write(USAGE);
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), "conformance-oauth-"));
  try {
    const connect = { mcp: { url: "http://127.0.0.1:1/mcp" } };
    const tools = [{ name: "echo", inputSchema: { type: "object" } }];
    const listing = { tools, resources: [], resourceTemplates: [], prompts: [], capabilities: {} };
    await writePolicyFolder(join(folder, "policy"), connect, listing);
    const broker = await startBroker({ policyFolder: join(folder, "policy"), dataFolder: join(folder, "data"), port: 0, logLevel: "warn" });
    try {
      return report(await runSuite(broker, folder), await runClientScenarios(folder), argv.includes("--json"));
    } finally {
      await broker.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(server: readonly Scenario[], client: readonly ClientScenario[], json: boolean): number {
  const good = server.filter(({ passed, failed }) => passed > 0 && failed === 0).length;
  const spoken = client.filter(({ ok }) => ok).length;
  const headline = `conformance oauth: the server passes ${good}/${server.length} scenarios, the client for tools ${spoken}/${client.length}`;
  const lines = [
    ...server.map(({ name, passed, failed }) => `server ${name}: ${passed} checks passed, ${failed} failed`),
    ...client.map(
      ({ name, ok, reason }) => `client ${name}: ${ok ? "passed" : `failed${reason === undefined ? "" : ` (known: ${reason})`}`}`,
    ),
  ];
  process.stdout.write(
    json ? `${JSON.stringify({ conformance: "oauth", server, client, headline })}\n` : `${[...lines, "", headline].join("\n")}\n`,
  );
  return good === server.length && client.every(({ ok, reason }) => ok || reason !== undefined) ? 0 : 1;
}

async function runSuite(broker: RunningBroker, folder: string): Promise<readonly Scenario[]> {
  const port = await freePort();
  const clientId = await register(broker, `http://127.0.0.1:${port}/callback`);
  const program = createRequire(import.meta.url).resolve("conformance-next/dist/index.js");
  const args = ["authorization", "--url", broker.url, "--client-id", clientId, "--resource", `${broker.url}/mcp`, "--port", String(port)];
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let text = "";
  let opened = false;
  const hear = (chunk: string): void => {
    text += chunk;
    const url = opened ? undefined : /^(https?:\S+\/oauth\/auth\?\S+)$/m.exec(text)?.[1];
    if (url === undefined) return;
    opened = true;
    allowInBrowser(broker, url).catch((error: unknown) => failed.reject(error));
  };
  child.stdout.setEncoding("utf8").on("data", hear);
  child.stderr.setEncoding("utf8").on("data", hear);
  const done = Promise.withResolvers<void>();
  child.on("close", () => done.resolve());
  try {
    await Promise.race([done.promise, failed.promise]);
  } finally {
    clearTimeout(timer);
    child.kill();
  }
  return scenariosIn(text);
}

/** From the suite's summary: a line for each scenario. @throws Error when it ended without one. */
function scenariosIn(text: string): readonly Scenario[] {
  const [, summary = ""] = text.split("=== SUMMARY ===");
  const lines = [...summary.matchAll(/^\S ([\w-]+): (\d+) passed, (\d+) failed/gm)];
  if (lines.length === 0) throw new Error(`the suite ended without a summary; it said: ${text.slice(-800)}`);
  return lines.map(([, name = "", passed, failed]) => ({ name, passed: Number(passed), failed: Number(failed) }));
}

async function register(broker: RunningBroker, redirect: string): Promise<string> {
  const answer = await fetch(`${broker.url}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_name: "conformance", redirect_uris: [redirect] }),
  });
  return z.object({ client_id: z.string() }).parse(await answer.json()).client_id;
}

/** What a signed-in person's browser does: opens the address, presses Allow, follows to the client. */
async function allowInBrowser(broker: RunningBroker, start: string): Promise<void> {
  const token = `${PERSON_TOKEN_PREFIX}${randomBytes(32).toString("base64url")}`;
  await broker.store.people.createSession({
    tokenHash: secretHash(token),
    person: PERSON,
    via: "login-link",
    expiresAt: new Date(Date.now() + TIMEOUT_MS),
  });
  const cookies = new Map([[PERSON_COOKIE, token]]);
  const origin = peopleUrl(broker.url);

  async function open(url: string, init: RequestInit = {}): Promise<{ readonly url: string; readonly response: Response }> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, {
      ...init,
      redirect: "manual",
      headers: { ...Object.fromEntries(new Headers(init.headers)), cookie, origin },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get("location");
    return location === null ? { url, response } : open(new URL(location, url).href);
  }

  const page = await open(start);
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.response.text())?.[1] ?? "";
  await open(page.url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ csrf, answer: "allow", agent: AGENT, task: "conformance" }).toString(),
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
