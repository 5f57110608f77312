import { sql, type Transaction } from "kysely";
import type { Tables } from "../tables.ts";

/** One sum over records; which members are there says over what. */
export interface CountRow {
  readonly hour: Date | null;
  readonly day: Date | null;
  readonly agent: string | null;
  readonly action: string | null;
  readonly rules: readonly string[] | null;
  readonly code: string | null;
  /** What the row is a sum over. */
  readonly by: "hour" | "action" | "rules" | "code";
  readonly calls: number;
  readonly ran: number;
  readonly approved: number;
  readonly refused: number;
  readonly held: number;
  readonly unknown: number;
}

export interface DelayRow {
  readonly kind: "answer" | "unknown";
  readonly at: Date;
  readonly ms: number;
}

/**
 * Counts the records of indexes `from` (inclusive) to `to` (exclusive). They never change, so they are counted once.
 * A call that was held and then ran has two records that could begin it; those that can come second are few, and only they are asked for the first.
 */
export async function countRecords(scoped: Transaction<Tables>, tenant: string, from: number, to: number): Promise<readonly CountRow[]> {
  // A range of a large partition is read by its key, and sums of this size fit in memory.
  await sql`select set_config('enable_seqscan', 'off', true), set_config('work_mem', '32MB', true)`.execute(scoped);
  const { rows } = await sql<CountRow>`
    with r as (
      select r.kind, r.agent, r.action, r.status, r.code, r.rule_set, r.approver is not null as approved,
             date_trunc('hour', r.at) as hour, date_trunc('day', r.at) as day,
             r.kind <> 'outcome' and (r.kind <> 'intent' or r.approver is not null)
               and (select e.index from bailiwick.records e
                     where e.tenant_id = ${tenant} and e.call_id = r.call_id and e.index < r.index and e.kind in ('intent', 'hold', 'refusal')
                     limit 1) is not null as again
        from bailiwick.records r
       where r.tenant_id = ${tenant} and r.index >= ${from} and r.index < ${to} and r.kind in ('intent', 'hold', 'refusal', 'outcome')
    ), sums as (
      select case grouping(hour, agent, rule_set, code) when 7 then 'hour' when 11 then 'action' when 13 then 'rules' else 'code' end as by,
             hour, day, agent, action, rule_set, code,
             count(*) filter (where kind <> 'outcome' and not again) as calls,
             count(*) filter (where kind = 'intent') as ran,
             count(*) filter (where kind = 'intent' and approved) as approved,
             count(*) filter (where kind = 'refusal') as refused,
             count(*) filter (where kind = 'hold') as held,
             count(*) filter (where kind = 'outcome' and status = 'unknown') as unknown
        from r group by grouping sets ((hour), (day, agent, action), (day, rule_set), (day, code))
    )
    select s.by, s.hour, s.day, s.agent, s.action, s.code, g.rules, s.calls, s.ran, s.approved, s.refused, s.held, s.unknown
      from sums s left join bailiwick.rule_sets g on g.tenant_id = ${tenant} and g.id = s.rule_set
     where (s.by <> 'rules' or s.rule_set is not null) and (s.by <> 'code' or s.code is not null)`.execute(scoped);
  return rows;
}

/** How long people took to answer, and unknown outcomes to be noticed, of records in a range. */
export async function delaysIn(scoped: Transaction<Tables>, tenant: string, from: number, to: number): Promise<readonly DelayRow[]> {
  const { rows } = await sql<DelayRow>`
    select kind, at, (extract(epoch from at - begun) * 1000)::float8 as ms from (
      select case r.kind when 'admin' then 'answer' else 'unknown' end as kind, r.at,
             (select b.at from bailiwick.records b
               where b.tenant_id = ${tenant} and b.call_id = r.call_id and b.index < r.index
                 and b.kind = case r.kind when 'admin' then 'hold' else 'intent' end
               order by b.index desc limit 1) as begun
        from bailiwick.records r
       where r.tenant_id = ${tenant} and r.index >= ${from} and r.index < ${to}
         and ((r.kind = 'admin' and r.approver is not null) or (r.kind = 'outcome' and r.status = 'unknown'))
       order by r.index
    ) as delayed where begun is not null`.execute(scoped);
  return rows;
}

export interface LogBounds {
  /** Records before it were retired. */
  readonly base: number;
  readonly size: number;
  /** Of the first record that is kept. */
  readonly begins: Date | null;
}

export async function logBounds(scoped: Transaction<Tables>, tenant: string): Promise<LogBounds> {
  const { rows } = await sql<LogBounds>`
    select l.base, l.size, (select r.at from bailiwick.records r where r.tenant_id = ${tenant} and r.index >= l.base order by r.index limit 1) as begins
      from bailiwick.logs l where l.tenant_id = ${tenant}`.execute(scoped);
  return rows[0] ?? { base: 0, size: 0, begins: null };
}
