import { WHOLE_SESSION_MS } from "@bailiwick/policy";
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** Ended sessions are kept this long for whoever looks back; the log keeps what they did for good. */
export const KEEP_ENDED_MS = 30 * 24 * 60 * 60 * 1000;
/** A writer that was silent so long belongs to a process that is gone: its batches can no longer arrive. */
const KEEP_WRITERS_MS = 7 * 24 * 60 * 60 * 1000;
/** A window that is over counts nothing any more; a call that still runs gives back what it took from one. */
const KEEP_WINDOWS_MS = 24 * 60 * 60 * 1000;
/** Rows deleted at once, so that no call waits for a long transaction. */
const BATCH = 5_000;
/** One run ends some time: it is repeated every few minutes anyway. */
const MAX_ROUNDS = 1_000;

/** Deletes what has expired and decides nothing any more: used proofs and assertions, long-ended sessions with their budgets, counters of windows that are over, tokens of runs that are over, approvals and messages, writers that are gone. Returns how many rows. */
export async function tidy(db: Kysely<Tables>, tenant: string, now: Date): Promise<number> {
  const ended = new Date(now.getTime() - KEEP_ENDED_MS);
  const silent = new Date(now.getTime() - KEEP_WRITERS_MS);
  // Each says how many rows of its own kind it took, at most a batch.
  const deletions = [
    sql<Taken>`with gone as (
          delete from bailiwick.used_proofs where ctid in (select ctid from bailiwick.used_proofs where tenant_id = ${tenant} and until < ${now} limit ${BATCH})
          returning 1)
        select count(*)::int as taken from gone`,
    sql<Taken>`with gone as (
          delete from bailiwick.client_assertions where ctid in (select ctid from bailiwick.client_assertions where tenant_id = ${tenant} and expires_at < ${now} limit ${BATCH})
          returning 1)
        select count(*)::int as taken from gone`,
    sql<Taken>`with gone as (
          delete from bailiwick.sessions where ctid in (select ctid from bailiwick.sessions where tenant_id = ${tenant} and expires_at < ${ended} limit ${BATCH})
          returning id),
        budgets as (
          delete from bailiwick.limit_counters c using gone
           where c.tenant_id = ${tenant} and c.key in ('session-budget|' || gone.id || '|calls', 'session-budget|' || gone.id || '|records', 'session-budget|' || gone.id || '|cost'))
        select count(*)::int as taken from gone`,
    // After the sessions: a run is over when none of its sessions is left. Until then a number stands for one value.
    sql<Taken>`with gone as (
          delete from bailiwick.tokens where ctid in (
            select t.ctid from bailiwick.tokens t where t.tenant_id = ${tenant} and t.at < ${ended}
               and not exists (select from bailiwick.sessions s where s.tenant_id = ${tenant} and s.run = t.run) limit ${BATCH})
          returning 1)
        select count(*)::int as taken from gone`,
    // Of a counter of whole sessions nothing says whose it is; sessions are over long before.
    sql<Taken>`with gone as (
          delete from bailiwick.limit_counters where ctid in (
            select ctid from bailiwick.limit_counters
             where tenant_id = ${tenant} and key not like 'session-budget|%'
               and case when window_ms = ${WHOLE_SESSION_MS} then made_at < ${ended} else window_start + window_ms < ${now.getTime() - KEEP_WINDOWS_MS} end
             limit ${BATCH})
          returning 1)
        select count(*)::int as taken from gone`,
    sql<Taken>`with gone as (
          delete from bailiwick.approvals where ctid in (select ctid from bailiwick.approvals where tenant_id = ${tenant} and expires_at < ${ended} limit ${BATCH})
          returning 1)
        select count(*)::int as taken from gone`,
    sql<Taken>`with gone as (
          delete from bailiwick.deliveries where ctid in (select ctid from bailiwick.deliveries where tenant_id = ${tenant} and created_at < ${ended} and state <> 'waiting' limit ${BATCH})
          returning 1)
        select count(*)::int as taken from gone`,
    sql<Taken>`with gone as (
          delete from bailiwick.elevations where ctid in (select ctid from bailiwick.elevations where tenant_id = ${tenant} and coalesce(active_until, ask_ends_at) < ${ended} limit ${BATCH})
          returning 1)
        select count(*)::int as taken from gone`,
    sql<Taken>`with gone as (delete from bailiwick.duties where tenant_id = ${tenant} and ends < ${ended} returning 1)
        select count(*)::int as taken from gone`,
    sql<Taken>`with gone as (delete from bailiwick.log_writers where tenant_id = ${tenant} and updated_at < ${silent} returning 1)
        select count(*)::int as taken from gone`,
  ];
  let rows = 0;
  for (const deletion of deletions) rows += await untilDone(db, tenant, deletion);
  return rows;
}

interface Taken {
  readonly taken: number;
}

/** Batch after batch, each in its own transaction: a busy agent leaves more behind between two runs than one batch takes. */
async function untilDone(db: Kysely<Tables>, tenant: string, deletion: RawBuilder<Taken>): Promise<number> {
  let rows = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { rows: answer } = await inTenant(db, tenant, (scoped) => deletion.execute(scoped));
    const taken = answer[0]?.taken ?? 0;
    rows += taken;
    if (taken < BATCH) break;
  }
  return rows;
}
