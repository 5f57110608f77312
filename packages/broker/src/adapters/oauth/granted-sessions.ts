import { z } from "zod";
import type { Session } from "../../domain/session.ts";
import type { OAuthPorts } from "./oauth-ports.ts";

const grantedSession = z.object({ tenant: z.string(), session: z.string() });

/** Remembers that a session came of a grant, so that ending the grant ends it. */
export function rememberGrantedSession(
  entities: OAuthPorts["entities"],
  grantId: string,
  { tenant, id, expiresAt }: Session,
): Promise<void> {
  return entities.put({ kind: "GrantedSession", id, grantId, payload: { tenant, session: id }, expiresAt });
}

/** Ends every session that came of a grant, and what was delegated from it. */
export async function endGrantedSessions(
  { entities, sessions }: Pick<OAuthPorts, "entities" | "sessions">,
  grantId: string,
): Promise<void> {
  for (const row of await entities.ofGrant("GrantedSession", grantId)) {
    const { tenant, session } = grantedSession.parse(row);
    await sessions.revoke(tenant, session, "oauth");
  }
  await entities.removeOfGrant("GrantedSession", grantId);
}
