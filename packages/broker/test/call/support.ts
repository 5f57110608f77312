import { repeatMemory } from "../../src/adapters/cache/repeat-memory.ts";
import { randomUUID } from "node:crypto";
import { load, type JsonObject, type Policy, type PolicyFile } from "@bailiwick/policy";
import { labelledMemory } from "../../src/adapters/cache/labelled-memory.ts";
import { heldSecrets } from "../../src/adapters/credential-source/held-secrets.ts";
import { runMemory } from "../../src/adapters/cache/run-memory.ts";
import { handleCall } from "../../src/call/handle-call.ts";
import type { CallPorts } from "../../src/call/ports.ts";
import { Refusal } from "../../src/call/refusal.ts";
import { runningCalls } from "../../src/call/running-calls.ts";
import type { CallAnswer, IncomingCall } from "../../src/call/types.ts";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import type { Session } from "../../src/domain/session.ts";
import type { CallIo, ToolConnection, ToolListing } from "../../src/domain/tool.ts";
import type { Store } from "../../src/adapters/store/index.ts";
import { bearer, PLAIN } from "../plain-session.ts";

export const AGENT = "bailiwick://acme/prod/helpdesk/support";

/** A tool of the test: what it offers and what it does. Every invocation is an effect somebody can count. */
export interface TestTool {
  readonly effects: { name: string; args: JsonObject }[];
  /** Runs in place of the tool's own answer; may throw. */
  answer: (name: string, args: JsonObject, io?: CallIo) => JsonObject | Promise<JsonObject>;
  listing: ToolListing;
}

const entry = (name: string): JsonObject => ({ name, description: `does ${name}`, inputSchema: { type: "object" } });
export const OFFERED: readonly JsonObject[] = ["get_ticket", "list_tickets", "update_ticket", "delete_ticket", "ping", "unlisted"].map(
  entry,
);

export const TICKETS: readonly JsonObject[] = [
  { id: "T-1", tenant: "acme", region: "emea", status: "open", notes: "angry", ssn: "123-45-6789" },
  { id: "T-2", tenant: "acme", region: "amer", status: "open", notes: "calm", ssn: "999-45-0000" },
  { id: "T-3", tenant: "globex", region: "emea", status: "open", notes: "other", ssn: "555-45-1111" },
];

/** A fresh tool over its own copy of the tickets. */
export function ticketTool(): TestTool {
  const rows = new Map(TICKETS.map((each) => [String(each["id"]), { ...each } as Record<string, JsonObject[string]>]));
  const effects: TestTool["effects"] = [];
  return {
    effects,
    listing: { tools: OFFERED, resources: [], resourceTemplates: [], prompts: [], capabilities: {} },
    answer(name, args) {
      const row = rows.get(String(args["id"]));
      if (name === "list_tickets") return structured({ tickets: [...rows.values()] });
      if (name === "ping") return structured({ pong: true });
      if (row === undefined) return { content: [{ type: "text", text: "not found" }], isError: true };
      if (name === "update_ticket" && typeof args["status"] === "string") row["status"] = args["status"];
      if (name === "delete_ticket") rows.delete(String(args["id"]));
      return structured({ ...row });
    },
  };
}

/** A tool result that says its data twice, as real servers do. */
export function structured(value: JsonObject): JsonObject {
  return { content: [{ type: "text", text: JSON.stringify(value) }], structuredContent: value };
}

const reviewed = (name: string): string => fingerprint(OFFERED.find((each) => each["name"] === name) ?? {});

/** The policy most tests use; `extra` replaces or adds files. */
export function testPolicy(extra: Readonly<Record<string, string>> = {}): Policy {
  const files: Record<string, string> = {
    "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { prod: {} }
people:
  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [support-lead] }
`,
    "tools/tickets.yaml": `tool: tickets
connect: { mcp: { command: [unused] } }
types:
  Ticket: { id: string, tenant: string, region: string, status: string, notes: string, ssn: string }
tenantField: { Ticket: tenant }
actions:
  get_ticket: { is: "tickets:read", effect: read, args: { id: string }, resource: { type: Ticket, id: args.id }, returns: { type: Ticket, at: result }, reviewed: "${reviewed("get_ticket")}" }
  list_tickets: { is: "tickets:read", effect: read, args: {}, returns: { type: Ticket, at: result.tickets }, reviewed: "${reviewed("list_tickets")}" }
  update_ticket:
    is: tickets:update
    effect: write
    args: { id: string, "status?": string, "region?": string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    returns: { type: Ticket, at: result }
    reviewed: "${reviewed("update_ticket")}"
  delete_ticket: { is: "tickets:delete", effect: delete, args: { id: string }, resource: { type: Ticket, id: args.id, before: get_ticket }, returns: { type: Ticket, at: result }, reviewed: "${reviewed("delete_ticket")}" }
  ping: { is: "health:ping", effect: read, args: {}, reviewed: "${reviewed("ping")}" }
`,
    "roles/support.yaml": `role: support
reason: works the tickets of its region
allow:
  - do: tickets:read
    rows: resource.region == "emea"
    fields: { hide: [notes], mask: { ssn: partial } }
  - do: tickets:update
    rows: resource.region == "emea"
    fields: { write: [status] }
  - do: tickets:delete
    approve: { by: [support-lead], expires: 30m }
  - do: health:ping
`,
    "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [support]
ceiling: { allow: ["tickets:*", "health:*"] }
`,
    "gates.yaml": `defaults:
  delete: { off: true, reason: the grant itself asks }
gates: []
`,
    ...extra,
  };
  const loaded = load(Object.entries(files).map(([path, text]): PolicyFile => ({ path, text })));
  if (!loaded.ok) throw new Error(loaded.diagnostics.map((each) => `${each.at.file}:${each.at.line} ${each.what}`).join("\n"));
  return loaded.policy;
}

/** The default role with a limit on updates; tests that share a store use different windows, because counters belong to the agent. */
export function limitedPolicy(window: "perMinute" | "perHour", max: number): Policy {
  return testPolicy({
    "roles/support.yaml": `role: support
reason: works the tickets, slowly
allow:
  - do: tickets:update
    limits: { ${window}: ${max} }
`,
  });
}

/** A world for the call path: the real store and policy, one tool, and hooks where tests need to interfere. */
export interface World {
  readonly ports: CallPorts;
  readonly tool: TestTool;
  readonly session: Session;
  /** Makes one call as the session; answers are the path's. */
  call(name: string, args?: JsonObject, more?: Partial<IncomingCall>): Promise<CallAnswer>;
}

export async function world(
  store: Store,
  override: (ports: CallPorts) => CallPorts = (ports) => ports,
  policy: Policy = testPolicy(),
  more: Partial<Session> = {},
): Promise<World> {
  const tool = ticketTool();
  const session = { ...newSession(), ...more };
  await store.sessions.create(session);
  let ids = 0;
  const held = heldSecrets(store.credentials, () => Date.now(), store);
  const ports = override({
    brokerId: `brk_${process.pid}_${Math.random().toString(36).slice(2)}`,
    maskSalt: "a secret of the tests",
    now: () => new Date(),
    newId: (prefix) => `${prefix}_${session.id}_${(ids += 1)}`,
    policy: () => policy,
    // The token is the session's id here; what a token proves is tested at the verifier.
    senders: { verify: async ({ token }) => ({ tenant: "acme", session: requireToken(token) }) },
    running: runningCalls(store),
    memory: runMemory(),
    tokens: store.tokens,
    labelled: labelledMemory(),
    repeats: repeatMemory(),
    readSql: () => {
      throw new Error("no call of these tests is a query");
    },
    sessions: store.sessions,
    approvals: store.approvals,
    elevations: store.elevations,
    log: store.log,
    credentials: { ...store.credentials, held: (tenant) => held.of(tenant) },
    tools: { known: () => tool.listing, connect: (key) => Promise.resolve(connectionTo(tool, key)) },
  });
  const call: World["call"] = (name, args = {}, more = {}) => handleCall(ports, { ...incoming(session.id, name, args), ...more });
  return { ports, tool, session, call };
}

function requireToken(token: string | undefined): string {
  if (token === undefined) throw new Refusal("unauthenticated", "the call carries no session token");
  return token;
}

export function incoming(token: string, name: string, args: JsonObject): IncomingCall {
  return { presented: bearer(token), peer: "127.0.0.1", kind: "tool", name, args, io: silentIo(), patience: { waitMs: 0 } };
}

export function silentIo(signal: AbortSignal = new AbortController().signal): CallIo {
  return {
    signal,
    capabilities: {},
    progress: () => undefined,
    log: () => undefined,
    ask: () => Promise.reject(new Error("nobody to ask")),
  };
}

function newSession(): Session {
  const now = Date.now();
  return {
    ...PLAIN,
    id: `ses_${Math.random().toString(36).slice(2)}`,
    tenant: "acme",
    environment: "prod",
    workflow: "helpdesk",
    agent: AGENT,
    user: "u-17",
    // Approvals belong to agent, user and task: worlds of their own do not meet.
    task: `task-${randomUUID()}`,
    run: `run_${randomUUID()}`,
    data: {},
    scope: ["tickets:*", "health:*"],
    issuedAt: new Date(now),
    expiresAt: new Date(now + 240_000),
  };
}

function connectionTo(tool: TestTool, key: ToolConnection["key"]): ToolConnection {
  return {
    key,
    listing: () => Promise.resolve(tool.listing),
    async invoke(operation, args, { io }) {
      tool.effects.push({ name: operation.name, args });
      return tool.answer(operation.name, args, io);
    },
    complete: () => Promise.resolve({}),
    setLogLevel: () => Promise.resolve(),
    subscribe: () => Promise.resolve(() => Promise.resolve()),
    onChange: () => () => undefined,
    close: () => Promise.resolve(),
  };
}
