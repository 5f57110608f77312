import { adminRecord } from "../../domain/admin-record.ts";
import type { Session } from "../../domain/session.ts";
import { type EndpointClient, endpointClient, isOwn } from "./endpoint-client.ts";
import { endGrantedSessions } from "./granted-sessions.ts";
import { OAuthError } from "./oauth-error.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import type { Shell } from "./shell.ts";
import { sessionOf } from "./token-session.ts";

/**
 * Token revocation (RFC 7009). An access token's session ends with all that was delegated from it; a refresh token ends the whole consent.
 * A token that is unknown or somebody else's changes nothing and is answered the same (section 2.2).
 * @throws OAuthError `invalid_client`, `invalid_request`; Fault.
 */
export async function revoke(ports: OAuthPorts, shell: Shell, form: Readonly<Record<string, string>>): Promise<void> {
  const client = await endpointClient(ports, shell, "/oauth/revoke", form);
  const { token } = form;
  if (token === undefined) throw new OAuthError("invalid_request", "`token` is missing; send the token to end");
  const session = await sessionOf(ports, token);
  if (session !== undefined) return isOwn(session, client) ? revokeSession(ports, session, client) : undefined;
  if (client.kind === "client") await revokeConsent(ports, shell, client.id, token);
}

async function revokeSession(ports: OAuthPorts, session: Session, client: EndpointClient): Promise<void> {
  if (session.revokedAt !== undefined) return;
  const by = client.kind === "agent" ? client.agent.name : client.id;
  const { id, agent, user, task, run, environment } = session;
  await ports.log.append(
    session.tenant,
    adminRecord({
      at: ports.now(),
      event: "session.revoke",
      by: { named: by },
      via: "oauth",
      callId: id,
      user,
      task,
      body: { session: id, run, agent, environment },
    }),
  );
  await ports.sessions.revoke(session.tenant, session.id, by);
}

async function revokeConsent(ports: OAuthPorts, shell: Shell, clientId: string, token: string): Promise<void> {
  const refresh = await shell.refreshToken(token);
  if (refresh === undefined || refresh.clientId !== clientId) return;
  const { entities } = ports;
  // The grant first: whoever redeems at the same moment looks for it after making a session.
  await entities.remove("Grant", refresh.grantId);
  await entities.remove("Consent", refresh.grantId);
  await entities.removeOfGrant("RefreshToken", refresh.grantId);
  await entities.removeOfGrant("AuthorizationCode", refresh.grantId);
  await endGrantedSessions(ports, refresh.grantId, "revoked by its client");
}
