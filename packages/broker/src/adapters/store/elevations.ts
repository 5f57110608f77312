import { type Kysely, sql, type Transaction } from "kysely";
import type { Elevation, ElevationAnswered, ElevationAsked, ElevationStore } from "../../domain/elevation.ts";
import { Fault } from "../../domain/fault.ts";
import { askedAlready, MAX_WAITING, waitingFor } from "./elevation-asked.ts";
import { activeRows, elevationPage, endedRows } from "./elevation-list.ts";
import { fromRow, sealSaid, subjectOf, tagsOfSession, toRow } from "./elevation-row.ts";
import type { Subject, Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import { withSubject } from "./subjects/with-subject.ts";
import type { ElevationsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";
import { waitUntil, type Wakeups } from "./wakeups.ts";

export interface ElevationDeps {
  readonly db: Kysely<Tables>;
  readonly people: Subjects;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  readonly now: () => Date;
  readonly wakeups: Wakeups;
  /** Tells this process at once; other brokers hear it through the database. */
  readonly changed: (tenant: string) => void;
}

export function elevationStore(deps: ElevationDeps): ElevationStore {
  const { db, now } = deps;
  const find = async (tenant: string, id: string): Promise<Elevation | undefined> => {
    const row = await inTenant(db, tenant, (scoped) => rowOf(scoped, tenant, id));
    return (await opened(deps, tenant, row === undefined ? [] : [row], now()))[0];
  };
  const told = (tenant: string, id: string): void => {
    deps.changed(tenant);
    deps.wakeups.wake(`${tenant} ${id}`);
  };
  return {
    ask: (elevation) => ask(deps, elevation),
    find,
    list: async (tenant, query) => {
      const at = now();
      const { rows, next } = await inTenant(db, tenant, (scoped) => elevationPage(scoped, tenant, query, at));
      return { elevations: await opened(deps, tenant, rows, at), ...(next === undefined ? {} : { next }) };
    },
    active: async (tenant, agent, at) =>
      opened(deps, tenant, await inTenant(db, tenant, (scoped) => activeRows(scoped, tenant, agent, at)), at),
    answer: async (tenant, id, made) => {
      const outcome = await answer(deps, tenant, id, made);
      if (outcome.ok) told(tenant, id);
      return outcome;
    },
    revoke: async (tenant, id, revoked) => {
      const outcome = await revoke(deps, tenant, id, revoked);
      if (outcome !== undefined) told(tenant, id);
      return outcome;
    },
    ended: (tenant, sinceMs, said) => sayEnded(deps, tenant, sinceMs, said),
    wait: (tenant, id, { timeoutMs, signal }) =>
      waitUntil(deps.wakeups, `${tenant} ${id}`, { timeoutMs, signal, now }, async () => {
        const elevation = await find(tenant, id);
        if (elevation === undefined) throw new Fault("store_unavailable", `there is no elevation \`${id}\` to wait for`);
        return elevation.state === "pending" ? { again: elevation.askEndsAt } : { value: elevation };
      }),
  };
}

/** Elevations out of their rows; those asked for somebody who was erased are gone. */
async function opened(
  { people }: Pick<ElevationDeps, "people">,
  tenant: string,
  rows: readonly ElevationsTable[],
  at: Date,
): Promise<readonly Elevation[]> {
  const known = await people.behind(
    tenant,
    rows.map(({ subject }) => subject),
  );
  return rows.flatMap((row) => {
    const subject = known.get(row.subject);
    return subject === undefined ? [] : [fromRow(row, subject, at)];
  });
}

/** Questions about one agent are asked one at a time, so that the same one is not kept twice and their number is bounded. */
async function ask(deps: ElevationDeps, elevation: Elevation): Promise<ElevationAsked> {
  const { tenant, agent } = elevation;
  const secrets = await deps.secrets(tenant);
  const at = deps.now();
  const outcome = await withSubject(deps.people, tenant, subjectOf(elevation), (subject) =>
    inTenant(
      deps.db,
      tenant,
      async (scoped): Promise<{ readonly row: ElevationsTable; readonly repeated: boolean } | { readonly waiting: number }> => {
        await sql`select pg_advisory_xact_lock(hashtextextended(${`bailiwick.elevations ${tenant} ${agent}`}, 0))`.execute(scoped);
        const row = toRow(elevation, subject, secrets);
        const same = await askedAlready(scoped, { row, subject, elevation, tags: tagsFor(elevation, row, secrets) }, at);
        if (same !== undefined) return { row: same, repeated: true };
        const waiting = await waitingFor(scoped, tenant, agent, at);
        if (waiting >= MAX_WAITING) return { waiting };
        await scoped.insertInto("bailiwick.elevations").values(row).execute();
        return { row, repeated: false };
      },
    ),
  );
  if ("waiting" in outcome) return { ok: false, why: "too_many", waiting: outcome.waiting };
  const [kept] = await opened(deps, tenant, [outcome.row], at);
  if (kept === undefined) throw nothingThere(elevation.id);
  return { ok: true, elevation: kept, repeated: outcome.repeated };
}

async function answer(
  deps: ElevationDeps,
  tenant: string,
  id: string,
  made: Parameters<ElevationStore["answer"]>[2],
): Promise<ElevationAnswered> {
  const subject = await subjectBehind(deps, tenant, id);
  return inTenant(deps.db, tenant, async (scoped): Promise<ElevationAnswered> => {
    const row = await rowOf(scoped, tenant, id, "for update");
    if (row === undefined) throw nothingThere(id);
    const elevation = fromRow(row, subject, made.answer.at);
    if (elevation.state !== "pending") return { ok: false, why: "ended", state: elevation.state };
    if (row.answered !== made.seen) return { ok: false, why: "changed", state: elevation.state };
    const next: Elevation = {
      ...elevation,
      answers: [...elevation.answers, made.answer],
      state: made.state,
      ...(made.state === "active" && made.given !== undefined ? { given: made.given } : {}),
    };
    await scoped
      .updateTable("bailiwick.elevations")
      .set({
        state: made.state,
        answered: next.answers.length,
        answers: sealSaid(subject, next),
        ...(next.given === undefined ? {} : { scope: [...next.given.scope], active_from: next.given.from, active_until: next.given.until }),
      })
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .execute();
    return { ok: true, elevation: next };
  });
}

async function revoke(
  deps: ElevationDeps,
  tenant: string,
  id: string,
  revoked: NonNullable<Elevation["revoked"]>,
): Promise<Elevation | undefined> {
  const subject = await subjectBehind(deps, tenant, id);
  return inTenant(deps.db, tenant, async (scoped) => {
    // Waits for the intents that stand on it, and makes those that come later look again.
    const row = await rowOf(scoped, tenant, id, "for update");
    const elevation = row === undefined ? undefined : fromRow(row, subject, revoked.at);
    if (elevation?.state !== "active") return undefined;
    const next: Elevation = { ...elevation, state: "revoked", revoked };
    await scoped
      .updateTable("bailiwick.elevations")
      .set({ state: "revoked", answers: sealSaid(subject, next) })
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .execute();
    return next;
  });
}

/** Brokers take turns: one that finds another at it leaves it to that one. */
async function sayEnded(
  deps: ElevationDeps,
  tenant: string,
  sinceMs: number,
  said: (elevation: Elevation) => Promise<void>,
): Promise<void> {
  const at = deps.now();
  await inTenant(deps.db, tenant, async (scoped) => {
    const name = `bailiwick.elevations ended ${tenant}`;
    const { rows } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) as mine`.execute(scoped);
    if (rows[0]?.mine !== true) return;
    for (const elevation of await opened(deps, tenant, await endedRows(scoped, tenant, new Date(at.getTime() - sinceMs), at), at))
      await said(elevation);
  });
}

/** An agent's question is for its own sessions; a person's for those it names. */
function tagsFor({ askedBy, task }: Elevation, row: ElevationsTable, secrets: TenantSecrets): readonly string[] {
  if ("person" in askedBy || task === undefined) return row.task === null ? [] : [row.task];
  return tagsOfSession(secrets, { user: askedBy.user, task });
}

/** Whom it was asked for. @throws Fault `store_unavailable` when there is none, or they were erased. */
async function subjectBehind({ db, people }: ElevationDeps, tenant: string, id: string): Promise<Subject> {
  const row = await inTenant(db, tenant, (scoped) => rowOf(scoped, tenant, id));
  const subject = row === undefined ? undefined : (await people.behind(tenant, [row.subject])).get(row.subject);
  if (subject === undefined) throw nothingThere(id);
  return subject;
}

function nothingThere(id: string): Fault {
  return new Fault("store_unavailable", `there is no elevation \`${id}\`; list them and take the id from there`);
}

function rowOf(scoped: Transaction<Tables>, tenant: string, id: string, lock?: "for update"): Promise<ElevationsTable | undefined> {
  const found = scoped.selectFrom("bailiwick.elevations").selectAll().where("tenant_id", "=", tenant).where("id", "=", id);
  return (lock === undefined ? found : found.forUpdate()).executeTakeFirst();
}
