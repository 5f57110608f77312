import { setTimeout as sleep } from "node:timers/promises";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { formatNoteKey } from "@bailiwick/ledger";
import { adminRecord } from "../../../domain/admin-record.ts";
import type { AuditLog } from "../../../domain/audit.ts";
import type { ErasureAct, Retention, Retirement } from "../../../domain/erasure.ts";
import type { LogBase, LogEvidence, SignedCheckpoint } from "../../../domain/evidence.ts";
import { errorState } from "../connections.ts";
import { holdOf, type WhileHoldsStand } from "../holds/holds.ts";
import type { HoldReading } from "../holds/hold-rows.ts";
import { inTransaction, queryPatiently } from "../in-transaction.ts";
import { checkpointsBeyond } from "../keeper/checkpoint-rows.ts";
import { rangeOf, readKeys } from "../keeper/log-keys.ts";
import { readLeaves } from "../keeper/tree-rows.ts";
import { readBase, writeBase } from "./base-rows.ts";
import { type MonthsPlan, planMonths } from "./plan-months.ts";
import { proveSpan } from "./prove-span.ts";

export interface RetentionDeps extends HoldReading {
  /** The database of the log. */
  readonly logPool: Pool;
  readonly whileHoldsStand: WhileHoldsStand;
  readonly log: Pick<AuditLog, "append">;
  readonly evidence: Pick<LogEvidence, "origin" | "settle">;
  readonly rootKey: Uint8Array;
  readonly now: () => Date;
}

/** Whoever waits for the tables is not held up longer. */
const LOCK_TIMEOUT = "5s";
const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK = "40P01";
const DROP_ATTEMPTS = 5;
const DROP_RETRY_MS = 200;
const NO_BASE: LogBase = { frontier: { size: 0, nodes: [] }, heads: [] };

const idRows = z.tuple([z.object({ id: z.string().nullable() })]);
const recordRows = z.array(z.object({ index: z.number() }));

/** Drops whole months. Between any two steps the log is whole: either all of them are there, or the base says where the records begin. */
export function logRetention(deps: RetentionDeps): Retention {
  return {
    plan: async (tenant, before) => {
      const plan = await inTransaction(deps.logPool, tenant, (client) => planMonths(client, tenant, before, deps.now()));
      return plan === undefined ? undefined : { months: plan.months, from: plan.from, to: plan.to };
    },
    retire: (tenant, before, act) => retire(deps, tenant, before, act),
  };
}

async function retire(deps: RetentionDeps, tenant: string, before: Date, act: ErasureAct): Promise<Retirement | undefined> {
  const plan = await inTransaction(deps.logPool, tenant, (client) => planMonths(client, tenant, before, deps.now()));
  if (plan === undefined) return undefined;
  const stopped = await inTransaction(deps.logPool, tenant, (client) => reasonNotTo(deps, client, tenant, plan));
  if (stopped !== undefined) return stopped;
  const proven = await prove(deps, tenant, plan);
  if (!proven.ok) return { ok: false, why: "broken", what: proven.what };
  const callId = `retire_${plan.from}_${plan.to}_${plan.last}`;
  await recordOnce(deps, tenant, { plan, root: proven.root, callId }, act);
  await deps.evidence.settle(tenant);
  return drop(deps, tenant, { plan, base: proven.base, callId });
}

async function reasonNotTo(
  deps: HoldReading,
  client: PoolClient,
  tenant: string,
  { last }: MonthsPlan,
): Promise<Extract<Retirement, { ok: false }> | undefined> {
  const [{ id }] = idRows.parse(await queryPatiently(client, "select bailiwick.hold_on_months($1, $2) as id", [tenant, last]));
  const hold = id === null ? undefined : await holdOf(deps, client, tenant, id);
  if (hold !== undefined) return { ok: false, why: "held", hold };
  const open = await client.query(
    `select from bailiwick.open_calls o join bailiwick.records r on r.tenant_id = o.tenant_id and r.index = o.index
      where o.tenant_id = $1 and r.period <= $2 limit 1`,
    [tenant, last],
  );
  return open.rowCount === 0 ? undefined : { ok: false, why: "calls_under_way" };
}

/** Reads page by page, each in a transaction of its own: the log is written to meanwhile. */
async function prove(deps: RetentionDeps, tenant: string, { to, end }: MonthsPlan): ReturnType<typeof proveSpan> {
  const { logPool, rootKey, evidence } = deps;
  const reading = <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => inTransaction(logPool, tenant, work);
  const checkpoint = await covering(deps, tenant, end);
  const base = await reading((client) => readBase(client, tenant));
  const keys = await reading((client) => readKeys(client, tenant, checkpoint.size, rootKey));
  return proveSpan({
    origin: evidence.origin(tenant),
    keys: keys.map(rangeOf),
    base: base ?? NO_BASE,
    to,
    checkpoint,
    leaves: (first, until) => reading((client) => readLeaves(client, tenant, first, until)),
  });
}

/** The first checkpoint over all records of the months. */
async function covering({ logPool, evidence }: RetentionDeps, tenant: string, end: number): Promise<SignedCheckpoint> {
  const [found] = await inTransaction(logPool, tenant, (client) => checkpointsBeyond(client, tenant, end - 1, 1));
  return found ?? evidence.settle(tenant);
}

/** A run that was interrupted has recorded it already. */
async function recordOnce(
  { logPool, log, now }: RetentionDeps,
  tenant: string,
  { plan, root, callId }: { readonly plan: MonthsPlan; readonly root: string; readonly callId: string },
  { by, via, reason, receipt }: ErasureAct,
): Promise<void> {
  const found = await inTransaction(logPool, tenant, (client) =>
    client.query("select index from bailiwick.records where tenant_id = $1 and kind = 'admin' and call_id = $2 and period > $3", [
      tenant,
      callId,
      plan.last,
    ]),
  );
  if (recordRows.parse(found.rows).length > 0) return;
  const { from, to, months } = plan;
  const body = { from, to, root, months, records: to - from };
  const entry = adminRecord({ at: now(), event: "log.retire", by, via, callId, body, facts: { reason } });
  await log.append(tenant, receipt === undefined ? entry : { ...entry, commits: { receipt } });
}

interface Dropping {
  readonly plan: MonthsPlan;
  readonly base: LogBase;
  readonly callId: string;
}

/** All or nothing, in one transaction: the base, the keys' changes, the tables. */
async function drop(deps: RetentionDeps, tenant: string, dropping: Dropping): Promise<Retirement> {
  const { plan, base, callId } = dropping;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.whileHoldsStand(tenant, async (client): Promise<Retirement> => {
        const stopped = await reasonNotTo(deps, client, tenant, plan);
        if (stopped !== undefined) return stopped;
        await client.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
        await writeBase(client, tenant, base);
        await keepKeyChanges(deps, client, tenant, plan.to);
        await queryPatiently(client, "select bailiwick.retire_partitions($1, $2, $3, $4)", [tenant, plan.last, plan.to, callId]);
        return { ok: true, months: plan.months, from: plan.from, to: plan.to };
      });
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const state = errorState(cause);
      if ((state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK) || attempt === DROP_ATTEMPTS) throw error;
      await sleep(DROP_RETRY_MS);
    }
  }
}

/** Records about the log's keys go with the others; what they said stays. */
async function keepKeyChanges({ rootKey }: RetentionDeps, client: PoolClient, tenant: string, to: number): Promise<void> {
  for (const { key, introduced, retired } of await readKeys(client, tenant, to, rootKey)) {
    await client.query(
      "update bailiwick.log_keys set introduced = coalesce(introduced, $3), retired = coalesce(retired, $4) where tenant_id = $1 and key = $2",
      [tenant, formatNoteKey(key), introduced ?? null, retired ?? null],
    );
  }
}
