import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openOperatorKey } from "../../src/config/data-folder.ts";
import type { Agent } from "../../../../stories/agent.ts";
import { deploy, type Deployment, freePort, writeFiles } from "../federation/two-deployments.ts";
import { SIGNING, startAuthorizationServer, type TestAuthorizationServer } from "./authorization-server.ts";
import { type GuardedTool, startGuardedTool } from "./guarded-tool.ts";
import { browser } from "./house.ts";

const AGENT = "bailiwick://acme/dev/helpdesk/copilot";
const NONE = `sha256:${"0".repeat(64)}`;

let home: string;
let server: TestAuthorizationServer;
let machineTool: GuardedTool;
let personTool: GuardedTool;
let broker: Deployment & { close(): Promise<void> };
let agent: Agent;

// A whole broker, reached by an agent over MCP; two tools that want tokens, one for each grant.
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "bailiwick-tool-oauth-"));
  const port = await freePort();
  server = await startAuthorizationServer({ jwksUri: `http://127.0.0.1:${port}/.well-known/jwks.json` });
  machineTool = await startGuardedTool(server.issuer, server.jwks);
  personTool = await startGuardedTool(server.issuer, server.jwks);
  await writeFiles(join(home, "policy"), { ...FILES, "tools/hers.yaml": hers(NONE), "tools/ours.yaml": ours(NONE) });
  broker = await deploy(home, port, "acme");
  await connectHers();
  await broker.write("tools/ours.yaml", ours(await reviewed("ours")));
  await broker.write("tools/hers.yaml", hers(await reviewed("hers")));
  agent = await broker.agent(AGENT, "user-1");
}, 60_000);
afterAll(async () => {
  await broker.close();
  await machineTool.close();
  await personTool.close();
  await server.close();
  await rm(home, { recursive: true, force: true });
});

async function operator(path: string, init: RequestInit = {}): Promise<unknown> {
  const key = await openOperatorKey(join(home, "data"));
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return (await fetch(`${broker.url}/api/v1${path}`, { ...init, headers })).json();
}

async function connectHers(scope: readonly string[] = []): Promise<void> {
  const body = JSON.stringify({ tenant: "acme", environment: "*", workflow: "*", scope });
  const { url } = z.object({ url: z.string() }).parse(await operator("/tools/hers/connect", { method: "POST", body }));
  expect((await browser().visit(url)).text).toContain("is connected");
}

async function reviewed(tool: string): Promise<string> {
  const schema = z.object({ offered: z.array(z.object({ operation: z.object({ name: z.string() }), fingerprint: z.string() })) });
  const { offered } = schema.parse(await operator(`/tools/${tool}/offered?tenant=acme`));
  return offered.find(({ operation }) => operation.name === "probe_echo")?.fingerprint ?? NONE;
}

test("a call goes out with a token that the broker got with its own signing key", async () => {
  const answer = await agent.call("ours_probe_echo", { value: "hello" });
  expect(answer).toMatchObject({ isError: false, text: "hello" });
  expect(machineTool.taken.at(-1)).toMatchObject({ aud: machineTool.url, client_id: SIGNING.id, scope: "notes:read" });
});

test("a call goes out with a token that a person let the broker have", async () => {
  expect(await agent.call("hers_probe_echo", { value: "hello" })).toMatchObject({ isError: false, text: "hello" });
  expect(personTool.taken.at(-1)).toMatchObject({ aud: personTool.url, sub: "person-1" });
});

test("token of another resource: no tool is sent the agent's token, or the token of another tool", async () => {
  await agent.call("ours_probe_echo", { value: "x" });
  await agent.call("hers_probe_echo", { value: "x" });
  const audiences = (tool: GuardedTool): readonly unknown[] => [...new Set(tool.headers.map((header) => decodeJwt(header.slice(7)).aud))];
  expect(audiences(machineTool)).toEqual([machineTool.url]);
  expect(audiences(personTool)).toEqual([personTool.url]);
  expect([...machineTool.headers, ...personTool.headers].join("\n")).not.toContain(agent.token);
});

test("a result that repeats the token is cleaned of it", async () => {
  const token = personTool.headers.at(-1)?.slice("Bearer ".length) ?? "";
  const answer = await agent.call("hers_probe_echo", { value: `it is ${token}` });
  expect(JSON.stringify(answer.raw)).not.toContain(token);
});

test("a token that its server takes no more fails one call, and the next goes out with another", async () => {
  await agent.call("hers_probe_echo", { value: "x" });
  const before = personTool.taken.at(-1);
  // Younger ones are not renewed: a server that refuses fresh tokens would have them renewed for ever.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, (before?.iat ?? 0) * 1000 + 11_000 - Date.now())));
  personTool.ended.add(String(before?.jti));
  const refused = await agent.call("hers_probe_echo", { value: "one" });
  expect(refused).toMatchObject({ isError: true, refusal: "credential_unavailable" });
  expect(refused.text).toContain("repeat the call");
  expect(await agent.call("hers_probe_echo", { value: "two" })).toMatchObject({ isError: false, text: "two" });
  expect(personTool.taken.at(-1)?.jti).not.toBe(before?.jti);
}, 30_000);

test("a call that takes more than a person allowed says what a person must do, and works once they did", async () => {
  personTool.needs = { probe_echo: "notes:write" };
  const refused = await agent.call("hers_probe_echo", { value: "one" });
  expect(refused).toMatchObject({ isError: true, refusal: "credential_unavailable" });
  expect(refused.text).toContain('bailiwick tools connect hers --tenant acme --environment dev --workflow helpdesk --scope "notes:write"');
  await connectHers(["notes:write"]);
  expect(await agent.call("hers_probe_echo", { value: "two" })).toMatchObject({ isError: false, text: "two" });
  personTool.needs = {};
});

test("a call that takes more than the broker's own token allows works the second time", async () => {
  machineTool.needs = { probe_echo: "notes:write" };
  expect(await agent.call("ours_probe_echo", { value: "one" })).toMatchObject({ isError: true, refusal: "credential_unavailable" });
  expect(await agent.call("ours_probe_echo", { value: "two" })).toMatchObject({ isError: false, text: "two" });
  machineTool.needs = {};
});

test("no record holds a token", async () => {
  const records = JSON.stringify(await broker.records());
  expect(records).toContain("tool.token");
  const tokens = [...machineTool.headers, ...personTool.headers].map((header) => header.slice("Bearer ".length));
  expect(tokens.length).toBeGreaterThan(0);
  for (const token of new Set(tokens)) expect(records).not.toContain(token);
});

test("the broker's client id metadata documents name themselves, and a key set when they sign", async () => {
  const document = async (path: string): Promise<unknown> => (await fetch(`${broker.url}${path}`)).json();
  const { url } = broker;
  expect(await document("/oauth/client.json")).toMatchObject({
    client_id: `${url}/oauth/client.json`,
    token_endpoint_auth_method: "private_key_jwt",
    jwks_uri: `${url}/.well-known/jwks.json`,
    redirect_uris: [`${url.replace("127.0.0.1", "localhost")}/oauth/tool-callback`],
  });
  expect(await document("/oauth/public-client.json")).toMatchObject({
    client_id: `${url}/oauth/public-client.json`,
    token_endpoint_auth_method: "none",
  });
});

const FILES: Readonly<Record<string, string>> = {
  "bailiwick.yaml": `version: 1
tenants: [acme]
environments: { dev: {} }
people:
  ada: { name: Ada, email: ada@acme.example, tenants: [acme], roles: [operator] }
`,
  "roles/helper.yaml": "role: helper\nreason: the helpdesk echoes\nallow:\n  - do: ours:echo\n  - do: hers:echo\n",
  "agents/copilot.yaml": `agent: copilot
workflow: helpdesk
owner: ada
tenants: [acme]
environments: [dev]
roles: [helper]
ceiling: { allow: ["ours:*", "hers:*"] }
`,
};

function toolFile(tool: string, url: string, oauth: string, fingerprint: string): string {
  return `tool: ${tool}
connect: { mcp: { url: "${url}" } }
credential: { name: ${tool}-token, from: oauth, oauth: ${oauth}, inject: { header: authorization, format: "Bearer {value}" } }
actions:
  probe_echo:
    is: ${tool}:echo
    effect: read
    args: { value: string }
    reviewed: ${fingerprint}
`;
}

function ours(fingerprint: string): string {
  const oauth = `{ grant: client_credentials, issuer: "${server.issuer}", client: { id: ${SIGNING.id} }, scope: ["notes:read", "notes:write"] }`;
  return toolFile("ours", machineTool.url, oauth, fingerprint);
}

function hers(fingerprint: string): string {
  return toolFile("hers", personTool.url, '{ scope: ["notes:read", "notes:write"] }', fingerprint);
}
