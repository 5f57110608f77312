import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Session } from "../../domain/session.ts";
import { agentDetailSchema } from "../../rest-contract/rights.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { agentNamed, cellsOf, inForceIn, viewCell, viewEligible, viewInForce } from "./agent-rights.ts";
import { viewAgent } from "./agents.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { viewSession } from "./sessions.ts";

/** Live sessions of a tenant that are looked at; an agent's tree lies among them. */
const MAX_SESSIONS = 500;

/** `GET /agents/detail`. Its calls are read from `/calls`, where reads of the log are recorded. */
export function addAgentDetailEndpoint(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/agents/detail",
    tag: "agents",
    summary: "one agent: who it is, its keys, its sessions with their delegations, what it may do, whether it is stopped",
    need: "view",
    params: nothing,
    query: z.strictObject({ name: nameSchema }),
    body: nothing,
    answer: agentDetailSchema,
    handle: async ({ principal, query }) => {
      const policy = ports.policy();
      const agent = agentNamed(policy, principal, query.name);
      const { tenant, at, attributes, owner, clients, eligible } = agent;
      const [keys, stops, live, elevations] = await Promise.all([
        ports.agentKeys.list(tenant),
        ports.stops.list(tenant),
        ports.sessions.list(tenant, { live: true, limit: MAX_SESSIONS }),
        inForceIn(ports, [tenant]),
      ]);
      const inForce = elevations.get(agent.name) ?? [];
      const ownerName = policy.people.find(({ id }) => id === owner)?.name;
      return {
        ...viewAgent(agent, keys, stops),
        at,
        ...(ownerName === undefined ? {} : { ownerName }),
        attributes: { ...attributes },
        ...(clients === undefined
          ? {}
          : { clients: { people: [...clients.people], ...(clients.ids === undefined ? {} : { ids: [...clients.ids] }) } }),
        eligible: eligible.map(viewEligible),
        elevations: viewInForce(inForce),
        rights: (await cellsOf(policy, agent, inForce)).map((cell) => viewCell(cell, inForce)),
        sessions: treesOf(live, agent.name).map((session) => viewSession(session, ports.now())),
        moreSessions: live.length === MAX_SESSIONS,
      };
    },
  });
}

/** The agent's sessions with all above and below them. */
function treesOf(live: readonly Session[], agent: string): readonly Session[] {
  const own = live.filter((session) => session.agent === agent);
  const ids = new Set(own.map(({ id }) => id));
  const above = new Set(own.flatMap(({ lineage }) => lineage));
  return live.filter(({ id, lineage }) => ids.has(id) || above.has(id) || lineage.some((each) => ids.has(each)));
}
