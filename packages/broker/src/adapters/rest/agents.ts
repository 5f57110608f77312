import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AgentConfig } from "@bailiwick/policy";
import { calculateJwkThumbprint, importJWK } from "jose";
import type { AgentKey } from "../../domain/session.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { nameOf, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { agentSchema, nameSchema } from "../../rest-contract/schemas.ts";
import { notFound, tenantQuery, tenantsOf } from "./tenants.ts";

/** RFC 7517 with RFC 7518 section 6.2.1: the public half of a P-256 key; `d` is refused so that a private key is never sent twice. */
const publicKey = z
  .looseObject({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.base64url().max(64), y: z.base64url().max(64) })
  .refine((jwk) => !("d" in jwk), { error: "holds a private key; send the public half only" });

/** `GET /agents`, `POST /agents/keys`. */
export function addAgentEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/agents",
    tag: "agents",
    summary: "agents of the policy and their keys",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ agents: z.array(agentSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(
        tenantsOf(principal, query.tenant).map(async (tenant) => {
          const keys = await ports.agentKeys.list(tenant);
          return ports
            .policy()
            .agents.filter((agent) => agent.tenant === tenant)
            .map((agent) => viewAgent(agent, keys));
        }),
      );
      return { agents: lists.flat() };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/agents/keys",
    tag: "agents",
    summary: "registers an agent's public key",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ agent: nameSchema, publicJwk: publicKey }),
    answer: z.object({ agent: z.string(), thumbprint: z.string() }),
    handle: async ({ principal, body }) => {
      const agent = ports
        .policy()
        .agents.find((candidate) => candidate.name === body.agent && principal.tenants.includes(candidate.tenant));
      if (agent === undefined) throw notFound("agent", body.agent, "bailiwick agents list");
      const { kty, crv, x, y } = body.publicJwk;
      const publicJwk = { kty, crv, x, y };
      await checkPoint(publicJwk);
      const thumbprint = await calculateJwkThumbprint(publicJwk);
      await ports.log.append(agent.tenant, {
        kind: "admin",
        callId: `key_${thumbprint}`,
        body: {
          at: ports.now().toISOString(),
          event: "agent.add_key",
          by: nameOf(principal),
          via: viaOf(principal),
          agent: agent.name,
          environment: agent.environment,
          thumbprint,
        },
      });
      await ports.agentKeys.add({ agent: agent.name, tenant: agent.tenant, thumbprint, publicJwk, status: "active" });
      return { agent: agent.name, thumbprint };
    },
  });
}

/** @throws Problem `malformed_request` when the coordinates are no point of the curve. */
async function checkPoint(publicJwk: { kty: string; crv: string; x: string; y: string }): Promise<void> {
  try {
    await importJWK(publicJwk, "ES256");
  } catch {
    throw new Problem("malformed_request", "`body.publicJwk` is no P-256 public key: its coordinates are not a point of the curve", [
      "make a key with `bailiwick agents new-key`",
    ]);
  }
}

function viewAgent(agent: AgentConfig, keys: readonly AgentKey[]): z.input<typeof agentSchema> {
  const { name, tenant, environment, workflow, roles, owner } = agent;
  const own = keys.filter((key) => key.agent === name).map(({ thumbprint, status }) => ({ thumbprint, status }));
  return { name, tenant, environment, workflow, roles: [...roles], owner, keys: own };
}
