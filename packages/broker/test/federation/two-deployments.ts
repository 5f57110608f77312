import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@bailiwick/policy";
import { calculateJwkThumbprint, exportJWK, SignJWT } from "jose";
import { inject } from "vitest";
import { z } from "zod";
import { openOperatorKey } from "../../src/config/data-folder.ts";
import { type RunningBroker, startBroker } from "../../src/main.ts";
import { type Agent, connectAgent } from "../../../../stories/agent.ts";
import { NOTES, writeNotesCompany } from "../../../../stories/world/notes-policy.ts";
import { NOTES_TOOLS } from "../../../../stories/world/notes-tools.ts";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import { testDatabase } from "../support/database.ts";
import { saidBy } from "../support/said.ts";

/** A credential that only the notes server of B may see. */
export const NOTES_SECRET = "nts-7a3e51d0c9b84f2f9b60-f1";
const NOTES_SERVER = fileURLToPath(new URL("../../../../stories/world/notes-server.ts", import.meta.url));
export const COPILOT = "bailiwick://acme/dev/helpdesk/copilot";
export const DESK = "bailiwick://globex/dev/partners/desk";
export const LISTER = "bailiwick://globex/dev/reading/lister";

/** Two brokers with a database, an issuer and a policy folder each; each is a partner of the other. */
export interface TwoDeployments {
  readonly a: Deployment;
  readonly b: Deployment;
  close(): Promise<void>;
}

export interface Deployment {
  readonly broker: RunningBroker;
  readonly url: string;
  readonly tenant: string;
  /** Writes a policy file and waits until the broker has it in force. */
  write(path: string, text: string): Promise<void>;
  /** An MCP session of an agent with a key of its own. */
  agent(name: string, user: string): Promise<Agent>;
  /** Bodies of the newest records, the newest first. */
  records(): Promise<readonly JsonObject[]>;
}

/** An agent of A reads the notes of B; an agent of B asks for something of A. */
export async function startTwoDeployments(): Promise<TwoDeployments> {
  const home = await mkdtemp(join(tmpdir(), "bailiwick-federation-"));
  const [portA, portB] = [await freePort(), await freePort()];
  const [urlA, urlB] = [`http://127.0.0.1:${portA}`, `http://127.0.0.1:${portB}`];
  await writeB(join(home, "b", "policy"), join(home, "b", "notes"), urlA);
  await writeFiles(join(home, "a", "policy"), filesOfA(join(home, "a", "notes"), urlB, new Map()));
  await writeNotesCompany(join(home, "unused"), join(home, "a", "notes"));
  const b = await deploy(join(home, "b"), portB, "globex");
  await b.broker.store.credentials.put("notes-account", { tenant: "globex", environment: "*", workflow: "*", hosts: [] }, NOTES_SECRET);
  const a = await deploy(join(home, "a"), portA, "acme");
  const offered = await offeredBy(a.broker, join(home, "a", "data"), "partner-notes", "acme");
  await b.write("tools/a-disk.yaml", diskAtA(urlA, await offeredBy(b.broker, join(home, "b", "data"), "a-disk", "globex")));
  for (const [path, text] of Object.entries(filesOfA(join(home, "a", "notes"), urlB, offered)))
    if (path === "tools/partner-notes.yaml") await a.write(path, text);
  return {
    a,
    b,
    close: async () => {
      await a.close();
      await b.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A broker with a database of its own over `<folder>/policy`. */
export async function deploy(folder: string, port: number, tenant: string): Promise<Deployment & { close(): Promise<void> }> {
  const database = await testDatabase(inject("templateDatabase"));
  const broker = await startBroker({
    policyFolder: join(folder, "policy"),
    dataFolder: join(folder, "data"),
    databaseUrl: database.databaseUrl,
    port,
    logLevel: "silent",
    // Loopback addresses are fetched only in development.
    environment: (name) =>
      name === "BAILIWICK_ALLOW_LOOPBACK_FETCH" ? "true" : name.startsWith("BAILIWICK_") ? undefined : process.env[name],
  });
  const { url, store } = broker;
  return {
    broker,
    url,
    tenant,
    write: async (path, text) => {
      const before = broker.policy().version;
      await writeFile(join(folder, "policy", path), text);
      for (let tries = 0; broker.policy().version === before; tries += 1) {
        if (tries > 200) throw new Error(`the policy with the new ${path} did not come into force`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    agent: async (name, user) => {
      const key = await registered(broker, name);
      return connectAgent({ url } as Parameters<typeof connectAgent>[0], await tokenFor(url, name, key, user));
    },
    records: async () => {
      const records = await store.log.query(tenant, { limit: 200 });
      return records.map((record) => ({ kind: record.kind, ...saidBy(record) }));
    },
    close: async () => {
      await broker.close();
      await database.close();
    },
  };
}

/** Gives an agent a key. */
export async function registered({ store }: RunningBroker, agent: string): Promise<KeyObject> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = await exportJWK(publicKey);
  const publicJwk = { kty: "EC", crv: "P-256", x, y };
  const [, tenant = ""] = /^bailiwick:\/\/([^/]+)/u.exec(agent) ?? [];
  const thumbprint = await calculateJwkThumbprint(publicJwk);
  await store.agentKeys.add({ agent, tenant, thumbprint, publicJwk, status: "active", addedAt: new Date() });
  return privateKey;
}

async function tokenFor(url: string, agent: string, key: KeyObject, user: string): Promise<string> {
  const form = { grant_type: "client_credentials", ...(await clientAssertion(url, agent, key)), user, task: "look it up" };
  const answer = await fetch(`${url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  const body: unknown = await answer.json();
  const parsed = z.object({ access_token: z.string() }).safeParse(body);
  if (!parsed.success) throw new Error(`no token: ${answer.status} ${JSON.stringify(body)}`);
  return parsed.data.access_token;
}

/** `private_key_jwt` of an agent, or of a partner's server. */
export async function clientAssertion(url: string, name: string, key: KeyObject): Promise<Record<string, string>> {
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer(name)
    .setSubject(name)
    .setAudience(`${url}/oauth/token`)
    .setJti(randomUUID())
    .setExpirationTime("30s")
    .sign(key);
  return { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: assertion };
}

/** Names and fingerprints of what a tool offers, as a reviewer sees them. */
async function offeredBy(broker: RunningBroker, dataFolder: string, tool: string, tenant: string): Promise<ReadonlyMap<string, string>> {
  const key = await openOperatorKey(dataFolder);
  const answer = await fetch(`${broker.url}/api/v1/tools/${tool}/offered?tenant=${tenant}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const body: unknown = await answer.json();
  const schema = z.object({ offered: z.array(z.object({ operation: z.object({ name: z.string() }), fingerprint: z.string() })) });
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Error(`the tool is not offered: ${answer.status} ${JSON.stringify(body)}`);
  return new Map(parsed.data.offered.map(({ operation, fingerprint }) => [operation.name, fingerprint]));
}

/** The entry of A in B's partners.yaml. */
export function partnerA(urlA: string): string {
  return `partners:
  a:
    issuer: ${urlA}
    kinds: [id-jag]
    subjects: ["${urlA}", "user-*"]
    tenants: [globex]
    environments: [dev]
    agent: partners/desk
    ceiling: { scope: ["notes:read"], rows: { Note: { id: [n-9] } }, limits: { calls: 20 } }
    contact: a@a.example
    outbound: { resource: "${urlA}/mcp", scope: ["disk:check"] }
`;
}

async function writeB(folder: string, notes: string, urlA: string): Promise<void> {
  await writeNotesCompany(folder, notes);
  const more = { id: "n-10", tenant: "globex", author: "gus", email: "gus@globex.example", text: "not for partners", private: "x" };
  await writeFile(join(notes, "notes.json"), JSON.stringify([...NOTES, more]));
  await writeFiles(folder, {
    "agents/desk.yaml": agentFile("desk", "partners", "globex", "otto", "writer", "notes:*"),
    "agents/lister.yaml": agentFile("lister", "reading", "globex", "otto", "outgoing", "a-disk:*"),
    "roles/outgoing.yaml": "role: outgoing\nreason: asks partner a about its disk\nallow:\n  - do: a-disk:check\n",
    "tools/a-disk.yaml": diskAtA(urlA, new Map()),
    "partners.yaml": partnerA(urlA),
  });
}

/** The tool of B that goes out to A, with what a reviewer saw A offer. */
export function diskAtA(urlA: string, offered: ReadonlyMap<string, string>): string {
  return `tool: a-disk
connect: { mcp: { url: "${urlA}/mcp" } }
credential: { name: a-token, from: partner:a, inject: { header: authorization, format: "Bearer {value}" } }
actions:
  format_disk:
    is: a-disk:check
    effect: read
    reviewed: ${offered.get("format_disk") ?? `sha256:${"0".repeat(64)}`}
`;
}

function agentFile(agent: string, workflow: string, tenant: string, owner: string, role: string, ceiling: string): string {
  return `agent: ${agent}
workflow: ${workflow}
owner: ${owner}
tenants: [${tenant}]
environments: [dev]
roles: [${role}]
ceiling: { allow: ["${ceiling}"] }
`;
}

function filesOfA(notes: string, urlB: string, offered: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const reviewed = (name: string): string => `reviewed: ${offered.get(name) ?? `sha256:${"0".repeat(64)}`}`;
  return {
    "bailiwick.yaml": `version: 1
tenants: [acme]
environments: { dev: {} }
people:
  ada: { name: Ada, email: ada@acme.example, tenants: [acme], roles: [operator] }
`,
    "tools/partner-notes.yaml": `tool: partner-notes
connect: { mcp: { url: "${urlB}/mcp" } }
credential: { name: b-token, from: partner:b, inject: { header: authorization, format: "Bearer {value}" } }
types:
  Note: { id: string, "text?": string }
actions:
  read_note:
    is: partner-notes:read
    effect: read
    args: { id: string }
    returns: { type: Note, at: result }
    ${reviewed("read_note")}
`,
    "tools/disk.yaml": `tool: disk
connect:
  mcp:
    command: ${JSON.stringify([process.execPath, NOTES_SERVER])}
    env: { NOTES_FOLDER: ${JSON.stringify(notes)} }
actions:
  format_disk:
    is: disk:check
    effect: read
    reviewed: ${fingerprint(NOTES_TOOLS.find((tool) => tool["name"] === "format_disk") ?? {})}
`,
    "roles/disk.yaml": "role: disk\nreason: partners may ask about the disk\nallow:\n  - do: disk:check\n",
    "roles/helpdesk.yaml": `role: helpdesk
reason: the helpdesk reads notes of its partner
allow:
  - do: partner-notes:read
`,
    "agents/copilot.yaml": agentFile("copilot", "helpdesk", "acme", "ada", "helpdesk", "partner-notes:*"),
    "agents/desk.yaml": agentFile("desk", "partners", "acme", "ada", "disk", "disk:*"),
    "partners.yaml": `partners:
  b:
    issuer: ${urlB}
    kinds: [id-jag]
    subjects: ["${urlB}", "user-*"]
    tenants: [acme]
    environments: [dev]
    agent: partners/desk
    ceiling: { scope: ["disk:check"] }
    contact: b@b.example
    outbound: { resource: "${urlB}/mcp", scope: ["notes:read"] }
`,
  };
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
