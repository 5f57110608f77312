import { type Kysely, sql, type Transaction } from "kysely";
import type { ActiveElevation } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { Revocation, Session, SessionStore } from "../../domain/session.ts";
import type { Stop } from "../../domain/stop.ts";
import { rightsInForce } from "./elevation-list.ts";
import { tagsOfSession } from "./elevation-row.ts";
import { claimRun } from "./runs.ts";
import { fromRow, toRow } from "./session-row.ts";
import { stopOver } from "./stops.ts";
import type { Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import { withSubject } from "./subjects/with-subject.ts";
import type { SessionsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";
import { orUnavailable } from "./unavailable.ts";

export interface SessionDeps {
  readonly db: Kysely<Tables>;
  readonly people: Subjects;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  readonly now: () => Date;
  /** Tells this process at once; other brokers hear it through the database. */
  readonly revoked: (tenant: string, ended: readonly string[]) => void;
}

/** A NOTIFY payload holds 8,000 bytes; a larger subtree is told in several. */
const IDS_PER_NOTICE = 100;

export function sessionStore(deps: SessionDeps): SessionStore {
  const { db, now, revoked } = deps;
  return {
    claimRun: (tenant, run, agent) => claimRun(deps, { tenant, run, agent }),
    create: async (session) => {
      const secrets = await deps.secrets(session.tenant);
      await withSubject(deps.people, session.tenant, session.user, (subject) =>
        inTenant(db, session.tenant, (scoped) => create(scoped, session, toRow(session, subject, secrets), now())),
      );
    },
    find: (tenant, id) => orUnavailable(() => find(deps, tenant, id)),
    list: (tenant, options) => list(deps, tenant, options),
    endTask: async (tenant, { task, user }) => {
      const subject = user === undefined ? undefined : await deps.people.find(tenant, user);
      if (user !== undefined && subject === undefined) return [];
      const tag = (await deps.secrets(tenant)).tag("task", task.toWellFormed());
      const ended = await inTenant(db, tenant, (scoped) => endTask(scoped, tenant, { task: tag, subject: subject?.pseudonym }, now()));
      if (ended.length > 0) revoked(tenant, ended);
      return ended;
    },
    revoke: async (tenant, id) => {
      const revocation = await inTenant(db, tenant, (scoped) => revoke(scoped, tenant, id, now()));
      if (revocation !== undefined) revoked(tenant, revocation.ended);
      return revocation;
    },
  };
}

/** The lineage is locked against a revocation under way: either it sees this child, or this sees it. */
async function create(scoped: Transaction<Tables>, session: Session, row: SessionsTable, now: Date): Promise<void> {
  const above = await scoped
    .selectFrom("bailiwick.sessions")
    .select(["id", "revoked_at", "expires_at"])
    .where("tenant_id", "=", session.tenant)
    .where("id", "in", session.lineage.length === 0 ? [""] : [...session.lineage])
    .forShare()
    .execute();
  const living = above.filter((each) => each.revoked_at === null && each.expires_at > now);
  if (living.length !== session.lineage.length)
    throw new Fault("session_ended", "the session this one would be delegated from was revoked or has expired; open a new one");
  const stop = await stopOver(scoped, { ...session, name: session.agent });
  if (stop !== undefined) throw new Fault("session_ended", stoppedText(stop));
  await scoped.insertInto("bailiwick.sessions").values(row).execute();
}

function stoppedText({ kind, name, state, reason }: Stop): string {
  const what = kind === "everything" ? "every agent is" : `the ${kind} \`${name}\` is`;
  return `${what} ${state} (${reason}); ask its owner`;
}

async function list(
  deps: SessionDeps,
  tenant: string,
  { live, limit, delegatedFrom }: Parameters<SessionStore["list"]>[1],
): Promise<readonly Session[]> {
  const rows = await inTenant(deps.db, tenant, (scoped) => {
    let query = scoped
      .selectFrom("bailiwick.sessions")
      .selectAll()
      .where("tenant_id", "=", tenant)
      .orderBy("expires_at", "desc")
      .orderBy("id")
      .limit(limit);
    if (live) query = query.where("revoked_at", "is", null).where("expires_at", ">", deps.now());
    if (delegatedFrom !== undefined) query = query.where(sql<boolean>`lineage @> array[${delegatedFrom}]::text[]`);
    return query.execute();
  });
  return opened(deps, tenant, rows);
}

/** Sessions out of their rows; those of somebody who was erased a moment ago are gone. */
async function opened({ people }: SessionDeps, tenant: string, rows: readonly SessionsTable[]): Promise<readonly Session[]> {
  const known = await people.behind(
    tenant,
    rows.map(({ subject }) => subject),
  );
  return rows.flatMap((row) => {
    const subject = known.get(row.subject);
    return subject === undefined ? [] : [fromRow(row, subject)];
  });
}

/** Each of its functions sets the tenant itself, so a session that no memory holds costs two round trips, and one more for a user whom none holds. */
async function find(deps: SessionDeps, tenant: string, id: string): Promise<Session | undefined> {
  const { db } = deps;
  const { rows } = await sql<SessionsTable>`select * from bailiwick.session_chain(${tenant}, ${id})`.execute(db);
  const chain = await opened(deps, tenant, rows);
  const [first] = chain;
  // A lineage with a gap cannot be judged; whoever deleted from it ended what stood on it.
  if (first === undefined || chain.length !== first.lineage.length + 1) return undefined;
  const agents = agentsOf(chain);
  const stop = await firstStop(db, agents);
  const names = agents.map(({ name }) => name);
  const rights = await rightsInForce(db, tenant, names, deps.now());
  const secrets = await deps.secrets(tenant);
  const revokedAt = chain.map((each) => each.revokedAt).find((at) => at !== undefined);
  return chain.reduceRight<Session | undefined>(
    (delegator, session) => ({
      ...session,
      ...elevated(rights(session.agent, () => tagsOfSession(secrets, session))),
      ...(delegator === undefined ? {} : { delegator }),
      ...(revokedAt === undefined ? {} : { revokedAt }),
      ...(stop === undefined ? {} : { stop }),
    }),
    undefined,
  );
}

function elevated(elevations: readonly ActiveElevation[]): Pick<Session, "elevations"> {
  return elevations.length === 0 ? {} : { elevations };
}

function agentsOf(chain: readonly Session[]): readonly { tenant: string; environment: string; workflow: string; name: string }[] {
  const byName = new Map(chain.map(({ tenant, environment, workflow, agent }) => [agent, { tenant, environment, workflow, name: agent }]));
  return [...byName.values()];
}

async function firstStop(db: Kysely<Tables>, agents: ReturnType<typeof agentsOf>): Promise<Stop | undefined> {
  for (const agent of agents) {
    const stop = await stopOver(db, agent);
    if (stop !== undefined) return stop;
  }
  return undefined;
}

async function revoke(scoped: Transaction<Tables>, tenant: string, id: string, at: Date): Promise<Revocation | undefined> {
  const own = await scoped
    .updateTable("bailiwick.sessions")
    .set({ revoked_at: at })
    .where("tenant_id", "=", tenant)
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (own.numUpdatedRows === 0n) return undefined;
  const below = await scoped
    .updateTable("bailiwick.sessions")
    .set({ revoked_at: at })
    .where("tenant_id", "=", tenant)
    .where(sql<boolean>`lineage @> array[${id}]::text[]`)
    .where("revoked_at", "is", null)
    .returning("id")
    .execute();
  const ended = [id, ...below.map((each) => each.id)];
  await tellEnded(scoped, tenant, ended);
  return { session: id, ended };
}

async function endTask(
  scoped: Transaction<Tables>,
  tenant: string,
  { task, subject }: { readonly task: string; readonly subject: string | undefined },
  at: Date,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    with roots as (
      select id from bailiwick.sessions
       where tenant_id = ${tenant} and task = ${task} and (${subject ?? null}::text is null or subject = ${subject ?? null}) and expires_at > ${at})
    update bailiwick.sessions s set revoked_at = ${at}
     where s.tenant_id = ${tenant} and s.revoked_at is null and s.expires_at > ${at}
       and exists (select from roots where roots.id = s.id or roots.id = any (s.lineage))
    returning s.id`.execute(scoped);
  const ended = rows.map((row) => row.id);
  await tellEnded(scoped, tenant, ended);
  return ended;
}

/** Tells other brokers which sessions ended, once the transaction commits. */
export async function tellEnded(scoped: Transaction<Tables>, tenant: string, ended: readonly string[]): Promise<void> {
  for (let from = 0; from < ended.length; from += IDS_PER_NOTICE) {
    const ids = ended.slice(from, from + IDS_PER_NOTICE);
    await sql`select pg_notify('bailiwick', ${JSON.stringify(["session", tenant, ...ids])})`.execute(scoped);
  }
}
