import { load } from "../../packages/policy/src/index.ts";
import type { Caller, DecisionRequest, JsonObject, Policy } from "../../packages/policy/src/index.ts";
import { seededRandom } from "../statistics.ts";

const FILES: Readonly<Record<string, string>> = {
  "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { prod: { ceiling: { effects: [read, write] } } }
people:
  dana: { name: Dana Reyes, email: dana@acme.example, tenants: [acme, globex], roles: [operator] }
`,
  "tools/tickets.yaml": `tool: tickets
connect: { mcp: { command: [node, tickets.js] } }
types:
  Ticket: { id: string, tenant: string, tier: integer, region: string, status: string, restricted: boolean, "notes?": string, customer: { email: email } }
tenantField: { Ticket: tenant }
actions:
  get_ticket: { is: tickets:read, effect: read, args: { id: string }, resource: { type: Ticket, id: args.id }, returns: { type: Ticket, at: result } }
  list_tickets: { is: tickets:read, effect: read, args: { "status?": string }, returns: { type: Ticket, at: result.tickets } }
  update_ticket:
    is: tickets:update
    effect: write
    args: { id: string, "status?": string, "priority?": integer }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    returns: { type: Ticket, at: result }
`,
  "roles/support.yaml": `role: support
reason: support works the tickets of its own region
allow:
  - { do: tickets:read, id: read-own, rows: resource.tier <= 2 && resource.region == principal.region }
  - { do: tickets:update, id: update-own, rows: resource.region == principal.region, when: context.args has priority && context.args.priority <= 3 }
deny:
  - { do: tickets:read, id: no-restricted, rows: resource.restricted && resource.status == "closed" }
`,
  "roles/front-desk.yaml": `role: front-desk
reason: the front desk sees less of each ticket
allow:
  - do: tickets:read
    id: read-masked
    rows: resource.tier <= 2 && resource.region == principal.region
    fields: { hide: [notes], mask: { customer.email: partial } }
`,
  "agents/support.yaml": agentFile("support"),
  "agents/front-desk.yaml": agentFile("front-desk"),
};

function agentFile(role: string): string {
  return `agent: ${role}
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [${role}]
attributes: { region: emea }
ceiling: { allow: ["tickets:*"], effects: [read, write] }
`;
}

/** Records of one large result. */
export const ROWS = 10_000;
const ROWS_SEED = 20_261_127;
const NOW = new Date("2026-11-23T10:00:00Z");

/** A policy folder as the broker holds it, and records as a tool returns them. */
export interface Folder {
  readonly policy: Policy;
  readonly records: readonly JsonObject[];
}

/** @throws Error with the diagnostics when the folder does not load. */
export function openFolder(): Folder {
  const result = load(Object.entries(FILES).map(([path, text]) => ({ path, text })));
  if (!result.ok) throw new Error(`the bench's folder does not load: ${JSON.stringify(result.diagnostics)}`);
  return { policy: result.policy, records: makeRecords() };
}

function makeRecords(): readonly JsonObject[] {
  const random = seededRandom(ROWS_SEED);
  const among = (items: readonly string[]): string => items[Math.floor(random() * items.length)] ?? "";
  return Array.from({ length: ROWS }, (_, index) => ({
    id: `T-${index}`,
    tenant: random() < 0.9 ? "acme" : "globex",
    tier: 1 + Math.floor(random() * 3),
    region: among(["emea", "emea", "amer"]),
    status: among(["open", "closed"]),
    restricted: random() < 0.3,
    notes: `note ${index}`,
    customer: { email: `customer${index}@client.example` },
    title: `printer on floor ${index} does not print`,
  }));
}

const CALLERS: Readonly<Record<string, Caller>> = { support: callerOf("support"), "front-desk": callerOf("front-desk") };

function callerOf(role: string): Caller {
  return {
    agent: `bailiwick://acme/prod/helpdesk/${role}`,
    tenant: "acme",
    environment: "prod",
    workflow: "helpdesk",
    user: "u-17",
    session: "s-1",
    task: "T-1",
    data: {},
    scope: ["tickets:*"],
  };
}

/** A call of one of the folder's agents. Requests of the same agent share the caller object, as those of one session do. */
export function requestOf(agent: "support" | "front-desk", name: string, args: JsonObject): DecisionRequest {
  const caller = CALLERS[agent];
  if (caller === undefined) throw new Error(`no caller ${agent}`);
  return { caller, operation: { tool: "tickets", kind: "tool", name }, args, now: NOW };
}
