import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Policy } from "@bailiwick/policy";
import { type AdminAct, type AdminEvent, adminRecord } from "../../domain/admin-record.ts";
import { EVERY_TENANT, type Stop, type StopKind } from "../../domain/stop.ts";
import { nameSchema, stopSchema } from "../../rest-contract/schemas.ts";
import { adminId } from "./admin-id.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, nameOf, type Principal, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { notFound, oneTenantOf, tenantQuery, tenantsOf } from "./tenants.ts";

const kind = z.enum(["agent", "workflow", "tenant", "everything"]);
const reason = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}+$/u);
const what = { kind, name: nameSchema.optional(), tenant: nameSchema.optional() };
/** Ids named in one record; a record has a size limit. */
const MAX_NAMED = 200;

/** `GET /stops`, `POST /stops`, `POST /stops/lift`: the kill switches. */
export function addStopEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/stops",
    tag: "stops",
    summary: "what is stopped",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ stops: z.array(stopSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(tenantsOf(principal, query.tenant).map((tenant) => ports.stops.list(tenant)));
      // The stop over everything is in each tenant's list.
      const byName = new Map(lists.flat().map((stop) => [`${stop.tenant} ${stop.kind} ${stop.name}`, stop]));
      return { stops: [...byName.values()].map(viewStop) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/stops",
    tag: "stops",
    summary: "stops an agent, a workflow, a tenant or everything from the next call on",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ ...what, reason, state: z.enum(["suspended", "retired"]).default("suspended") }),
    answer: stopSchema.extend({ inFlight: z.array(z.string()) }),
    handle: async ({ principal, body }) => {
      const target = targetOf(ports.policy(), principal, body);
      if (body.state === "retired" && target.kind !== "agent")
        throw new Problem("malformed_request", "only an agent can be retired", ["suspend it, or remove it from the policy folder"]);
      const stop: Stop = { ...target, state: body.state, by: nameOf(principal), reason: body.reason, at: ports.now() };
      return { ...viewStop(stop), inFlight: await standStop(ports, principal, stop) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/stops/lift",
    tag: "stops",
    summary: "lifts a stop",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ ...what, reason }),
    answer: z.object({ kind, name: z.string(), tenant: z.string(), lifted: z.boolean() }),
    handle: async ({ principal, body }) => {
      const target = targetOf(ports.policy(), principal, body);
      await record(ports, principal, "stop.lift", target, { callId: adminId(ports), facts: { reason: body.reason } });
      const lifted = await ports.stops.lift(target.tenant, target.kind, target.name);
      if (!lifted) throw notFound("stop that can be lifted over", `${target.kind} ${target.name}`, "bailiwick stops");
      return { ...target, lifted };
    },
  });
}

/** Records a stop, puts it, and says which calls under way it reaches. */
export async function standStop(ports: RestPorts, principal: Principal, stop: Stop): Promise<string[]> {
  const callId = adminId(ports);
  await record(ports, principal, "stop.put", stop, { callId, body: { state: stop.state }, facts: { reason: stop.reason } });
  await ports.stops.put(stop);
  const inFlight = await reached(ports, principal, stop);
  await record(ports, principal, "stop.stands", stop, { callId, body: { inFlight: inFlight.slice(0, MAX_NAMED) } });
  return inFlight;
}

type Target = Pick<Stop, "tenant" | "kind" | "name">;

/** Which stop is meant. Everything is one person's to stop who answers for every tenant. @throws Problem. */
function targetOf(
  policy: Policy,
  principal: Principal,
  body: { kind: StopKind; name?: string | undefined; tenant?: string | undefined },
): Target {
  switch (body.kind) {
    case "everything":
      if (policy.tenants.some((tenant) => !principal.tenants.includes(tenant)))
        throw new Problem("wrong_tenant", "this reaches tenants that are not yours", [
          "stop your own tenant, or ask someone who has them all",
        ]);
      return { tenant: EVERY_TENANT, kind: "everything", name: "*" };
    case "tenant": {
      const tenant = oneTenantOf(principal, body.name ?? body.tenant);
      return { tenant, kind: "tenant", name: tenant };
    }
    case "workflow": {
      const tenant = oneTenantOf(principal, body.tenant);
      const known = policy.agents.some((agent) => agent.tenant === tenant && `${agent.environment}/${agent.workflow}` === body.name);
      if (!known || body.name === undefined) throw notFound("workflow", body.name ?? "", "bailiwick agents list");
      return { tenant, kind: "workflow", name: body.name };
    }
    case "agent": {
      const agent = policy.agents.find((each) => each.name === body.name && principal.tenants.includes(each.tenant));
      if (agent === undefined) throw notFound("agent", body.name ?? "", "bailiwick agents list");
      return { tenant: agent.tenant, kind: "agent", name: agent.name };
    }
  }
}

/** The stop over everything is recorded in every tenant's log: it reaches them all. */
async function record(
  ports: RestPorts,
  principal: Principal,
  event: AdminEvent,
  target: Target,
  { callId, body, facts }: Pick<AdminAct, "callId" | "body" | "facts">,
): Promise<void> {
  const tenants = target.kind === "everything" ? ports.policy().tenants : [target.tenant];
  for (const tenant of tenants) {
    await ports.log.append(
      tenant,
      adminRecord({
        at: ports.now(),
        event,
        by: doerOf(principal),
        via: viaOf(principal),
        callId,
        body: { stop: target.kind, name: target.name, ...(target.kind === "agent" ? { agent: target.name } : {}), ...body },
        facts,
      }),
    );
  }
}

/** Calls under way that the stop reaches, on all brokers. Where the tool's protocol allows, they are cancelled. */
async function reached(ports: RestPorts, principal: Principal, stop: Stop): Promise<string[]> {
  const tenants = stop.kind === "everything" ? principal.tenants : [stop.tenant];
  const calls = (await Promise.all(tenants.map((tenant) => ports.log.inFlight(tenant)))).flat();
  return calls
    .filter(({ agent, environment, workflow }) => {
      switch (stop.kind) {
        case "agent":
          return agent === stop.name;
        case "workflow":
          return `${environment}/${workflow}` === stop.name;
        case "tenant":
        case "everything":
          return true;
      }
    })
    .map((call) => call.callId);
}

function viewStop(stop: Stop): z.input<typeof stopSchema> {
  return { ...stop, at: stop.at.toISOString() };
}
