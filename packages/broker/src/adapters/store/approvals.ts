import { type Kysely, sql, type Transaction } from "kysely";
import type { AnswerOutcome, Approval, ApprovalState, ApprovalStore } from "../../domain/approval.ts";
import { Fault } from "../../domain/fault.ts";
import { answerText, fromRow, toRow } from "./approval-row.ts";
import type { ApprovalsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";
import { waitUntil, type Wakeups } from "./wakeups.ts";

export interface ApprovalDeps {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  readonly wakeups: Wakeups;
}

export function approvalStore(deps: ApprovalDeps): ApprovalStore {
  const { db, now } = deps;
  const find = (tenant: string, id: string): Promise<Approval | undefined> =>
    inTenant(db, tenant, async (scoped) => {
      const row = await rowOf(scoped, tenant, id);
      return row === undefined ? undefined : fromRow(row, now());
    });
  return {
    create: (approval) =>
      inTenant(db, approval.tenant, async (scoped) => {
        await scoped.insertInto("bailiwick.approvals").values(toRow(approval)).execute();
      }),
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

function findFor({ db, now }: ApprovalDeps, key: Parameters<ApprovalStore["findFor"]>[0]): Promise<Approval | undefined> {
  return inTenant(db, key.tenant, async (scoped) => {
    const row = await scoped
      .selectFrom("bailiwick.approvals")
      .selectAll()
      .where("tenant_id", "=", key.tenant)
      .where("args_digest", "=", key.argsDigest)
      .where("agent", "=", key.agent)
      .where("user_id", "=", key.user)
      .where("task", "=", key.task)
      .where("tool", "=", key.operation.tool)
      .where("operation_kind", "=", key.operation.kind)
      .where("operation_name", "=", key.operation.name)
      .where("state", "in", ["pending", "approved", "denied"])
      .where("expires_at", ">", now())
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? undefined : fromRow(row, now());
  });
}

function list(
  { db, now }: ApprovalDeps,
  tenant: string,
  options: { readonly state?: ApprovalState | undefined; readonly limit: number },
): Promise<readonly Approval[]> {
  return inTenant(db, tenant, async (scoped) => {
    const at = now();
    const effective = sql<ApprovalState>`case when state in ('pending', 'approved') and expires_at <= ${at} then 'expired' else state end`;
    let query = scoped
      .selectFrom("bailiwick.approvals")
      .selectAll()
      .where("tenant_id", "=", tenant)
      .orderBy("created_at", "desc")
      .orderBy("id", "desc")
      .limit(options.limit);
    if (options.state !== undefined) query = query.where(effective, "=", options.state);
    return (await query.execute()).map((row) => fromRow(row, at));
  });
}

async function answer(
  deps: ApprovalDeps,
  tenant: string,
  id: string,
  given: Parameters<ApprovalStore["answer"]>[2],
): Promise<AnswerOutcome> {
  const outcome = await inTenant(deps.db, tenant, async (scoped): Promise<AnswerOutcome> => {
    const changed = await scoped
      .updateTable("bailiwick.approvals")
      .set({ state: given.state, answer: answerText(given) })
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .where("state", "=", "pending")
      .where("expires_at", ">", given.at)
      .returningAll()
      .executeTakeFirst();
    if (changed !== undefined) {
      await sql`select pg_notify('bailiwick', ${JSON.stringify(["approval", tenant, id])})`.execute(scoped);
      return { ok: true, approval: fromRow(changed, given.at) };
    }
    const row = await rowOf(scoped, tenant, id);
    if (row === undefined)
      throw new Fault("store_unavailable", `there is no approval \`${id}\` to answer; list the pending ones and take the id from there`);
    return { ok: false, state: fromRow(row, given.at).state };
  });
  if (outcome.ok) deps.wakeups.wake(`${tenant} ${id}`);
  return outcome;
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
