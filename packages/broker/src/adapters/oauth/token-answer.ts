import type { Session } from "../../domain/session.ts";
import { signAccessToken } from "./access-token.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import { TASK_TYPE } from "./grants/asked-rights.ts";

/** The access token of a session, and what the client is told of it. `asked` repeats `authorization_details` when they were sent. */
export async function tokenAnswer(
  ports: Pick<OAuthPorts, "signingKeys" | "realm" | "newId" | "now" | "sessionKeys">,
  session: Session,
  asked: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const key = await ports.signingKeys.active();
  return {
    access_token: await signAccessToken(key, ports.realm, session, ports.newId("tok")),
    token_type: session.binding.kind === "dpop" ? "DPoP" : "Bearer",
    expires_in: Math.max(0, Math.floor((session.expiresAt.getTime() - ports.now().getTime()) / 1000)),
    scope: session.scope.join(" "),
    session: session.id,
    run: session.run,
    ...(session.binding.kind === "hmac"
      ? { session_key: ports.sessionKeys.of(session.tenant, session.id).export().toString("base64url") }
      : {}),
    ...(asked ? { authorization_details: [detailsOf(session)] } : {}),
  };
}

/** What the session is about, as it was granted (RFC 9396 section 7). */
export function detailsOf({ scope, rows, limits, task, data }: Session): Readonly<Record<string, unknown>> {
  const [first, ...more] = rows;
  return {
    type: TASK_TYPE,
    scope,
    // Of a delegated session several bounds hold; the type has room for one, so it is left out rather than told wrongly.
    ...(first === undefined || more.length > 0 ? {} : { rows: first }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    task,
    data,
  };
}
