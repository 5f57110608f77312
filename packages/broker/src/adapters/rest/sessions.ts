import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { type AdminEvent, adminRecord, type PlainMembers } from "../../domain/admin-record.ts";
import type { Session } from "../../domain/session.ts";
import { adminId } from "./admin-id.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, nameOf, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { nameSchema, sessionSchema } from "../../rest-contract/schemas.ts";
import { findAmong, notFound, oneTenantOf, tenantsOf } from "./tenants.ts";

/** Sessions in one answer. */
const MAX_SESSIONS = 500;

/** `GET /sessions`, `POST /sessions/{id}/revoke`, `POST /tasks/end`. */
export function addSessionEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/sessions",
    tag: "sessions",
    summary: "sessions of agents, newest first",
    need: "view",
    params: nothing,
    query: z.strictObject({
      tenant: nameSchema.optional(),
      delegatedFrom: nameSchema.optional(),
      live: z.enum(["true", "false"]).default("true"),
      limit: z.coerce.number().int().min(1).max(MAX_SESSIONS).default(100),
    }),
    body: nothing,
    answer: z.object({ sessions: z.array(sessionSchema) }),
    handle: async ({ principal, query }) => {
      const live = query.live === "true";
      const lists = await Promise.all(
        tenantsOf(principal, query.tenant).map((tenant) =>
          ports.sessions.list(tenant, { live, limit: query.limit, delegatedFrom: query.delegatedFrom }),
        ),
      );
      const newest = lists.flat().toSorted((a, b) => b.issuedAt.getTime() - a.issuedAt.getTime());
      return { sessions: newest.slice(0, query.limit).map((session) => viewSession(session, ports.now())) };
    },
  });
  addEndTask(app, ports);
  addEndpoint(app, ports, {
    method: "post",
    path: "/sessions/{id}/revoke",
    tag: "sessions",
    summary: "ends a session and all delegated from it; their next calls are refused",
    need: "operate",
    params: z.object({ id: nameSchema }),
    query: nothing,
    body: nothing,
    answer: sessionSchema.extend({ ended: z.array(z.string()), inFlight: z.array(z.string()) }),
    handle: async ({ principal, params }) => {
      const session = await findAmong(principal.tenants, (tenant) => ports.sessions.find(tenant, params.id));
      if (session === undefined) throw notFound("session", params.id, "bailiwick sessions list");
      const { tenant, agent, user, task, run, environment } = session;
      const by = nameOf(principal);
      const record = (event: AdminEvent, more: PlainMembers): Promise<unknown> =>
        ports.log.append(
          tenant,
          adminRecord({
            at: ports.now(),
            event,
            by: doerOf(principal),
            via: viaOf(principal),
            callId: session.id,
            user,
            task,
            body: { session: session.id, run, agent, environment, ...more },
          }),
        );
      await record("session.revoke", {});
      const revocation = await ports.sessions.revoke(tenant, session.id, by);
      if (revocation === undefined) {
        throw new Problem("already_revoked", `the session \`${session.id}\` was revoked before`, [
          "nothing is left to do: its calls are refused",
        ]);
      }
      // After the end: nothing begins any more, and what the end cuts off still shows.
      const inFlight = (await ports.log.inFlight(tenant))
        .filter((call) => revocation.ended.includes(call.session))
        .map((call) => call.callId);
      await record("session.revoked", { ended: revocation.ended.slice(0, MAX_NAMED), inFlight: inFlight.slice(0, MAX_NAMED) });
      return { ...viewSession({ ...session, revokedAt: ports.now() }, ports.now()), ended: [...revocation.ended], inFlight };
    },
  });
}

/** Whatever opened the task says that it is over: its sessions end with it. */
function addEndTask(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/tasks/end",
    tag: "sessions",
    summary: "ends all sessions of a task, and all delegated from them",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({ tenant: nameSchema.optional(), task: nameSchema, user: nameSchema.optional() }),
    answer: z.object({ task: z.string(), ended: z.array(z.string()) }),
    handle: async ({ principal, body: { tenant: asked, task, user } }) => {
      const tenant = oneTenantOf(principal, asked);
      const by = nameOf(principal);
      const callId = adminId(ports);
      const record = (event: AdminEvent, more: PlainMembers): Promise<unknown> =>
        ports.log.append(
          tenant,
          adminRecord({ at: ports.now(), event, by: doerOf(principal), via: viaOf(principal), callId, user, task, body: more }),
        );
      await record("task.end", {});
      const ended = await ports.sessions.endTask(tenant, { task, user }, by);
      await record("task.ended", { ended: ended.slice(0, MAX_NAMED) });
      return { task, ended: [...ended] };
    },
  });
}

/** Ids named in one record; a record has a size limit, and the sessions' own rows hold the rest. */
const MAX_NAMED = 200;

/** A session as people see it. */
export function viewSession(session: Session, now: Date): z.input<typeof sessionSchema> {
  const { delegator: _, stop: __, ...own } = session;
  return {
    ...own,
    data: { ...session.data },
    scope: [...session.scope],
    rows: session.rows.map((bound) => ({ ...bound })),
    binding: session.binding.kind,
    lineage: [...session.lineage],
    actors: [...session.actors],
    issuedAt: session.issuedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
    revokedAt: session.revokedAt?.toISOString(),
    live: session.revokedAt === undefined && session.expiresAt > now,
  };
}
