import { formatDiagnostic, load, type Policy } from "@bailiwick/policy";
import { companyFiles } from "./company.ts";

/** The small company, where an update asks in several ways, by the status it sets, and a customer's address is not for everybody. */
export function askingPolicy(extra: Readonly<Record<string, string>> = {}): Policy {
  const replaced: Readonly<Record<string, string>> = {
    "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { dev: {}, prod: {} }
reveal: { pii: [privacy] }
people:
  lena: { name: Lena Lead, email: lena@acme.example, tenants: [acme], roles: [support-lead] }
  ana: { name: Ana Agent, email: ana@acme.example, tenants: [acme], roles: [support-lead] }
  leo: { name: Leo Lead, email: leo@acme.example, tenants: [acme], roles: [support-lead] }
  petra: { name: Petra Privacy, email: petra@acme.example, tenants: [acme], roles: [support-lead, privacy] }
  sam: { name: Sam Security, email: sam@acme.example, tenants: [acme], roles: [security] }
  rudi: { name: Rudi Reader, email: rudi@acme.example, tenants: [acme], roles: [auditor] }
  olaf: { name: Olaf Operator, email: olaf@acme.example, tenants: [acme, globex], roles: [operator] }
  ines: { name: Ines Owner, email: ines@platform.example, tenants: [acme, globex], roles: [owner] }
  greta: { name: Greta Globex, email: greta@globex.example, tenants: [globex], roles: [support-lead, operator] }
`,
    "tools/tickets.yaml": `tool: tickets
connect: { mcp: { url: "http://127.0.0.1:1/mcp" } }
types:
  Ticket: { id: string, status: string, customer: string }
actions:
  get_ticket:
    is: tickets:read
    effect: read
    args: { id: string }
    resource: { type: Ticket, id: args.id }
    returns: { type: Ticket, at: result }
    labels: { customer: [pii] }
    reviewed: "sha256:${"0".repeat(64)}"
  update_ticket:
    is: tickets:update
    effect: write
    args: { id: string, "status?": string, "customer?": string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    destination: [args.customer]
    reviewed: "sha256:${"0".repeat(64)}"
`,
    "gates.yaml": `gates:
  - gate: reopening-is-for-security
    reason: security looks at what is opened again
    on: { do: [tickets:update] }
    when: context.args has status && context.args.status == "reopened"
    require: { approve: { by: [security] } }
  - gate: spam-needs-two
    reason: nobody calls somebody's words spam alone
    on: { do: [tickets:update] }
    when: context.args has status && context.args.status == "spam"
    require: { approve: { by: [support-lead], count: 2 } }
  - gate: legal-is-signed
    reason: a legal hold is signed for
    on: { do: [tickets:update] }
    when: context.args has status && context.args.status == "legal"
    require: { approve: { by: [support-lead], stepUp: true } }
`,
    ...extra,
  };
  const names = new Set(Object.keys(replaced));
  const files = [
    ...companyFiles.filter(({ path }) => !names.has(path)),
    ...Object.entries(replaced).map(([path, text]) => ({ path, text })),
  ];
  const loaded = load(files);
  if (!loaded.ok) throw new Error(loaded.diagnostics.map(formatDiagnostic).join("\n"));
  return loaded.policy;
}
