import { findAction, formatDiagnostic, load, type CatalogAction, type JsonObject, type Policy, type PolicyFile } from "@bailiwick/policy";

const MAIN = `version: 1
tenants: [acme, globex]
environments: { prod: {} }
people:
  lena: { name: Lena, email: lena@acme.example, tenants: [acme], roles: [lead] }
`;

const SHOP = `tool: shop
connect: { mcp: { url: "http://127.0.0.1:1/mcp" } }
actions:
  refund:
    is: shop:refund
    effect: write
    args:
      order: string
      amount: decimal
      "reason?": string
      "express?": boolean
      "count?": integer
      "to?": { to: email, "note?": string }
      "tags?": [string]
    cost: args.amount
  notify:
    is: shop:notify
    effect: write
    args: { to: email, body: string, "team?": string }
    labels: { team: [pii] }
    destination: [args.to]
`;

const ROLE = `role: clerk
reason: clerks work orders
allow:
  - do: shop:notify
  # The desk said so in March.
  - do: shop:refund
    id: refunds
    approve: { by: [lead], unless: "context.args.amount == decimal(\\"1.0\\")" }
`;

const GATES = `gates:
  - gate: notices
    reason: somebody reads a notice
    on: { do: [shop:notify] }
    require: { approve: { by: [lead] } }
`;

const AGENT = (name: string): string => `agent: ${name}
workflow: desk
owner: lena
tenants: [acme, globex]
environments: [prod]
roles: [clerk]
ceiling: { allow: ["shop:*"] }
`;

export const shopFiles: readonly PolicyFile[] = [
  { path: "bailiwick.yaml", text: MAIN },
  { path: "tools/shop.yaml", text: SHOP },
  { path: "roles/clerk.yaml", text: ROLE },
  { path: "gates.yaml", text: GATES },
  { path: "agents/one.yaml", text: AGENT("one") },
  { path: "agents/two.yaml", text: AGENT("two") },
];

/** @throws Error with all that is wrong. */
export function loaded(files: readonly PolicyFile[]): Policy {
  const result = load(files);
  if (result.ok) return result.policy;
  throw new Error(result.diagnostics.map(formatDiagnostic).join("\n"));
}

export const shop = loaded(shopFiles);
export const ONE = "bailiwick://acme/prod/desk/one";
export const TWO = "bailiwick://acme/prod/desk/two";

export function actionNamed(name: string): CatalogAction {
  const action = findAction(shop, { tool: "shop", kind: "tool", name });
  if (action === undefined) throw new Error(`the shop has no ${name}`);
  return action;
}

/** What the broker would have asked. */
export function requestOf(agent: string, name: string, args: JsonObject) {
  return {
    caller: {
      agent,
      tenant: agent.split("/")[2] ?? "",
      environment: "prod",
      workflow: "desk",
      user: "bob",
      session: "ses_1",
      task: "T",
      data: {},
      scope: ["shop:*"],
    },
    operation: { tool: "shop", kind: "tool", name },
    args,
    now: new Date("2026-11-01T10:00:00Z"),
  } as const;
}
