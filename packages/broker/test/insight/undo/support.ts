import { randomUUID } from "node:crypto";
import type { Json, JsonObject, Policy } from "@bailiwick/policy";
import type { Store } from "../../../src/adapters/store/index.ts";
import { fingerprint } from "../../../src/domain/fingerprint.ts";
import {
  lookAtUndo,
  previewUndo,
  type UndoOutcome,
  type UndoPorts,
  type UndoPreview,
  undoCall,
} from "../../../src/insight/undo/undo-call.ts";
import type { UndoObstacle } from "../../../src/insight/undo/propose-undo.ts";
import type { Asker } from "../../../src/insight/undo/undo-session.ts";
import { structured, testPolicy, world, type World } from "../../call/support.ts";

type Row = Record<string, Json>;

const NAMES = [
  "get_ticket",
  "create_ticket",
  "update_ticket",
  "delete_ticket",
  "close_ticket",
  "reopen_ticket",
  "annotate_ticket",
  "send_note",
];
const OFFERED = NAMES.map((name): JsonObject => ({ name, description: `does ${name}`, inputSchema: { type: "object" } }));
const reviewed = (name: string): string => fingerprint(OFFERED.find((each) => each["name"] === name) ?? {});

/** A tool whose writes can be taken back; `undo` of an action, or the whole entry, can be replaced. */
export const TICKETS_FILE = `tool: tickets
connect: { mcp: { command: [unused] } }
types:
  Ticket: { id: string, tenant: string, region: string, status: string, "notes?": string }
tenantField: { Ticket: tenant }
actions:
  get_ticket: { is: "tickets:read", effect: read, args: { id: string }, resource: { type: Ticket, id: args.id }, returns: { type: Ticket, at: result }, labels: { notes: [pii] }, reviewed: "${reviewed("get_ticket")}" }
  create_ticket:
    is: tickets:create
    effect: write
    args: { "id?": string, region: string, status: string, "notes?": string }
    force: { tenant: principal.tenant }
    returns: { type: Ticket, at: result }
    undo: delete_ticket
    reviewed: "${reviewed("create_ticket")}"
  update_ticket:
    is: tickets:update
    effect: write
    args: { id: string, "status?": string, "region?": string, "notes?": string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    returns: { type: Ticket, at: result }
    undo: update_ticket
    reviewed: "${reviewed("update_ticket")}"
  delete_ticket:
    is: tickets:delete
    effect: delete
    args: { id: string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    undo: create_ticket
    reviewed: "${reviewed("delete_ticket")}"
  close_ticket:
    is: tickets:close
    effect: write
    args: { id: string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    returns: { type: Ticket, at: result }
    undo: { do: update_ticket, args: { id: args.id, status: before.status } }
    reviewed: "${reviewed("close_ticket")}"
  reopen_ticket: { is: "tickets:reopen", effect: write, args: { id: string }, resource: { type: Ticket, id: args.id, before: get_ticket }, returns: { type: Ticket, at: result }, reviewed: "${reviewed("reopen_ticket")}" }
  annotate_ticket:
    is: tickets:annotate
    effect: write
    args: { id: string, text: string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    returns: { type: Ticket, at: result }
    undo: { do: annotate_ticket, args: { id: args.id, text: before.notes } }
    reviewed: "${reviewed("annotate_ticket")}"
  send_note: { is: "tickets:note", effect: write, args: { text: string }, reviewed: "${reviewed("send_note")}" }
`;

/** By default policy lets everything happen at once, so that a test sees what undoing itself does. */
export function undoPolicy(extra: Readonly<Record<string, string>> = {}): Policy {
  return testPolicy({
    "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { prod: {} }
reveal: { pii: [privacy] }
people:
  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [support-lead] }
  lena: { name: Lena, email: lena@acme.example, tenants: [acme], roles: [support-lead, operator] }
  olaf: { name: Olaf, email: olaf@acme.example, tenants: [acme], roles: [operator] }
  petra: { name: Petra, email: petra@acme.example, tenants: [acme], roles: [operator, privacy] }
  ana: { name: Ana, email: ana@acme.example, tenants: [acme], roles: [support-lead] }
  rudi: { name: Rudi, email: rudi@acme.example, tenants: [acme], roles: [auditor] }
  greta: { name: Greta, email: greta@globex.example, tenants: [globex], roles: [operator] }
`,
    "tools/tickets.yaml": TICKETS_FILE,
    "roles/support.yaml": `role: support
reason: works the tickets
allow:
  - do: "tickets:*"
`,
    "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [support]
ceiling: { allow: ["tickets:*"] }
`,
    "gates.yaml": `defaults:
  delete: { off: true, reason: these tests delete at once }
gates: []
`,
    ...extra,
  });
}

export const OLAF: Asker = { by: { person: "olaf" }, via: "passkey", reason: "a slip" };

export interface UndoWorld extends World {
  /** What the tool holds; somebody else may write it as well. */
  readonly rows: Map<string, Row>;
  readonly undo: UndoPorts;
  /** Makes a call that must succeed and gives its id. */
  done(name: string, args: JsonObject): Promise<string>;
  /** Undoes a call, or says why that is not possible. */
  undoing(callId: string, asker?: Asker): Promise<UndoOutcome | ({ readonly state: "impossible" } & UndoObstacle)>;
  preview(callId: string): Promise<UndoPreview>;
}

export async function undoWorld(store: Store, policy: () => Policy = () => undoPolicy()): Promise<UndoWorld> {
  const first = policy();
  const made = await world(store, (ports) => ({ ...ports, policy: () => first }), first);
  return over(store, made);
}

/** Ports that lead to a world which is made later, over the store of a house that needs them first. */
export function laterUndo(world: () => UndoWorld): UndoPorts {
  return {
    get call() {
      return world().undo.call;
    },
    get session() {
      return world().undo.session;
    },
  };
}

/** The same with a policy that the test changes in between. */
export async function changingWorld(store: Store, policy: () => Policy): Promise<UndoWorld> {
  return over(store, await world(store, (ports) => ({ ...ports, policy }), policy()));
}

function over(store: Store, made: World): UndoWorld {
  const rows = new Map<string, Row>();
  made.tool.listing = { ...made.tool.listing, tools: OFFERED };
  made.tool.answer = (name, args) => answerOf(rows, name, args);
  const undo: UndoPorts = {
    call: made.ports,
    session: { log: store.log, sessions: store.sessions, now: () => new Date(), newSessionId: () => `ses_${randomUUID()}` },
  };
  const looked = async (callId: string): Promise<NonNullable<Awaited<ReturnType<typeof lookAtUndo>>>> => {
    const found = await lookAtUndo(undo, "acme", callId);
    if (found === undefined) throw new Error(`no call ${callId}`);
    return found;
  };
  return {
    ...made,
    rows,
    undo,
    done: async (name, args) => {
      const answer = await made.call(name, args);
      if (answer.kind !== "result") throw new Error(`${name} came out as ${JSON.stringify(answer)}`);
      return answer.callId;
    },
    undoing: async (callId, asker = OLAF) => {
      const found = await looked(callId);
      if (found.possible) return undoCall(undo, found, asker);
      return { state: "impossible", code: found.code, message: found.message };
    },
    preview: async (callId) => {
      const found = await looked(callId);
      if (!found.possible) throw new Error(found.message);
      return previewUndo(undo, found, OLAF);
    },
  };
}

const FIELDS = ["region", "status", "notes"];

/** The tool itself: it refuses to make what is there, and to touch what is not. */
function answerOf(rows: Map<string, Row>, name: string, args: JsonObject): JsonObject {
  const given = Object.fromEntries(FIELDS.flatMap((field) => (args[field] === undefined ? [] : [[field, args[field]]])));
  if (name === "send_note") return structured({ sent: true });
  if (name === "create_ticket") {
    const id = typeof args["id"] === "string" ? args["id"] : `T-${randomUUID()}`;
    if (rows.has(id)) return { content: [{ type: "text", text: "it exists" }], isError: true };
    rows.set(id, { id, tenant: String(args["tenant"]), ...given });
    return structured({ ...rows.get(id) });
  }
  const row = rows.get(String(args["id"]));
  if (row === undefined) return { content: [{ type: "text", text: "not found" }], isError: true };
  if (name === "update_ticket") Object.assign(row, given);
  if (name === "close_ticket") row["status"] = "closed";
  if (name === "annotate_ticket") row["notes"] = String(args["text"]);
  if (name === "reopen_ticket") row["status"] = "open";
  if (name === "delete_ticket") rows.delete(String(args["id"]));
  return structured({ ...row });
}
