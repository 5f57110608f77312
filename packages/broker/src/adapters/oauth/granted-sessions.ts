import { z } from "zod";
import { adminRecord } from "../../domain/admin-record.ts";
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

/** Why a grant ends. */
export type GrantEnd = "replayed" | "revoked by its client";

/**
 * Ends every session that came of a grant, and what was delegated from it. All ends come before the first record: they take rights away, and
 * whoever replays a code shall not win by the log being down.
 */
export async function endGrantedSessions(
  { entities, sessions, log, now }: Pick<OAuthPorts, "entities" | "sessions" | "log" | "now">,
  grantId: string,
  why: GrantEnd,
): Promise<void> {
  const ended: { readonly tenant: string; readonly id: string; readonly with: readonly string[] }[] = [];
  for (const row of await entities.ofGrant("GrantedSession", grantId)) {
    const { tenant, session: id } = grantedSession.parse(row);
    const revocation = await sessions.revoke(tenant, id, "oauth");
    if (revocation !== undefined) ended.push({ tenant, id, with: revocation.ended });
  }
  for (const { tenant, id, with: others } of ended) {
    await log.append(
      tenant,
      adminRecord({
        at: now(),
        event: "session.revoke",
        by: { named: "oauth" },
        via: "oauth",
        callId: id,
        body: { session: id, why, ended: others.slice(0, MAX_NAMED) },
      }),
    );
  }
  await entities.removeOfGrant("GrantedSession", grantId);
}

/** Ids named in one record; a record has a size limit. */
const MAX_NAMED = 200;
