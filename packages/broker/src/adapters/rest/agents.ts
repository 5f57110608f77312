import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AgentConfig } from "@bailiwick/policy";
import { calculateJwkThumbprint, importJWK } from "jose";
import { type AdminEvent, adminRecord } from "../../domain/admin-record.ts";
import { type AgentKey, P256_COORDINATE } from "../../domain/agent-key.ts";
import type { Stop } from "../../domain/stop.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { agentSchema, nameSchema } from "../../rest-contract/schemas.ts";
import { notFound, tenantQuery, tenantsOf } from "./tenants.ts";

/** RFC 7517 with RFC 7518 section 6.2.1: the public half of a P-256 key; `d` is refused so that a private key is never sent twice. */
const publicKey = z
  .looseObject({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: z.string().regex(P256_COORDINATE),
    y: z.string().regex(P256_COORDINATE),
  })
  .refine((jwk) => !("d" in jwk), { error: "holds a private key; send the public half only" });

/** How long an older key goes on working after a new one came. */
const overlapSchema = z.string().regex(/^[1-9]\d{0,3}[mhd]$/u);
const OVERLAP_UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `GET /agents`, `POST /agents/keys`, `POST /agents/keys/retire`. */
export function addAgentEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/agents",
    tag: "agents",
    summary: "agents of the policy, their keys and whether they may act",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ agents: z.array(agentSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(
        tenantsOf(principal, query.tenant).map(async (tenant) => {
          const [keys, stops] = [await ports.agentKeys.list(tenant), await ports.stops.list(tenant)];
          return ports
            .policy()
            .agents.filter((agent) => agent.tenant === tenant)
            .map((agent) => viewAgent(agent, keys, stops));
        }),
      );
      return { agents: lists.flat() };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/agents/keys",
    tag: "agents",
    summary: "registers an agent's public key; `overlap` ends the older ones after that time",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ agent: nameSchema, publicJwk: publicKey, overlap: overlapSchema.optional() }),
    answer: z.object({ agent: z.string(), thumbprint: z.string(), retiring: z.array(z.string()) }),
    handle: async ({ principal, body }) => {
      const agent = agentNamed(ports, principal, body.agent);
      const { kty, crv, x, y } = body.publicJwk;
      const publicJwk = { kty, crv, x, y };
      await checkPoint(publicJwk);
      const thumbprint = await calculateJwkThumbprint(publicJwk);
      await requireNotRetired(ports, agent, thumbprint);
      await recordKey(ports, principal, "agent.add_key", agent, thumbprint);
      const addedAt = ports.now();
      await ports.agentKeys.add({ agent: agent.name, tenant: agent.tenant, thumbprint, publicJwk, status: "active", addedAt });
      const retiring =
        body.overlap === undefined ? [] : await retireOthers(ports, principal, agent, thumbprint, overlapEnd(body.overlap, addedAt));
      return { agent: agent.name, thumbprint, retiring };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/agents/keys/retire",
    tag: "agents",
    summary: "ends an agent's key at once",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ agent: nameSchema, thumbprint: nameSchema }),
    answer: z.object({ agent: z.string(), thumbprint: z.string() }),
    handle: async ({ principal, body }) => {
      const agent = agentNamed(ports, principal, body.agent);
      const key = (await ports.agentKeys.list(agent.tenant)).find(
        (each) => each.agent === agent.name && each.thumbprint === body.thumbprint,
      );
      if (key === undefined) throw notFound("key", body.thumbprint, "bailiwick agents list --json");
      await recordKey(ports, principal, "agent.retire_key", agent, key.thumbprint);
      await ports.agentKeys.add({ ...key, status: "retired" });
      return { agent: agent.name, thumbprint: key.thumbprint };
    },
  });
}

function agentNamed(ports: RestPorts, principal: Principal, name: string): AgentConfig {
  const agent = ports.policy().agents.find((candidate) => candidate.name === name && principal.tenants.includes(candidate.tenant));
  if (agent === undefined) throw notFound("agent", name, "bailiwick agents list");
  return agent;
}

/** @throws Problem `key_retired`. */
async function requireNotRetired(ports: RestPorts, { tenant, name }: AgentConfig, thumbprint: string): Promise<void> {
  const keys = await ports.agentKeys.list(tenant);
  if (!keys.some((key) => key.agent === name && key.thumbprint === thumbprint && key.status === "retired")) return;
  throw new Problem("key_retired", "this key was retired, and whoever had it may still have it", [
    "make a new key with `bailiwick agents new-key` and add that one",
  ]);
}

function overlapEnd(text: string, from: Date): Date {
  return new Date(from.getTime() + Number(text.slice(0, -1)) * (OVERLAP_UNIT_MS[text.slice(-1)] ?? 0));
}

async function retireOthers(ports: RestPorts, principal: Principal, agent: AgentConfig, kept: string, at: Date): Promise<string[]> {
  const older = (await ports.agentKeys.list(agent.tenant)).filter(
    (key) =>
      key.agent === agent.name && key.status === "active" && key.thumbprint !== kept && (key.retiresAt === undefined || key.retiresAt > at),
  );
  for (const key of older) {
    await recordKey(ports, principal, "agent.retire_key_later", agent, key.thumbprint, { retiresAt: at.toISOString() });
    await ports.agentKeys.add({ ...key, retiresAt: at });
  }
  return older.map((key) => key.thumbprint);
}

async function recordKey(
  ports: RestPorts,
  principal: Principal,
  event: AdminEvent,
  agent: AgentConfig,
  thumbprint: string,
  more: { readonly retiresAt?: string } = {},
): Promise<void> {
  await ports.log.append(
    agent.tenant,
    adminRecord({
      at: ports.now(),
      event,
      by: doerOf(principal),
      via: viaOf(principal),
      callId: `key_${thumbprint}`,
      body: { agent: agent.name, environment: agent.environment, thumbprint, ...more },
    }),
  );
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

/** An agent as people see it: its keys, and what stops it. */
export function viewAgent(agent: AgentConfig, keys: readonly AgentKey[], stops: readonly Stop[]): z.input<typeof agentSchema> {
  const { name, tenant, environment, workflow, roles, owner } = agent;
  const own = keys
    .filter((key) => key.agent === name)
    .map(({ thumbprint, status, addedAt, retiresAt }) => ({
      thumbprint,
      status,
      addedAt: addedAt.toISOString(),
      retiresAt: retiresAt?.toISOString(),
    }));
  const stop = stops.find(
    (each) =>
      each.kind === "everything" ||
      each.kind === "tenant" ||
      (each.kind === "workflow" && each.name === `${environment}/${workflow}`) ||
      (each.kind === "agent" && each.name === name),
  );
  const status = stop === undefined ? "active" : stop.kind === "agent" ? stop.state : "stopped";
  const shown = stop === undefined ? {} : { stop: { ...stop, at: stop.at.toISOString() } };
  return { name, tenant, environment, workflow, roles: [...roles], owner, keys: own, status, ...shown };
}
