import { load } from "../../src/index.ts";
import type { Caller, DecisionRequest, JsonObject, Policy, PolicyFile } from "../../src/index.ts";

/** A small real folder; tests change single files of it. */
export const HELPDESK: Readonly<Record<string, string>> = {
  "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments:
  dev: {}
  prod:
    ceiling: { effects: [read, write, send, pay, delete] }
people:
  dana: { name: Dana Reyes, email: dana@acme.example, tenants: [acme], roles: [support-lead, operator] }
  omar: { name: Omar Haddad, email: omar@globex.example, tenants: [globex], roles: [finance] }
  lena: { name: Lena Fox, email: lena@platform.example, tenants: [acme, globex], roles: [support-lead, operator] }
session:
  data: { "ticket?": string }
`,
  "tools/tickets.yaml": `tool: tickets
connect: { mcp: { url: "\${env:HELPDESK_URL}/mcp" } }
credential: { name: helpdesk-api, inject: { header: authorization, format: "Bearer {value}" } }
types:
  Ticket:
    id: string
    tenant: string
    tier: integer
    region: string
    status: string
    "internal_notes?": string
    "customer?": { email: email, "ssn?": string }
tenantField: { Ticket: tenant }
actions:
  get_ticket:
    is: tickets:read
    effect: read
    args: { id: string }
    resource: { type: Ticket, id: args.id }
    returns: { type: Ticket, at: result }
    labels: { body: [untrusted] }
  list_tickets:
    is: tickets:read
    effect: read
    args: { "status?": string }
    force: { tenant: principal.tenant }
    returns: { type: Ticket, at: result.tickets }
  update_ticket:
    is: tickets:update
    effect: write
    args: { id: string, "status?": string, "assignee?": string, "priority?": integer }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    returns: { type: Ticket, at: result }
  bulk_close:
    is: tickets:close
    effect: write
    args: { ids: [string] }
    batch: args.ids
  delete_ticket:
    is: tickets:delete
    effect: delete
    args: { id: string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
resources:
  "kb://articles/*": { is: knowledge:read, effect: read }
  "kb://articles/secret": { is: knowledge:secret, effect: read }
prompts:
  triage: { is: knowledge:read, effect: read, args: { ticket: string } }
`,
  "tools/mail.yaml": `tool: mail
connect: { smtp: { host: 127.0.0.1, port: 2525, from: support@acme.example } }
actions:
  send:
    is: mail:send
    effect: send
    args: { to: email, subject: string, body: string, "cc?": [email] }
    destination: [args.to]
`,
  "tools/billing.yaml": `tool: billing
connect: { mcp: { command: [node, billing.js] } }
types:
  Invoice: { id: string, tenant: string, amount: decimal, due: datetime, "paid?": boolean, "meta?": any }
tenantField: { Invoice: tenant }
actions:
  get_invoice:
    is: invoices:read
    effect: read
    args: { id: string }
    returns: { type: Invoice, at: result }
  create_invoice:
    is: invoices:create
    effect: pay
    args: { customer: string, amount: decimal, "due?": datetime, "lines?": [{ sku: string, "qty?": integer }], "meta?": any }
    cost: args.amount
`,
  "roles/base.yaml": `role: base
reason: everyone may read the knowledge base
allow:
  - do: knowledge:read
`,
  "roles/support.yaml": `role: support
reason: tier-1 support works the tickets of its own region
extends: [base]
allow:
  - do: tickets:read
    id: read-own-region
    rows: resource.tier == 1 && resource.region == principal.region
    fields: { hide: [internal_notes], mask: { customer.email: partial, customer.ssn: redact } }
  - do: tickets:update
    id: update-own-region
    rows: resource.region == principal.region
    fields: { write: [status, assignee] }
    limits: { perMinute: 30, perHour: 200, records: 10 }
  - do: tickets:close
    limits: { records: 10 }
  - do: mail:send
    id: mail-customers
    approve: { by: [support-lead], expires: 20m, unless: context.args.to.domain == "acme.example" }
deny:
  - do: tickets:delete
    id: never-delete
    reason: support never deletes
`,
  "roles/billing.yaml": `role: billing
reason: billing looks after invoices
extends: [base]
allow:
  - do: invoices:*
    id: invoices
    when: context.session.task != ""
deny:
  - do: invoices:create
    id: too-much
    reason: large invoices are made by people
    when: context.args has amount && context.args.amount.greaterThan(decimal("10000.0"))
`,
  "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [dev, prod]
roles: [support]
attributes: { region: emea }
ceiling: { allow: ["tickets:*", "knowledge:*", "mail:send", "invoices:read"], effects: [read, write, send, delete] }
`,
  "agents/billing.yaml": `agent: billing
workflow: finance
owner: dana
tenants: [acme]
environments: [prod]
roles: [billing]
attributes: { region: amer, level: 3 }
ceiling: { allow: ["invoices:*", "knowledge:read"], when: context.session.task != "frozen" }
`,
  "gates.yaml": `defaults:
  external-send: { off: true, reason: replaced by mail-leaves-the-company }
gates:
  - gate: mail-leaves-the-company
    reason: a person reads mail before it leaves the company
    on: { do: [mail:send], effect: [send], environments: [prod] }
    when: context.args.to.domain != "acme.example"
    require: { approve: { by: [support-lead], expires: 30m }, limits: { perHour: 20 } }
  - gate: office-hours-for-money
    reason: somebody must be there when money moves
    on: { effect: [pay] }
    require: { hours: { days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00", zone: Europe/Berlin } }
`,
};

export function files(changes: Readonly<Record<string, string | undefined>> = {}): readonly PolicyFile[] {
  return Object.entries({ ...HELPDESK, ...changes }).flatMap(([path, text]) => (text === undefined ? [] : [{ path, text }]));
}

/** @throws Error with every diagnostic when the folder does not load. */
export function loaded(changes: Readonly<Record<string, string | undefined>> = {}): Policy {
  const result = load(files(changes));
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics, undefined, 1));
  return result.policy;
}

export const SUPPORT: Caller = {
  agent: "bailiwick://acme/prod/helpdesk/support",
  tenant: "acme",
  environment: "prod",
  workflow: "helpdesk",
  user: "u-17",
  session: "s-1",
  task: "T-1",
  data: {},
  scope: ["tickets:*", "knowledge:*", "mail:send", "invoices:read"],
};

export const BILLING: Caller = {
  ...SUPPORT,
  agent: "bailiwick://acme/prod/finance/billing",
  workflow: "finance",
  scope: ["invoices:*", "knowledge:read"],
};

/** A Monday, 11:00 in Berlin. */
export const NOW = new Date("2026-11-23T10:00:00Z");

export const TICKET: JsonObject = {
  id: "T-1",
  tenant: "acme",
  tier: 1,
  region: "emea",
  status: "open",
  internal_notes: "difficult",
  customer: { email: "ana@client.example", ssn: "078-05-1120" },
  title: "printer",
};

export function call(name: string, args: JsonObject, more: Partial<DecisionRequest> & { readonly tool?: string } = {}): DecisionRequest {
  const { tool = "tickets", ...rest } = more;
  return { caller: SUPPORT, operation: { tool, kind: "tool", name }, args, now: NOW, ...rest };
}

export function ticket(changes: JsonObject = {}) {
  return { type: "Ticket", id: "T-1", attributes: { ...TICKET, ...changes } };
}
