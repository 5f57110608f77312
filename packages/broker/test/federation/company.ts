import { formatDiagnostic, load, type Policy, type PolicyFile } from "@bailiwick/policy";

const MAIN = `version: 1
tenants: [acme, globex]
environments: { dev: {}, prod: {} }
people:
  lena: { name: Lena Lead, email: lena@acme.example, tenants: [acme, globex], roles: [support-lead] }
`;

const TICKETS = `tool: tickets
connect: { mcp: { url: "http://127.0.0.1:1/mcp" } }
types:
  Ticket: { id: string, status: string, region: string }
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
`;

const agent = (name: string, tenants = "[acme, globex]"): PolicyFile => ({
  path: `agents/${name}.yaml`,
  text: `agent: ${name}
workflow: support
owner: lena
tenants: ${tenants}
environments: [dev, prod]
roles: [support]
ceiling: { allow: ["tickets:*"] }
`,
});

/** Agents that delegate to each other, and one that partners act as. */
export const AGENTS = ["lead", "helper", "third", "fourth", "fifth", "desk"] as const;

export const name = (bot: string, tenant = "acme", environment = "prod"): string => `bailiwick://${tenant}/${environment}/support/${bot}`;

export const companyFiles: readonly PolicyFile[] = [
  { path: "bailiwick.yaml", text: MAIN },
  { path: "tools/tickets.yaml", text: TICKETS },
  { path: "roles/support.yaml", text: ROLE },
  ...AGENTS.map((each) => agent(each)),
];

/** The company's policy, with these partners. */
export function companyWith(partners?: string): Policy {
  const result = load([...companyFiles, ...(partners === undefined ? [] : [{ path: "partners.yaml", text: partners }])]);
  if (result.ok) return result.policy;
  throw new Error(result.diagnostics.map(formatDiagnostic).join("\n"));
}
