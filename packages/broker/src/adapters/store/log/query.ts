import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { RecordQuery } from "../../../domain/audit.ts";
import type { Subjects } from "../subjects/subjects.ts";
import type { TenantSecrets } from "../subjects/tenant-secrets.ts";
import type { Tables } from "../tables.ts";
import { columnText } from "./canonical-text.ts";
import { resourceTag } from "./wire-entry.ts";

export interface ReadDeps {
  readonly logDb: Kysely<Tables>;
  readonly subjects: Pick<Subjects, "find" | "behind">;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
}

export type Condition = RawBuilder<unknown>;
type Asked = Omit<RecordQuery, "limit">;
type Scoped = Transaction<Tables>;

/**
 * How far `at` of neighbouring records may be out of order: clocks of brokers that share a log, and the time between an entry's making and its
 * writing. A broker whose clock is further off cannot check a sender's proof, and so has no calls.
 */
const MAX_DISORDER_MS = 10 * 60_000;

/** What a query asks for, in the words of the columns. */
export interface Wanted {
  /** Columns that every record of a call has. */
  readonly who: readonly (readonly [column: string, value: string])[];
  /** Columns that only records of the decision surely have. */
  readonly why: readonly (readonly [column: string, value: string])[];
  readonly rule: string | undefined;
  readonly status: string | undefined;
  readonly code: string | undefined;
}

/** Undefined when nothing can match, because the query names somebody the log does not know. */
export async function wantedOf(deps: ReadDeps, tenant: string, query: Asked): Promise<Wanted | undefined> {
  const secrets = await deps.secrets(tenant);
  const find = async (name: string | undefined): Promise<string | undefined> =>
    name === undefined ? undefined : (await deps.subjects.find(tenant, name))?.pseudonym;
  const [user, approver] = await Promise.all([find(query.user), find(query.approver)]);
  if ((query.user !== undefined && user === undefined) || (query.approver !== undefined && approver === undefined)) return undefined;
  return {
    who: given([
      ["agent", query.agent],
      ["subject", user],
      ["session", query.session],
      ["run", query.run],
      ["task", query.task === undefined ? undefined : secrets.tag("task", query.task.toWellFormed())],
      ["tool", query.tool],
      ["action", query.action],
      ["resource", query.resource === undefined ? undefined : resourceTag(secrets, query.resource)],
    ]),
    why: given([
      ["verdict", query.verdict],
      ["approver", approver],
    ]),
    rule: query.rule === undefined ? undefined : columnText(query.rule),
    status: query.status === undefined ? undefined : columnText(query.status),
    code: query.code === undefined ? undefined : columnText(query.code),
  };
}

function given(columns: readonly (readonly [string, string | undefined])[]): (readonly [string, string])[] {
  return columns.flatMap(([column, value]) => (value === undefined ? [] : [[column, columnText(value)] as const]));
}

/** `alias.column = value` of each. */
export function equal(alias: string, columns: readonly (readonly [string, string])[]): readonly Condition[] {
  return columns.map(([column, value]) => sql`${sql.ref(`${alias}.${column}`)} = ${value}`);
}

export function all(conditions: readonly Condition[]): Condition {
  return sql.join([...conditions, sql`true`], sql` and `);
}

export function ruleIn(alias: string, ruleSets: readonly string[]): Condition {
  return sql`${sql.ref(`${alias}.rule_set`)} = any(${[...ruleSets]}::text[])`;
}

/** Combinations of rules that hold the rule. Asked first, because their number decides how the records are looked for. */
export async function ruleSetsWith(scoped: Scoped, tenant: string, rule: string): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from bailiwick.rule_sets where tenant_id = ${tenant} and rules @> array[${rule}]::text[]`.execute(scoped);
  return rows.map(({ id }) => id);
}

/** Indexes that records of a time lie between. */
export interface IndexBounds {
  readonly low: number | null;
  readonly high: number | null;
}

/** Where the time of a query can lie, so that a time long ago is not searched for from the newest record on. */
export async function boundsOf(scoped: Scoped, tenant: string, { from, to }: Pick<Asked, "from" | "to">): Promise<IndexBounds> {
  if (from === undefined && to === undefined) return { low: null, high: null };
  const early = from === undefined ? null : new Date(from.getTime() - MAX_DISORDER_MS);
  const late = to === undefined ? null : new Date(to.getTime() + MAX_DISORDER_MS);
  const { rows } = await sql<IndexBounds>`
    select case when ${early}::timestamptz is not null then bailiwick.index_at(${tenant}, ${early}) end as low,
           case when ${late}::timestamptz is not null then bailiwick.index_at(${tenant}, ${late}) end as high`.execute(scoped);
  return rows[0] ?? { low: null, high: null };
}

export function within(alias: string, { low, high }: IndexBounds): readonly Condition[] {
  const index = sql.ref(`${alias}.index`);
  return [...(low === null ? [] : [sql`${index} >= ${low}`]), ...(high === null ? [] : [sql`${index} < ${high}`])];
}

export function during(alias: string, { from, to }: Pick<Asked, "from" | "to">): readonly Condition[] {
  const at = sql.ref(`${alias}.at`);
  return [...(from === undefined ? [] : [sql`${at} >= ${from}`]), ...(to === undefined ? [] : [sql`${at} < ${to}`])];
}
