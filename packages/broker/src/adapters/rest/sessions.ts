import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Session } from "../../domain/session.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { nameOf, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { nameSchema, sessionSchema } from "../../rest-contract/schemas.ts";
import { findAmong, notFound, tenantsOf } from "./tenants.ts";

/** Sessions in one answer. */
const MAX_SESSIONS = 500;

/** `GET /sessions`, `POST /sessions/{id}/revoke`. */
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
      live: z.enum(["true", "false"]).default("true"),
      limit: z.coerce.number().int().min(1).max(MAX_SESSIONS).default(100),
    }),
    body: nothing,
    answer: z.object({ sessions: z.array(sessionSchema) }),
    handle: async ({ principal, query }) => {
      const live = query.live === "true";
      const lists = await Promise.all(
        tenantsOf(principal, query.tenant).map((tenant) => ports.sessions.list(tenant, { live, limit: query.limit })),
      );
      const newest = lists.flat().toSorted((a, b) => b.issuedAt.getTime() - a.issuedAt.getTime());
      return { sessions: newest.slice(0, query.limit).map((session) => viewSession(session, ports.now())) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/sessions/{id}/revoke",
    tag: "sessions",
    summary: "ends a session; its next call is refused",
    need: "operate",
    params: z.object({ id: nameSchema }),
    query: nothing,
    body: nothing,
    answer: sessionSchema,
    handle: async ({ principal, params }) => {
      const session = await findAmong(principal.tenants, (tenant) => ports.sessions.find(tenant, params.id));
      if (session === undefined) throw notFound("session", params.id, "bailiwick sessions list");
      const { tenant, agent, user, task, environment } = session;
      const by = nameOf(principal);
      await ports.log.append(tenant, {
        kind: "admin",
        callId: session.id,
        body: {
          at: ports.now().toISOString(),
          event: "session.revoke",
          by,
          via: viaOf(principal),
          session: session.id,
          agent,
          user,
          task,
          environment,
        },
      });
      if (!(await ports.sessions.revoke(tenant, session.id, by))) {
        throw new Problem("already_revoked", `the session \`${session.id}\` was revoked before`, [
          "nothing is left to do: its calls are refused",
        ]);
      }
      return viewSession({ ...session, revokedAt: ports.now() }, ports.now());
    },
  });
}

function viewSession(session: Session, now: Date): z.input<typeof sessionSchema> {
  return {
    ...session,
    data: { ...session.data },
    scope: [...session.scope],
    issuedAt: session.issuedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
    revokedAt: session.revokedAt?.toISOString(),
    live: session.revokedAt === undefined && session.expiresAt > now,
  };
}
