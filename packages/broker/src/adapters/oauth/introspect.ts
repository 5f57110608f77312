import { consentStillHolds } from "../../domain/consent.ts";
import { partnerStillHolds } from "../../domain/partner.ts";
import { chainOf } from "../../domain/ended.ts";
import type { Session } from "../../domain/session.ts";
import { actorChain, confirmation } from "./access-token.ts";
import { endpointClient, isOwn } from "./endpoint-client.ts";
import { OAuthError } from "./oauth-error.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import type { Shell } from "./shell.ts";
import { detailsOf } from "./token-answer.ts";
import { sessionOf } from "./token-session.ts";

/**
 * Token introspection (RFC 7662) from the session table: what is true now, not what the token says. Somebody else's token, one that has
 * ended and text that is no token look the same: `{"active": false}`.
 * @throws OAuthError `invalid_client`, `invalid_request`; Fault.
 */
export async function introspect(
  ports: OAuthPorts,
  shell: Shell,
  form: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  const client = await endpointClient(ports, shell, "/oauth/introspect", form);
  if (form["token"] === undefined) throw new OAuthError("invalid_request", "`token` is missing; send the access token to look at");
  const session = await sessionOf(ports, form["token"]);
  if (session === undefined || !isOwn(session, client) || !isLive(ports, session)) return { active: false };
  const cnf = confirmation(session.binding);
  return {
    active: true,
    iss: ports.realm.issuer,
    aud: ports.realm.audience,
    sub: session.user,
    client_id: session.client ?? session.agent,
    scope: session.scope.join(" "),
    iat: Math.floor(session.issuedAt.getTime() / 1000),
    exp: Math.floor(session.expiresAt.getTime() / 1000),
    token_type: session.binding.kind === "dpop" ? "DPoP" : "Bearer",
    ...(cnf === undefined ? {} : { cnf }),
    act: actorChain([session.agent, ...session.actors]),
    sid: session.id,
    run: session.run,
    tenant: session.tenant,
    authorization_details: [detailsOf(session)],
  };
}

function isLive(ports: OAuthPorts, session: Session): boolean {
  const policy = ports.policy();
  const agents = new Set(policy.agents.map(({ name }) => name));
  return (
    session.revokedAt === undefined &&
    session.stop === undefined &&
    partnerStillHolds(policy, session) &&
    consentStillHolds(policy, session) &&
    chainOf(session).every((each) => each.expiresAt > ports.now() && agents.has(each.agent))
  );
}
