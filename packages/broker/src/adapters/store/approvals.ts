import { type Kysely, sql, type Transaction } from "kysely";
import type { AnswerOutcome, Approval, ApprovalState, ApprovalStore } from "../../domain/approval.ts";
import { Fault } from "../../domain/fault.ts";
import { askedTag, fromRow, sealAnswer, toRow } from "./approval-row.ts";
import type { Subject, Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import { withSubject } from "./subjects/with-subject.ts";
import type { ApprovalsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";
import { waitUntil, type Wakeups } from "./wakeups.ts";

export interface ApprovalDeps {
  readonly db: Kysely<Tables>;
  readonly people: Subjects;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  readonly now: () => Date;
  readonly wakeups: Wakeups;
}

export function approvalStore(deps: ApprovalDeps): ApprovalStore {
  const { db, now } = deps;
  const find = async (tenant: string, id: string): Promise<Approval | undefined> => {
    const row = await inTenant(db, tenant, (scoped) => rowOf(scoped, tenant, id));
    return (await opened(deps, tenant, row === undefined ? [] : [row], now()))[0];
  };
  return {
    create: async (approval) => {
      const secrets = await deps.secrets(approval.tenant);
      await withSubject(deps.people, approval.tenant, approval.user, (subject) =>
        inTenant(db, approval.tenant, async (scoped) => {
          await scoped
            .insertInto("bailiwick.approvals")
            .values(toRow(approval, subject, secrets))
            .execute();
        }),
      );
    },
    find,
    findFor: (key) => findFor(deps, key),
    list: (tenant, options) => list(deps, tenant, options),
    answer: (tenant, id, given) => answer(deps, tenant, id, given),
    use: (tenant, id, at) => use(deps, tenant, id, at),
    wait: (tenant, id, { timeoutMs, signal }) =>
      waitUntil(deps.wakeups, `${tenant} ${id}`, { timeoutMs, signal, now }, async () => {
        const approval = await find(tenant, id);
        if (approval === undefined) throw new Fault("store_unavailable", `there is no approval \`${id}\` to wait for`);
        return approval.state === "pending" ? { again: approval.expiresAt } : { value: approval };
      }),
  };
}

/** Approvals out of their rows; those asked for somebody who was erased are gone. */
async function opened({ people }: ApprovalDeps, tenant: string, rows: readonly ApprovalsTable[], at: Date): Promise<readonly Approval[]> {
  const known = await people.behind(
    tenant,
    rows.map(({ subject }) => subject),
  );
  return rows.flatMap((row) => {
    const subject = known.get(row.subject);
    return subject === undefined ? [] : [fromRow(row, subject, at)];
  });
}

async function findFor(deps: ApprovalDeps, key: Parameters<ApprovalStore["findFor"]>[0]): Promise<Approval | undefined> {
  const subject = await deps.people.find(key.tenant, key.user);
  // Nothing was ever asked for somebody whom nobody knows.
  if (subject === undefined) return undefined;
  const secrets = await deps.secrets(key.tenant);
  const at = deps.now();
  const row = await inTenant(deps.db, key.tenant, (scoped) =>
    scoped
      .selectFrom("bailiwick.approvals")
      .selectAll()
      .where("tenant_id", "=", key.tenant)
      .where("asked", "=", askedTag(secrets, key))
      .where("agent", "=", key.agent)
      .where("subject", "=", subject.pseudonym)
      .where("task", "=", secrets.tag("task", key.task.toWellFormed()))
      .where("state", "in", ["pending", "approved", "denied"])
      .where("expires_at", ">", at)
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst(),
  );
  return row === undefined ? undefined : fromRow(row, subject, at);
}

async function list(
  deps: ApprovalDeps,
  tenant: string,
  options: { readonly state?: ApprovalState | undefined; readonly limit: number },
): Promise<readonly Approval[]> {
  const at = deps.now();
  const rows = await inTenant(deps.db, tenant, (scoped) => {
    const effective = sql<ApprovalState>`case when state in ('pending', 'approved') and expires_at <= ${at} then 'expired' else state end`;
    let query = scoped
      .selectFrom("bailiwick.approvals")
      .selectAll()
      .where("tenant_id", "=", tenant)
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .limit(options.limit);
    if (options.state !== undefined) query = query.where(effective, "=", options.state);
    return query.execute();
  });
  return opened(deps, tenant, rows, at);
}

async function answer(
  deps: ApprovalDeps,
  tenant: string,
  id: string,
  given: Parameters<ApprovalStore["answer"]>[2],
): Promise<AnswerOutcome> {
  const subject = await subjectOf(deps, tenant, id);
  const outcome = await inTenant(deps.db, tenant, async (scoped): Promise<AnswerOutcome> => {
    const changed = await scoped
      .updateTable("bailiwick.approvals")
      .set({ state: given.state, answer: sealAnswer(subject, { tenant, id }, given) })
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .where("subject", "=", subject.pseudonym)
      .where("state", "=", "pending")
      .where("expires_at", ">", given.at)
      .returningAll()
      .executeTakeFirst();
    if (changed !== undefined) {
      await sql`select pg_notify('bailiwick', ${JSON.stringify(["approval", tenant, id])})`.execute(scoped);
      return { ok: true, approval: fromRow(changed, subject, given.at) };
    }
    const row = await rowOf(scoped, tenant, id);
    if (row === undefined) throw nothingToAnswer(id);
    return { ok: false, state: fromRow(row, subject, given.at).state };
  });
  if (outcome.ok) deps.wakeups.wake(`${tenant} ${id}`);
  return outcome;
}

/** Whom an approval was asked for. @throws Fault `store_unavailable` when there is none, or they were erased. */
async function subjectOf({ db, people }: ApprovalDeps, tenant: string, id: string): Promise<Subject> {
  const row = await inTenant(db, tenant, (scoped) => rowOf(scoped, tenant, id));
  const subject = row === undefined ? undefined : (await people.behind(tenant, [row.subject])).get(row.subject);
  if (subject === undefined) throw nothingToAnswer(id);
  return subject;
}

function nothingToAnswer(id: string): Fault {
  return new Fault("store_unavailable", `there is no approval \`${id}\` to answer; list the pending ones and take the id from there`);
}

function use({ db }: ApprovalDeps, tenant: string, id: string, at: Date): Promise<boolean> {
  return inTenant(db, tenant, async (scoped) => {
    const result = await scoped
      .updateTable("bailiwick.approvals")
      .set({ state: "used" })
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .where("state", "=", "approved")
      .where("expires_at", ">", at)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  });
}

function rowOf(scoped: Transaction<Tables>, tenant: string, id: string): Promise<ApprovalsTable | undefined> {
  return scoped.selectFrom("bailiwick.approvals").selectAll().where("tenant_id", "=", tenant).where("id", "=", id).executeTakeFirst();
}
