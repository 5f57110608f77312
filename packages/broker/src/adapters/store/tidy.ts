import { type Kysely, sql } from "kysely";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** Ended sessions are kept this long for whoever looks back; the log keeps what they did for good. */
export const KEEP_ENDED_MS = 30 * 24 * 60 * 60 * 1000;
/** A writer that was silent so long belongs to a process that is gone: its batches can no longer arrive. */
const KEEP_WRITERS_MS = 7 * 24 * 60 * 60 * 1000;
/** Rows deleted at once, so that no call waits for a long transaction. */
const BATCH = 5_000;

/** Deletes what has expired and decides nothing any more: used proofs and assertions, long-ended sessions with their budgets, writers that are gone. Returns how many rows. */
export async function tidy(db: Kysely<Tables>, tenant: string, now: Date): Promise<number> {
  const ended = new Date(now.getTime() - KEEP_ENDED_MS);
  const silent = new Date(now.getTime() - KEEP_WRITERS_MS);
  const deletions = [
    sql`delete from bailiwick.used_proofs where ctid in (select ctid from bailiwick.used_proofs where tenant_id = ${tenant} and until < ${now} limit ${BATCH})`,
    sql`delete from bailiwick.client_assertions where ctid in (select ctid from bailiwick.client_assertions where tenant_id = ${tenant} and expires_at < ${now} limit ${BATCH})`,
    sql`with gone as (
          delete from bailiwick.sessions where ctid in (select ctid from bailiwick.sessions where tenant_id = ${tenant} and expires_at < ${ended} limit ${BATCH})
          returning id)
        delete from bailiwick.limit_counters c using gone
         where c.tenant_id = ${tenant} and c.key in ('session-budget|' || gone.id || '|calls', 'session-budget|' || gone.id || '|records', 'session-budget|' || gone.id || '|cost')`,
    sql`delete from bailiwick.log_writers where tenant_id = ${tenant} and updated_at < ${silent}`,
  ];
  let rows = 0n;
  for (const deletion of deletions) {
    const result = await inTenant(db, tenant, (scoped) => deletion.execute(scoped));
    rows += result.numAffectedRows ?? 0n;
  }
  return Number(rows);
}
