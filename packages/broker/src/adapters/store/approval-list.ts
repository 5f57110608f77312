import { sql, type Transaction } from "kysely";
import type { ApprovalQuery, ApprovalState } from "../../domain/approval.ts";
import type { ApprovalsTable, Tables } from "./tables.ts";

/** Rows of one page, and where the next begins. */
export interface ApprovalRows {
  readonly rows: readonly ApprovalsTable[];
  readonly next: string | undefined;
}

/** How far back questions count as past ones of their shape. */
const SIMILAR_MS = 30 * 24 * 60 * 60 * 1000;

/** Ids in the order of their characters' codes, in which pages of several tenants are put together, whatever language the database sorts by. */
const IN_ORDER = sql`id collate "C"`;

/** One page. Where the order is `soonest` only those that still run come first, so it is asked with a state. */
export async function pageOf(scoped: Transaction<Tables>, tenant: string, query: ApprovalQuery, at: Date): Promise<ApprovalRows> {
  const column = query.order === "newest" ? "created_at" : "expires_at";
  let rows = scoped.selectFrom("bailiwick.approvals").selectAll().where("tenant_id", "=", tenant);
  if (query.state !== undefined) rows = rows.where(isIn(query.state, at));
  if (query.agent !== undefined) rows = rows.where("agent", "=", query.agent);
  if (query.rule !== undefined) rows = rows.where("rule", "=", query.rule);
  const place = query.after === undefined ? undefined : readPlace(query.after);
  if (place !== undefined) {
    rows =
      query.order === "newest"
        ? rows.where(sql<boolean>`(created_at, id collate "C") < (${place.at}, ${place.id})`)
        : rows.where(sql<boolean>`(expires_at, id collate "C") > (${place.at}, ${place.id})`);
  }
  const direction = query.order === "newest" ? "desc" : "asc";
  // One more than asked says whether there is another page.
  const found = await rows
    .orderBy(column, direction)
    .orderBy(IN_ORDER, direction)
    .limit(query.limit + 1)
    .execute();
  const shown = found.slice(0, query.limit);
  const last = shown.at(-1);
  return { rows: shown, next: found.length > query.limit && last !== undefined ? `${last[column].toISOString()}~${last.id}` : undefined };
}

export async function countPending(scoped: Transaction<Tables>, tenant: string, at: Date, agent: string | undefined): Promise<number> {
  const pending = scoped
    .selectFrom("bailiwick.approvals")
    .select(sql<number>`count(*)::int`.as("count"))
    .where("tenant_id", "=", tenant)
    .where(isIn("pending", at));
  const counted = await (agent === undefined ? pending : pending.where("agent", "=", agent)).executeTakeFirst();
  return counted?.count ?? 0;
}

export interface SimilarRows {
  readonly approved: number;
  readonly denied: number;
  readonly expired: number;
  readonly medianMs: number | undefined;
  readonly recent: readonly ApprovalsTable[];
}

/** What became of other questions of a shape; drills are nobody's question. */
export async function similarRows(
  scoped: Transaction<Tables>,
  of: { readonly tenant: string; readonly shape: string; readonly id: string; readonly limit: number; readonly at: Date },
): Promise<SimilarRows> {
  const since = new Date(of.at.getTime() - SIMILAR_MS);
  const others = scoped
    .selectFrom("bailiwick.approvals")
    .where("tenant_id", "=", of.tenant)
    .where("shape", "=", of.shape)
    .where("id", "!=", of.id)
    .where("drill", "=", false)
    .where("created_at", ">", since);
  const counted = await others
    .select([
      sql<number>`count(*) filter (where decided_at is not null and state <> 'denied')::int`.as("approved"),
      sql<number>`count(*) filter (where state = 'denied')::int`.as("denied"),
      sql<number>`count(*) filter (where decided_at is null and (state = 'expired' or expires_at <= ${of.at}))::int`.as("expired"),
      sql<number | null>`(percentile_cont(0.5) within group (order by extract(epoch from decided_at - created_at) * 1000))::float8`.as(
        "median",
      ),
    ])
    .executeTakeFirst();
  const recent = await others.selectAll().where("decided_at", "is not", null).orderBy("decided_at", "desc").limit(of.limit).execute();
  return {
    approved: counted?.approved ?? 0,
    denied: counted?.denied ?? 0,
    expired: counted?.expired ?? 0,
    medianMs: counted?.median ?? undefined,
    recent,
  };
}

/** Each form can be answered from an index: nobody writes down that an approval expired. */
function isIn(state: ApprovalState, at: Date): ReturnType<typeof sql<boolean>> {
  switch (state) {
    case "pending":
    case "approved":
      return sql<boolean>`state = ${state} and expires_at > ${at}`;
    case "expired":
      return sql<boolean>`(state = 'expired' or (state in ('pending', 'approved') and expires_at <= ${at}))`;
    case "denied":
    case "cancelled":
    case "used":
      return sql<boolean>`state = ${state}`;
  }
}

/** A place that cannot be read is the beginning. */
function readPlace(text: string): { readonly at: Date; readonly id: string } | undefined {
  const [time = "", id] = text.split("~", 2);
  const at = new Date(time);
  return id === undefined || Number.isNaN(at.getTime()) ? undefined : { at, id };
}
