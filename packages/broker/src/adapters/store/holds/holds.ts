import type { Pool, PoolClient } from "pg";
import type { AuditLog } from "../../../domain/audit.ts";
import { adminRecord, type PlainMembers } from "../../../domain/admin-record.ts";
import type { ErasureAct, HoldScope, LegalHold, LegalHolds } from "../../../domain/erasure.ts";
import { randomId } from "../../system/random.ts";
import { inTransaction } from "../in-transaction.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import { resourceTag } from "../log/wire-entry.ts";
import { sealJson } from "../subjects/sealed-json.ts";
import type { Subjects } from "../subjects/subjects.ts";
import { holdPlace, OPERATOR, readHold, readHolds, viewHolds, type HoldReading } from "./hold-rows.ts";

export interface HoldDeps extends HoldReading {
  /** The database of the log. */
  readonly logPool: Pool;
  readonly whileHoldsStand: WhileHoldsStand;
  readonly people: Subjects;
  readonly log: Pick<AuditLog, "append">;
  readonly now: () => Date;
}

export function legalHolds(deps: HoldDeps): LegalHolds {
  return {
    place: (tenant, scope, act) => place(deps, tenant, scope, act),
    list: async (tenant, options) =>
      viewHolds(deps, tenant, await inTransaction(deps.logPool, tenant, (client) => readHolds(client, tenant, options))),
    lift: (tenant, id, act) => lift(deps, tenant, id, act),
  };
}

/**
 * Runs `work` in a transaction of the log's database while no hold of the tenant is placed: what is found to be held stays so, and what is not,
 * too.
 */
export type WhileHoldsStand = <T>(tenant: string, work: (client: PoolClient) => Promise<T>) => Promise<T>;

/** `pool` is for this alone: an erasure keeps its connection while it waits for calls to end, and for others' erasures. */
export function holdsStanding(pool: Pool): WhileHoldsStand {
  const inTurn = oneAtATime();
  return (tenant, work) =>
    inTurn(tenant, () =>
      inTransaction(pool, tenant, async (client) => {
        await lockHolds(client, tenant);
        return work(client);
      }),
    );
}

/** The hold of this id as people read it. */
export async function holdOf(reading: HoldReading, client: PoolClient, tenant: string, id: string): Promise<LegalHold | undefined> {
  const row = await readHold(client, tenant, id);
  return row === undefined ? undefined : (await viewHolds(reading, tenant, [row]))[0];
}

async function lockHolds(client: PoolClient, tenant: string): Promise<void> {
  // An erasure waits for calls under way and then for a record; whoever places a hold meanwhile waits for it.
  await client.query("set local statement_timeout = '60s'");
  await client.query("select pg_advisory_xact_lock(hashtextextended('bailiwick.holds ' || $1, 0))", [tenant]);
}

async function place(deps: HoldDeps, tenant: string, scope: HoldScope, act: ErasureAct): Promise<LegalHold | undefined> {
  const covered = await targetOf(deps, tenant, scope);
  if (covered === undefined) return undefined;
  const id = randomId("hold");
  await record(deps, tenant, {
    event: "hold.put",
    id,
    act,
    body: { scope: scope.kind, ...(covered.target === null ? {} : { covers: covered.target }) },
  });
  return deps.whileHoldsStand(tenant, async (client) => {
    const by = "person" in act.by ? await deps.people.of(tenant, act.by.person) : undefined;
    const { factsKey } = await deps.secrets(tenant);
    await client.query({
      text: `insert into bailiwick.legal_holds (tenant_id, id, scope, target, resource_type, by_whom, sealed, at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      values: [
        tenant,
        id,
        scope.kind,
        covered.target,
        scope.kind === "resource" ? scope.resource.type : null,
        by?.pseudonym ?? OPERATOR,
        sealJson(by ?? { key: factsKey }, { reason: act.reason }, holdPlace(tenant, id)),
        deps.now(),
      ],
    });
    return holdOf(deps, client, tenant, id);
  });
}

/** What a hold is found by; undefined for somebody whom the log does not know. */
async function targetOf(deps: HoldDeps, tenant: string, scope: HoldScope): Promise<{ readonly target: string | null } | undefined> {
  switch (scope.kind) {
    case "everything":
      return { target: null };
    case "person": {
      const subject = await deps.people.find(tenant, scope.person);
      return subject === undefined ? undefined : { target: subject.pseudonym };
    }
    case "resource":
      return { target: resourceTag(await deps.secrets(tenant), scope.resource) };
  }
}

async function lift(deps: HoldDeps, tenant: string, id: string, act: ErasureAct): Promise<boolean> {
  const standing = await inTransaction(deps.logPool, tenant, (client) => readHold(client, tenant, id));
  if (standing === undefined || standing.lifted_at !== null) return false;
  await record(deps, tenant, { event: "hold.lift", id, act, body: { scope: standing.scope } });
  return inTransaction(deps.logPool, tenant, async (client) => {
    const { rowCount } = await client.query(
      "update bailiwick.legal_holds set lifted_at = $3 where tenant_id = $1 and id = $2 and lifted_at is null",
      [tenant, id, deps.now()],
    );
    return rowCount === 1;
  });
}

async function record(
  { log, now }: HoldDeps,
  tenant: string,
  {
    event,
    id,
    act,
    body,
  }: { readonly event: "hold.put" | "hold.lift"; readonly id: string; readonly act: ErasureAct; readonly body: PlainMembers },
): Promise<void> {
  const { by, via, reason, receipt } = act;
  const entry = adminRecord({ at: now(), event, by, via, callId: id, body: { ...body, hold: id }, facts: { reason } });
  await log.append(tenant, receipt === undefined ? entry : { ...entry, commits: { receipt } });
}
