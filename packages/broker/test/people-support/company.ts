import type { AgentConfig, CatalogTool, Policy } from "@bailiwick/policy";

const at = { file: "agents/support.yaml", line: 1 };

/** A small company for tests of the people's interface: two tenants, four people, three agents, one tool. */
export const company: Policy = {
  version: `sha256:${"0".repeat(64)}`,
  tenants: ["acme", "globex"],
  environments: ["dev", "prod"],
  people: [
    { id: "lena", name: "Lena Lead", email: "lena@acme.example", tenants: ["acme"], roles: ["support-lead"] },
    { id: "ana", name: "Ana Agent", email: "ana@acme.example", tenants: ["acme"], roles: ["support-lead"] },
    { id: "olaf", name: "Olaf Operator", email: "olaf@acme.example", tenants: ["acme", "globex"], roles: ["operator"] },
    { id: "greta", name: "Greta Globex", email: "greta@globex.example", tenants: ["globex"], roles: ["support-lead", "operator"] },
  ],
  agents: [agent("acme", "prod"), agent("acme", "dev"), agent("globex", "prod")],
  tools: [tickets()],
  warnings: [],
  engine: undefined,
};

function agent(tenant: string, environment: string): AgentConfig {
  return {
    name: `bailiwick://${tenant}/${environment}/support/support-bot`,
    agent: "support-bot",
    tenant,
    environment,
    workflow: "support",
    roles: ["support"],
    owner: "lena",
    attributes: {},
    at,
  };
}

function tickets(): CatalogTool {
  const action = { force: {}, labels: {}, destination: [], timeoutMs: 1_000, at: { file: "tools/tickets.yaml", line: 5 } } as const;
  return {
    tool: "tickets",
    connect: { mcp: { url: "http://127.0.0.1:1/mcp" } },
    types: {},
    tenantField: {},
    actions: [
      {
        ...action,
        operation: { tool: "tickets", kind: "tool", name: "get_ticket" },
        scope: "tickets:read",
        effect: "read",
        args: { id: "string" },
      },
      {
        ...action,
        operation: { tool: "tickets", kind: "tool", name: "update_ticket" },
        scope: "tickets:update",
        effect: "write",
        args: { id: "string", "status?": "string" },
      },
    ],
    at: { file: "tools/tickets.yaml", line: 1 },
  };
}
