import { type Kysely, sql, type Transaction } from "kysely";
import type { AnswerOutcome, Approval, ApprovalStore } from "../../domain/approval.ts";
import { Fault } from "../../domain/fault.ts";
import { countPending, pageOf, similarRows } from "./approval-list.ts";
import { askedTag, fromRow, sealAnswers, shapeTag, toRow } from "./approval-row.ts";
import { boundedFor, keepBounds, listBounded, revokeBounded } from "./bounded-approvals.ts";
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

/** An agent that waits on the line says itself how its call ended; whoever is gone by then does not. */
const SAYS_ITSELF_MS = 60_000;

/** How long a broker has to say how a call ended, until another one does. */
const IN_HAND_MS = 60_000;

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
    list: async (tenant, query) => {
      const at = now();
      const { rows, next } = await inTenant(db, tenant, (scoped) => pageOf(scoped, tenant, query, at));
      return { approvals: await opened(deps, tenant, rows, at), next };
    },
    countPending: (tenant, agent) => inTenant(db, tenant, (scoped) => countPending(scoped, tenant, now(), agent)),
    similar: async (approval, limit) => {
      const { tenant, id } = approval;
      const shape = shapeTag(await deps.secrets(tenant), approval);
      const at = now();
      const { recent, ...counts } = await inTenant(db, tenant, (scoped) => similarRows(scoped, { tenant, shape, id, limit, at }));
      return { ...counts, recent: await opened(deps, tenant, recent, at) };
    },
    answer: (tenant, id, given) => answer(deps, tenant, id, given),
    cancel: async (tenant, id) => {
      const cancelled = await inTenant(db, tenant, (scoped) => cancel(scoped, tenant, id));
      if (cancelled) deps.wakeups.wake(`${tenant} ${id}`);
      return cancelled;
    },
    bounded: (key) => boundedFor(deps, key),
    listBounded: (tenant) => listBounded(deps, tenant),
    revokeBounded: (tenant, id, at) => revokeBounded(deps, tenant, id, at),
    takeEnded: (tenant, limit) => takeEnded(deps, tenant, limit),
    saidEnded: (tenant, id) =>
      inTenant(db, tenant, async (scoped) => {
        await scoped
          .updateTable("bailiwick.approvals")
          .set({ end_said: true })
          .where("tenant_id", "=", tenant)
          .where("id", "=", id)
          .execute();
      }),
    wait: (tenant, id, { timeoutMs, signal }) =>
      waitUntil(deps.wakeups, `${tenant} ${id}`, { timeoutMs, signal, now }, async () => {
        const approval = await find(tenant, id);
        if (approval === undefined) throw new Fault("store_unavailable", `there is no approval \`${id}\` to wait for`);
        return approval.state === "pending" ? { again: approval.expiresAt } : { value: approval };
      }),
  };
}

/** Approvals out of their rows; those asked for somebody who was erased are gone. */
export async function opened(
  { people }: Pick<ApprovalDeps, "people">,
  tenant: string,
  rows: readonly ApprovalsTable[],
  at: Date,
): Promise<readonly Approval[]> {
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
      .where("drill", "=", false)
      .where("expires_at", ">", at)
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst(),
  );
  return row === undefined ? undefined : fromRow(row, subject, at);
}

async function answer(
  deps: ApprovalDeps,
  tenant: string,
  id: string,
  given: Parameters<ApprovalStore["answer"]>[2],
): Promise<AnswerOutcome> {
  const subject = await subjectOf(deps, tenant, id);
  const secrets = await deps.secrets(tenant);
  const outcome = await withSubject(deps.people, tenant, given.answer.by, (person) =>
    inTenant(deps.db, tenant, async (scoped): Promise<AnswerOutcome> => {
      const row = await rowOf(scoped, tenant, id, "for update");
      if (row === undefined) throw nothingToAnswer(id);
      const approval = fromRow(row, subject, given.answer.at);
      if (approval.state !== "pending") return { ok: false, why: "ended", state: approval.state };
      if (row.answered !== given.seen) return { ok: false, why: "changed", state: approval.state };
      const answers = [...approval.answers, given.answer];
      const state = stateAfter(approval, given);
      await scoped
        .updateTable("bailiwick.approvals")
        .set({
          state,
          answered: answers.length,
          answers: sealAnswers(subject, approval, answers),
          decided_at: given.state === "pending" ? null : given.answer.at,
        })
        .where("tenant_id", "=", tenant)
        .where("id", "=", id)
        .execute();
      await rememberAnswer(scoped, approval, person, given.answer);
      if (state === "approved") await keepBounds(scoped, secrets, subject, { ...approval, answers });
      return { ok: true, approval: { ...approval, answers, state } };
    }),
  );
  if (outcome.ok) deps.wakeups.wake(`${tenant} ${id}`);
  return outcome;
}

/** A drill never becomes a yes, whoever says what to it. */
function stateAfter(approval: Approval, given: Parameters<ApprovalStore["answer"]>[2]): Approval["state"] {
  return approval.drill === true && given.state === "approved" ? "cancelled" : given.state;
}

async function rememberAnswer(
  scoped: Transaction<Tables>,
  { tenant, id }: Pick<Approval, "tenant" | "id">,
  person: Subject,
  { verdict, at }: Approval["answers"][number],
): Promise<void> {
  await scoped
    .insertInto("bailiwick.approval_answers")
    .values({ tenant_id: tenant, approval: id, person: person.pseudonym, verdict, at })
    .onConflict((conflict) => conflict.columns(["tenant_id", "approval", "person"]).doUpdateSet({ verdict, at }))
    .execute();
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

async function cancel(scoped: Transaction<Tables>, tenant: string, id: string): Promise<boolean> {
  const result = await scoped
    .updateTable("bailiwick.approvals")
    .set({ state: "cancelled" })
    .where("tenant_id", "=", tenant)
    .where("id", "=", id)
    .where("state", "in", ["pending", "approved"])
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

async function takeEnded(deps: ApprovalDeps, tenant: string, limit: number): Promise<readonly Approval[]> {
  const at = deps.now();
  const before = new Date(at.getTime() - SAYS_ITSELF_MS);
  const { rows } = await inTenant(deps.db, tenant, (scoped) =>
    sql<ApprovalsTable>`
      update bailiwick.approvals a set end_taken_until = ${new Date(at.getTime() + IN_HAND_MS)}
       where a.tenant_id = ${tenant} and a.id in (
         select id from bailiwick.approvals
          where tenant_id = ${tenant} and not end_said and state <> 'used' and (end_taken_until is null or end_taken_until <= ${at})
            and (expires_at <= ${before} or (state in ('denied', 'cancelled') and coalesce(decided_at, created_at) <= ${before}))
          order by expires_at limit ${limit} for update skip locked)
      returning a.*`.execute(scoped),
  );
  return opened(deps, tenant, rows, at);
}

function rowOf(scoped: Transaction<Tables>, tenant: string, id: string, lock?: "for update"): Promise<ApprovalsTable | undefined> {
  const found = scoped.selectFrom("bailiwick.approvals").selectAll().where("tenant_id", "=", tenant).where("id", "=", id);
  return (lock === undefined ? found : found.forUpdate()).executeTakeFirst();
}
