import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import {
  type AgentFigures,
  type ApproverFigures,
  type Habits,
  type HabitStore,
  QUICK_MS,
  type QuestionFigures,
  type RuleApproverFigures,
  type RuleFigures,
} from "../../domain/habits.ts";
import type { Subjects } from "./subjects/subjects.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** Rules, people and agents of one answer; those asked less often are left out. */
const MOST = 200;

interface Figures {
  readonly asked: number;
  readonly approved: number;
  readonly denied: number;
  readonly expired: number;
  readonly median: number | null;
  readonly p90: number | null;
  readonly quick: number;
  readonly repeated: number;
}

interface Asked {
  readonly tenant: string;
  readonly since: Date;
  readonly now: Date;
}

/** How people answer, out of what stands beside the sealed questions: rule, agent, shape, people's pseudonyms and times. */
export function habitStore({ db, people }: { readonly db: Kysely<Tables>; readonly people: Pick<Subjects, "behind"> }): HabitStore {
  return {
    figures: async (tenant, since, now) => {
      const asked = { tenant, since, now };
      const { persons, pairs, ...found } = await inTenant(db, tenant, async (scoped) => ({
        rules: await rules(scoped, asked),
        agents: await agents(scoped, asked),
        persons: await approvers(scoped, asked),
        pairs: await rulesOfApprovers(scoped, asked),
        drillsMissed: await drillsMissed(scoped, asked),
      }));
      // Whoever was erased has no name any more, and their answers went with them.
      const known = await people.behind(
        tenant,
        [...persons, ...pairs].map(({ person }) => person),
      );
      const named = <T extends { readonly person: string }>(each: T): T[] => {
        const name = known.get(each.person)?.name;
        return name === undefined ? [] : [{ ...each, person: name }];
      };
      return {
        ...found,
        approvers: persons.flatMap(named).toSorted((a, b) => b.asked - a.asked || (a.person < b.person ? -1 : 1)),
        pairs: pairs.flatMap(named),
      };
    },
  };
}

/** `decided` and `yes` say of a row when and how it was decided. */
function figuresOf(decided: RawBuilder<unknown>, yes: RawBuilder<unknown>, no: RawBuilder<unknown>, { now }: Asked): RawBuilder<unknown> {
  const ms = sql`extract(epoch from ${decided} - a.created_at) * 1000`;
  return sql`
    count(*)::int as asked,
    count(*) filter (where ${yes})::int as approved,
    count(*) filter (where ${no})::int as denied,
    count(*) filter (where a.decided_at is null and (a.state = 'expired' or (a.state = 'pending' and a.expires_at <= ${now})))::int as expired,
    (percentile_cont(0.5) within group (order by ${ms}))::float8 as median,
    (percentile_cont(0.9) within group (order by ${ms}))::float8 as p90,
    count(*) filter (where ${ms} < ${QUICK_MS})::int as quick,
    (count(*) - count(distinct a.shape))::int as repeated`;
}

function questions(asked: Asked): RawBuilder<unknown> {
  return figuresOf(sql`a.decided_at`, sql`a.decided_at is not null and a.state <> 'denied'`, sql`a.state = 'denied'`, asked);
}

function answers(asked: Asked): RawBuilder<unknown> {
  return figuresOf(sql`p.at`, sql`p.verdict = 'approve'`, sql`p.verdict = 'deny'`, asked);
}

/** Questions of the time that is looked at; drills are none. */
function ofTime({ tenant, since, now }: Asked): RawBuilder<unknown> {
  return sql`a.tenant_id = ${tenant} and a.created_at > ${since} and a.created_at <= ${now}`;
}

const withAnswers = sql`bailiwick.approval_answers p join bailiwick.approvals a on a.tenant_id = p.tenant_id and a.id = p.approval`;

async function rules(scoped: Transaction<Tables>, asked: Asked): Promise<readonly RuleFigures[]> {
  const { rows } = await sql<Figures & { rule: string; first_at: Date; last_at: Date }>`
    select a.rule, ${questions(asked)}, min(a.created_at) as first_at, max(a.created_at) as last_at from bailiwick.approvals a
     where ${ofTime(asked)} and not a.drill group by a.rule order by asked desc, a.rule limit ${MOST}`.execute(scoped);
  const counted = await sql<{ rule: string; approvers: number }>`
    select a.rule, count(distinct p.person)::int as approvers from ${withAnswers}
     where ${ofTime(asked)} and not a.drill group by a.rule`.execute(scoped);
  const answering = new Map(counted.rows.map(({ rule, approvers: count }) => [rule, count]));
  return rows.map(({ rule, first_at: firstAt, last_at: lastAt, ...figures }) => ({
    rule,
    approvers: answering.get(rule) ?? 0,
    firstAt,
    lastAt,
    ...plain(figures),
  }));
}

async function agents(scoped: Transaction<Tables>, asked: Asked): Promise<readonly AgentFigures[]> {
  const { rows } = await sql<Figures & { agent: string }>`
    select a.agent, ${questions(asked)} from bailiwick.approvals a
     where ${ofTime(asked)} and not a.drill group by a.agent order by asked desc, a.agent limit ${MOST}`.execute(scoped);
  return rows.map(({ agent, ...figures }) => ({ agent, ...plain(figures) }));
}

async function approvers(scoped: Transaction<Tables>, asked: Asked): Promise<readonly ApproverFigures[]> {
  const answered = await sql<Figures & { person: string }>`
    select p.person, ${answers(asked)} from ${withAnswers}
     where ${ofTime(asked)} and not a.drill group by p.person order by asked desc, p.person limit ${MOST}`.execute(scoped);
  const drilled = await sql<{ person: string; denied: number; approved: number }>`
    select p.person, count(*) filter (where p.verdict = 'deny')::int as denied, count(*) filter (where p.verdict = 'approve')::int as approved
      from ${withAnswers} where ${ofTime(asked)} and a.drill group by p.person limit ${MOST}`.execute(scoped);
  const drills = new Map(drilled.rows.map(({ person, denied, approved }) => [person, { denied, approved }]));
  const seen = answered.rows.map(({ person, ...figures }) => ({
    person,
    ...plain(figures),
    drills: drills.get(person) ?? { denied: 0, approved: 0 },
  }));
  const onlyDrilled = [...drills].filter(([person]) => seen.every((each) => each.person !== person));
  return [...seen, ...onlyDrilled.map(([person, own]) => ({ person, ...NOTHING, drills: own }))];
}

async function rulesOfApprovers(scoped: Transaction<Tables>, asked: Asked): Promise<readonly RuleApproverFigures[]> {
  const { rows } = await sql<Figures & { rule: string; person: string }>`
    select a.rule, p.person, ${answers(asked)} from ${withAnswers}
     where ${ofTime(asked)} and not a.drill group by a.rule, p.person order by asked desc, a.rule, p.person limit ${MOST}`.execute(scoped);
  return rows.map(({ rule, person, asked: answered, approved, quick, median }) => ({
    rule,
    person,
    answered,
    approved,
    quick,
    medianMs: median ?? 0,
  }));
}

async function drillsMissed(scoped: Transaction<Tables>, asked: Asked): Promise<Habits["drillsMissed"]> {
  const { rows } = await sql<{ missed: number }>`
    select count(*)::int as missed from bailiwick.approvals a
     where ${ofTime(asked)} and a.drill and a.answered = 0 and a.expires_at <= ${asked.now}`.execute(scoped);
  return rows[0]?.missed ?? 0;
}

const NOTHING: QuestionFigures = { asked: 0, approved: 0, denied: 0, expired: 0, quick: 0, repeated: 0 };

function plain({ median, p90, ...counts }: Figures): QuestionFigures {
  return { ...counts, ...(median === null ? {} : { medianMs: median }), ...(p90 === null ? {} : { p90Ms: p90 }) };
}
