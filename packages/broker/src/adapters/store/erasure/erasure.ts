import { sql } from "kysely";
import type { Pool, PoolClient } from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type AdminAct, adminRecord } from "../../../domain/admin-record.ts";
import type { AuditLog, ResourceName } from "../../../domain/audit.ts";
import type { ErasedPerson, ErasedResource, Erasure, ErasureAct, NotErased } from "../../../domain/erasure.ts";
import { randomId } from "../../system/random.ts";
import { inTransaction } from "../in-transaction.ts";
import { holdOf, type WhileHoldsStand } from "../holds/holds.ts";
import type { HoldReading } from "../holds/hold-rows.ts";
import { resourceTag } from "../log/wire-entry.ts";
import type { Subject, Subjects } from "../subjects/subjects.ts";
import { inTenant } from "../tenant-scope.ts";
import { cancel, type EndDeps, endOfPerson } from "./end-of-person.ts";

export interface ErasureDeps extends EndDeps, HoldReading {
  /** The database of the log. */
  readonly logPool: Pool;
  readonly whileHoldsStand: WhileHoldsStand;
  readonly people: Subjects;
  readonly log: Pick<AuditLog, "append">;
  readonly now: () => Date;
}

/** How long calls that have begun may take to end before the erasure is put off. */
const CALLS_END_MS = 5_000;
const LOOK_AGAIN_MS = 50;
/** How long transactions that began before an erasure may take to end before its remains are left to the next one. */
const REWRITE_MS = 5_000;
/** Calls named in a refusal. */
const MAX_NAMED = 20;
/** A pseudonym; a person may be named by it as well. */
const PSEUDONYM = /^sub_[\w-]{22}$/;

const callRows = z.array(z.object({ call_id: z.string() }));
const idRows = z.tuple([z.object({ id: z.string().nullable() })]);
const countRows = z.tuple([z.object({ count: z.number() })]);

export function erasure(deps: ErasureDeps): Erasure {
  return {
    erase: (tenant, person, act) => erase(deps, tenant, person, act),
    eraseResource: (tenant, resource, act) => eraseResource(deps, tenant, resource, act),
  };
}

async function erase(deps: ErasureDeps, tenant: string, person: string, act: ErasureAct): Promise<ErasedPerson | NotErased> {
  const subject = await subjectOf(deps.people, tenant, person);
  if (subject === undefined) return { ok: false, why: "unknown" };
  const { pseudonym } = subject;
  let transaction: string | undefined;
  const outcome = await deps.whileHoldsStand(tenant, async (client): Promise<ErasedPerson | NotErased> => {
    const held = await heldBy(deps, client, tenant, { over: "hold_on_person", target: pseudonym });
    if (held !== undefined) return held;
    const callId = randomId("erase");
    // Their sessions end also when calls under way then put the erasure off.
    await record(deps, tenant, { event: "session.revoke", callId, body: { erased: pseudonym, why: "erasure" } }, act);
    const ending = await endOfPerson(deps, tenant, pseudonym, deps.now());
    await appendsOver(deps.logPool, tenant);
    const calls = await callsUnderWay(client, tenant, { column: "subject", value: pseudonym });
    if (calls.length > 0) return { ok: false, why: "calls_under_way", calls };
    const { rows } = await client.query(
      "select count(*) as count from bailiwick.records where tenant_id = $1 and subject = $2 and kind <> 'outcome'",
      [tenant, pseudonym],
    );
    const records = countRows.parse(rows)[0].count;
    await record(deps, tenant, { event: "subject.erase", callId, body: { erased: pseudonym, records, ...ending } }, act);
    transaction = await destroy(deps, tenant, subject);
    return { ok: true, pseudonym, records, ...ending };
  });
  // Not within: a transaction that began before the erasure keeps its remains.
  if (transaction !== undefined) await rewrite(deps.db, tenant, transaction);
  return outcome;
}

function subjectOf(people: Subjects, tenant: string, person: string): Promise<Subject | undefined> {
  return PSEUDONYM.test(person) ? people.behind(tenant, [person]).then((known) => known.get(person)) : people.find(tenant, person);
}

/** What was let into the log before is there afterwards; whatever comes later finds sessions ended that were ended before. */
async function appendsOver(pool: Pool, tenant: string): Promise<void> {
  await inTransaction(pool, tenant, (client) => client.query("select bailiwick.hold_log($1, 0)", [tenant]));
}

interface About {
  readonly column: "subject" | "resource";
  readonly value: string;
}

/** Those that still go on when their time is up, the first few. One whose broker is gone ends as soon as another broker notices. */
async function callsUnderWay(client: PoolClient, tenant: string, about: About, among?: ReadonlySet<string>): Promise<readonly string[]> {
  const deadline = performance.now() + CALLS_END_MS;
  for (;;) {
    const open = await openCalls(client, tenant, about);
    const calls = among === undefined ? open : open.filter((call) => among.has(call));
    if (calls.length === 0 || performance.now() > deadline) return calls.slice(0, MAX_NAMED);
    await sleep(LOOK_AGAIN_MS);
  }
}

async function openCalls(client: PoolClient, tenant: string, { column, value }: About): Promise<readonly string[]> {
  const { rows } = await client.query(
    `select o.call_id from bailiwick.open_calls o
       join bailiwick.records r on r.tenant_id = o.tenant_id and r.index = o.index
      where o.tenant_id = $1 and r.${column} = $2 order by o.index`,
    [tenant, value],
  );
  return callRows.parse(rows).map(({ call_id: id }) => id);
}

/** Returns the id of the transaction. */
async function destroy({ db, people }: ErasureDeps, tenant: string, { pseudonym, name }: Subject): Promise<string> {
  const erased = await inTenant(db, tenant, async (scoped) => {
    // People stand in duties by name, and why they are away is nobody's business any more.
    await sql`delete from bailiwick.duties where tenant_id = ${tenant} and (from_person = ${name} or to_person = ${name})`.execute(scoped);
    const { rows } = await sql<{ erased: string }>`select bailiwick.erase_subject(${tenant}, ${pseudonym}) as erased`.execute(scoped);
    await sql`select pg_notify('bailiwick', ${JSON.stringify(["subject", tenant, pseudonym])})`.execute(scoped);
    return rows[0]?.erased ?? "";
  });
  people.forget(tenant, pseudonym);
  return erased;
}

/** The row is gone; what is left of it in the table's file goes now, or with the next erasure when the table cannot be had. */
async function rewrite(db: ErasureDeps["db"], tenant: string, erased: string): Promise<void> {
  const deadline = performance.now() + REWRITE_MS;
  const attempt = (): Promise<boolean> =>
    inTenant(db, tenant, async (scoped) => {
      await sql`set local lock_timeout = '1s'`.execute(scoped);
      const { rows } = await sql<{ done: boolean }>`select bailiwick.rewrite_subjects(${erased}) as done`.execute(scoped);
      return rows[0]?.done === true;
    }).catch(() => false);
  while (!(await attempt()) && performance.now() < deadline) await sleep(LOOK_AGAIN_MS);
}

async function eraseResource(
  deps: ErasureDeps,
  tenant: string,
  resource: ResourceName,
  act: ErasureAct,
): Promise<ErasedResource | NotErased> {
  const tag = resourceTag(await deps.secrets(tenant), resource);
  return deps.whileHoldsStand(tenant, async (client) => {
    const held = await heldBy(deps, client, tenant, { over: "hold_on_resource", target: tag });
    if (held !== undefined) return held;
    // Those that begin meanwhile are about the record as it is afterwards.
    await appendsOver(deps.logPool, tenant);
    const about: About = { column: "resource", value: tag };
    const calls = await callsUnderWay(client, tenant, about, new Set(await openCalls(client, tenant, about)));
    if (calls.length > 0) return { ok: false, why: "calls_under_way", calls };
    const { rows } = await client.query("select count(*) as count from bailiwick.record_facts where tenant_id = $1 and resource = $2", [
      tenant,
      tag,
    ]);
    const records = countRows.parse(rows)[0].count;
    const approvals = await cancel(deps, tenant, { column: "resource", value: tag }, deps.now());
    if (records === 0 && approvals === 0) return { ok: false, why: "unknown" };
    const body = { erased: { type: resource.type, tag }, records, approvals };
    await record(deps, tenant, { event: "resource.erase", callId: randomId("erase"), body }, act);
    await client.query("select bailiwick.erase_facts($1, $2)", [tenant, tag]);
    await inTenant(deps.db, tenant, (scoped) =>
      scoped.deleteFrom("bailiwick.approvals").where("tenant_id", "=", tenant).where("resource", "=", tag).execute(),
    );
    return { ok: true, tag, records };
  });
}

async function heldBy(
  deps: HoldReading,
  client: PoolClient,
  tenant: string,
  { over, target }: { readonly over: "hold_on_person" | "hold_on_resource"; readonly target: string },
): Promise<Extract<NotErased, { why: "held" }> | undefined> {
  const { rows } = await client.query(`select bailiwick.${over}($1, $2) as id`, [tenant, target]);
  const [{ id }] = idRows.parse(rows);
  const hold = id === null ? undefined : await holdOf(deps, client, tenant, id);
  return hold === undefined ? undefined : { ok: false, why: "held", hold };
}

async function record(
  { log, now }: ErasureDeps,
  tenant: string,
  what: Pick<AdminAct, "callId" | "body"> & { readonly event: "session.revoke" | "subject.erase" | "resource.erase" },
  { by, via, reason, receipt }: ErasureAct,
): Promise<void> {
  const entry = adminRecord({ at: now(), ...what, by, via, facts: { reason } });
  await log.append(tenant, receipt === undefined ? entry : { ...entry, commits: { receipt } });
}
