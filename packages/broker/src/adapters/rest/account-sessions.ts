import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { personSessionSchema } from "../../rest-contract/people.ts";
import { idParams, personOf, recordOwn } from "./account.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { forgetPersonCookie } from "./person-cookie.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";

const own = { need: "self", tag: "account", query: nothing } as const;

/** A person's own sign-ins: `GET /account/sessions`, `POST /account/sessions/{id}/end`, `POST /account/sign-out-everywhere`. */
export function addAccountSessionEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    ...own,
    method: "get",
    path: "/account/sessions",
    summary: "where the asking person is signed in, newest first",
    params: nothing,
    body: nothing,
    answer: z.object({ sessions: z.array(personSessionSchema) }),
    handle: async ({ principal }) => {
      const tokenHash = principal.kind === "person" ? principal.tokenHash : undefined;
      const sessions = await ports.people.listSessions(personOf(principal).id, ports.now(), tokenHash);
      return {
        sessions: sessions.map((session) => ({
          id: session.id,
          via: session.via,
          client: session.client,
          createdAt: session.createdAt.toISOString(),
          lastSeenAt: session.lastSeenAt.toISOString(),
          expiresAt: session.expiresAt.toISOString(),
          current: session.current,
        })),
      };
    },
  });
  addEndpoint(app, ports, {
    ...own,
    method: "post",
    path: "/account/sessions/{id}/end",
    summary: "ends one of the asking person's sign-ins",
    params: idParams,
    body: nothing,
    answer: z.object({ ended: z.boolean() }),
    handle: async ({ principal, params }) => {
      if (!(await ports.people.endSessionOf(personOf(principal).id, params.id)))
        throw new Problem("not_found", "you have no such sign-in", ["list them with `GET /api/v1/account/sessions`"]);
      await recordOwn(ports, principal, "person.session_ended", { body: { signIn: params.id } });
      return { ended: true };
    },
  });
  addEndpoint(app, ports, {
    ...own,
    method: "post",
    path: "/account/sign-out-everywhere",
    summary: "ends all sign-ins of the asking person, this one too",
    params: nothing,
    body: nothing,
    answer: z.object({ ended: z.int() }),
    handle: async ({ principal, context }) => {
      const ended = await ports.people.endSessionsOf(personOf(principal).id);
      forgetPersonCookie(ports, context);
      await recordOwn(ports, principal, "person.signed_out_everywhere", { body: { ended } });
      return { ended };
    },
  });
}
