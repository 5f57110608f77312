import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { actionId, type AgentConfig, type CatalogAction, decide, explain, type Policy } from "@bailiwick/policy";
import { suppose } from "../../insight/suppose.ts";
import { explainedCellSchema, matrixSchema } from "../../rest-contract/rights.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { agentNamed, cellsOf, type InForce, inForceIn, viewCell, viewEligible, viewInForce, viewMark } from "./agent-rights.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { notFound, tenantsOf } from "./tenants.ts";

/** `GET /matrix`, `GET /matrix/cell`: who may do what, as the policy in force says it. */
export function addMatrixEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/matrix",
    tag: "policy",
    summary: "agents by actions: allow, ask or deny; what goes with each is asked for by cell",
    need: "view",
    params: nothing,
    query: z.strictObject({ tenant: nameSchema.optional(), environment: nameSchema.optional() }),
    body: nothing,
    answer: matrixSchema,
    handle: async ({ principal, query }) => {
      const policy = ports.policy();
      const tenants = tenantsOf(principal, query.tenant);
      const agents = policy.agents.filter(
        ({ tenant, environment }) => tenants.includes(tenant) && (query.environment ?? environment) === environment,
      );
      const inForce = await inForceIn(ports, tenants);
      const rows: z.input<typeof matrixSchema>["rows"] = [];
      for (const agent of agents) rows.push(await rowOf(policy, agent, inForce.get(agent.name) ?? []));
      return { policyVersion: policy.version, actions: policy.tools.flatMap(({ actions }) => actions.map(viewAction)), rows };
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/matrix/cell",
    tag: "policy",
    summary: "what one agent may do with one action, in words, by which rules, and what would turn a denial",
    need: "view",
    params: nothing,
    query: z.strictObject({ agent: nameSchema, action: nameSchema }),
    body: nothing,
    answer: explainedCellSchema,
    handle: async ({ principal, query }) => {
      const policy = ports.policy();
      const agent = agentNamed(policy, principal, query.agent);
      const inForce = (await inForceIn(ports, [agent.tenant])).get(agent.name) ?? [];
      const cell = (await cellsOf(policy, agent, inForce)).find(({ action }) => action === query.action);
      const action = policy.tools.flatMap(({ actions }) => actions).find(({ operation }) => actionId(operation) === query.action);
      if (cell === undefined || action === undefined) throw notFound("action", query.action, "bailiwick tools list");
      return {
        ...viewCell(cell, inForce),
        agent: agent.name,
        wouldChange: cell.verdict === "deny" ? [...wouldTurn(policy, agent, action, ports.now())] : [],
        args: { ...action.args },
        at: action.at,
      };
    },
  });
}

async function rowOf(
  policy: Policy,
  agent: AgentConfig,
  inForce: readonly InForce[],
): Promise<z.input<typeof matrixSchema>["rows"][number]> {
  const { name, tenant, environment, workflow, roles, owner, eligible } = agent;
  return {
    agent: name,
    tenant,
    environment,
    workflow,
    roles: [...roles],
    owner,
    eligible: eligible.map(viewEligible),
    elevations: viewInForce(inForce),
    cells: (await cellsOf(policy, agent, inForce)).map(viewMark),
  };
}

function viewAction({ operation, scope, effect }: CatalogAction): z.input<typeof matrixSchema>["actions"][number] {
  return { operation, action: actionId(operation), scope, effect };
}

/** What would turn a denial that holds for every call. A call without arguments shows it, unless the arguments are what is wrong with it. */
function wouldTurn(policy: Policy, agent: AgentConfig, action: CatalogAction, now: Date): readonly string[] {
  const { request } = suppose(policy, [agent], { agent: agent.name, action: actionId(action.operation) }, now);
  const decision = decide(policy, request);
  return decision.refusal?.code === "argument_invalid" ? [] : explain(policy, request, decision).wouldChange;
}
