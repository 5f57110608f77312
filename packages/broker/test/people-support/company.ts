import { formatDiagnostic, load, type Policy, type PolicyFile } from "@bailiwick/policy";

const MAIN = `version: 1
tenants: [acme, globex]
environments: { dev: {}, prod: {} }
people:
  lena: { name: Lena Lead, email: lena@acme.example, tenants: [acme], roles: [support-lead] }
  ana: { name: Ana Agent, email: ana@acme.example, tenants: [acme], roles: [support-lead] }
  rudi: { name: Rudi Reader, email: rudi@acme.example, tenants: [acme], roles: [auditor] }
  olaf: { name: Olaf Operator, email: olaf@acme.example, tenants: [acme, globex], roles: [operator] }
  ines: { name: Ines Owner, email: ines@platform.example, tenants: [acme, globex], roles: [owner] }
  greta: { name: Greta Globex, email: greta@globex.example, tenants: [globex], roles: [support-lead, operator] }
`;

const TICKETS = `tool: tickets
connect: { mcp: { url: "http://127.0.0.1:1/mcp" } }
types:
  Ticket: { id: string, status: string }
actions:
  get_ticket:
    is: tickets:read
    effect: read
    args: { id: string }
    resource: { type: Ticket, id: args.id }
    returns: { type: Ticket, at: result }
    reviewed: "sha256:${"0".repeat(64)}"
  update_ticket:
    is: tickets:update
    effect: write
    args: { id: string, "status?": string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    reviewed: "sha256:${"0".repeat(64)}"
`;

const ROLE = `role: support
reason: support works tickets
allow:
  - do: tickets:read
  - do: tickets:update
    approve: { by: [support-lead] }
`;

const AGENT = `agent: support-bot
workflow: support
owner: ines
tenants: [acme, globex]
environments: [dev, prod]
roles: [support]
ceiling: { allow: ["tickets:*"] }
`;

const TESTS = `tests:
  - name: support reads tickets
    agent: bailiwick://acme/prod/support/support-bot
    call: tickets.get_ticket
    args: { id: T-1 }
    expect: allow
`;

/** The policy folder of a small company: two tenants, six people, one agent in two environments, one tool. */
export const companyFiles: readonly PolicyFile[] = [
  { path: "bailiwick.yaml", text: MAIN },
  { path: "tools/tickets.yaml", text: TICKETS },
  { path: "roles/support.yaml", text: ROLE },
  { path: "agents/support.yaml", text: AGENT },
  { path: "tests/support.yaml", text: TESTS },
];

export const company: Policy = loaded(companyFiles);

function loaded(files: readonly PolicyFile[]): Policy {
  const result = load(files);
  if (result.ok) return result.policy;
  throw new Error(result.diagnostics.map(formatDiagnostic).join("\n"));
}
