import type { RuleRef } from "@bailiwick/policy";
import type { CallCounts, DayFigures, Delay, LogFigures } from "../domain/log-figures.ts";

/** Days that "this week" means, today included. */
const WEEK_DAYS = 7;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Rows of each list. */
const MAX_ROWS = 10;

/** How long something took, over some cases. */
export interface DelayFigures {
  readonly count: number;
  readonly medianMs: number | undefined;
  readonly p90Ms: number | undefined;
}

/** What happened of late in some logs, in figures. */
export interface CallFigures {
  readonly records: number;
  readonly complete: boolean;
  readonly begins: string | undefined;
  readonly today: CallCounts;
  readonly week: CallCounts;
  /** Each hour of the week, the newest last. */
  readonly hours: readonly (CallCounts & { readonly at: string })[];
  readonly answers: DelayFigures;
  readonly refusedRules: readonly {
    readonly rule: string;
    readonly kind?: string;
    readonly at?: RuleRef["at"];
    readonly refused: number;
  }[];
  readonly refusedActions: readonly { readonly action: string; readonly refused: number; readonly calls: number }[];
  readonly codes: readonly { readonly code: string; readonly count: number }[];
  readonly agents: readonly (CallCounts & { readonly agent: string })[];
}

/** Over logs counted at `now`. Days and hours are UTC. `ruleAt` says where a rule stands that the policy still has. */
export function callFigures(logs: readonly LogFigures[], now: Date, ruleAt: (id: string) => RuleRef | undefined): CallFigures {
  const today = dayOf(now, 0);
  const from = dayOf(now, WEEK_DAYS - 1);
  const week = logs.flatMap(({ days }) => days).filter(({ day }) => day >= from && day <= today);
  const begins = logs.flatMap((log) => log.begins ?? []).toSorted((a, b) => a.getTime() - b.getTime())[0];
  return {
    records: sum(logs.map(({ records }) => records)),
    complete: logs.every(({ complete }) => complete),
    begins: begins?.toISOString(),
    today: countsOf(week.filter(({ day }) => day === today).flatMap(({ hours }) => [...hours.values()])),
    week: countsOf(week.flatMap(({ hours }) => [...hours.values()])),
    hours: hoursOf(week, now),
    answers: delayFigures(logs.flatMap(({ answers }) => answers.filter(({ at }) => at.toISOString() >= from))),
    refusedRules: refusedRules(week, ruleAt),
    refusedActions: refusedActions(week),
    codes: most(
      [...totals(week.flatMap(({ codes }) => [...codes])).entries()].map(([code, count]) => ({ code, count })),
      ({ count }) => count,
    ),
    agents: busiest(week),
  };
}

/** `2026-11-26`, so many days before `now`. */
function dayOf(now: Date, before: number): string {
  return new Date(now.getTime() - before * DAY_MS).toISOString().slice(0, 10);
}

export function countsOf(counts: readonly CallCounts[]): CallCounts {
  return {
    calls: sum(counts.map(({ calls }) => calls)),
    ran: sum(counts.map(({ ran }) => ran)),
    refused: sum(counts.map(({ refused }) => refused)),
    held: sum(counts.map(({ held }) => held)),
    unknown: sum(counts.map(({ unknown }) => unknown)),
  };
}

function hoursOf(week: readonly DayFigures[], now: Date): CallFigures["hours"] {
  const byDay = Map.groupBy(week, ({ day }) => day);
  const last = Math.floor(now.getTime() / HOUR_MS);
  return Array.from({ length: WEEK_DAYS * 24 }, (_, place) => {
    const at = new Date((last - (WEEK_DAYS * 24 - 1) + place) * HOUR_MS);
    const days = byDay.get(at.toISOString().slice(0, 10)) ?? [];
    return { at: at.toISOString(), ...countsOf(days.flatMap(({ hours }) => hours.get(at.getUTCHours()) ?? [])) };
  });
}

/** Median and 90th percentile by nearest rank. */
export function delayFigures(delays: readonly Delay[]): DelayFigures {
  const sorted = delays.map(({ ms }) => Math.round(ms)).toSorted((a, b) => a - b);
  const rank = (share: number): number | undefined => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  return { count: sorted.length, medianMs: rank(0.5), p90Ms: rank(0.9) };
}

function refusedRules(week: readonly DayFigures[], ruleAt: (id: string) => RuleRef | undefined): CallFigures["refusedRules"] {
  const refused = totals(week.flatMap(({ rules }) => rules.flatMap((each) => each.rules.map((rule) => [rule, each.refused] as const))));
  return most(
    [...refused].map(([rule, count]) => {
      const known = ruleAt(rule);
      return { rule, ...(known === undefined ? {} : { kind: known.kind, at: known.at }), refused: count };
    }),
    (each) => each.refused,
  );
}

function refusedActions(week: readonly DayFigures[]): CallFigures["refusedActions"] {
  const named = week.flatMap(({ actions }) => actions).filter(({ action }) => action !== undefined);
  const actions = [...Map.groupBy(named, ({ action }) => action ?? "")].map(([action, each]) => {
    const { refused, calls } = countsOf(each);
    return { action, refused, calls };
  });
  return most(actions, ({ refused }) => refused);
}

function busiest(week: readonly DayFigures[]): CallFigures["agents"] {
  const agents = [
    ...Map.groupBy(
      week.flatMap(({ actions }) => actions),
      ({ agent }) => agent,
    ),
  ];
  return most(
    agents.map(([agent, each]) => ({ agent, ...countsOf(each) })),
    ({ calls }) => calls,
  );
}

function totals(counts: readonly (readonly [string, number])[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}

/** The largest first, without those that never happened. */
function most<T>(rows: readonly T[], by: (row: T) => number): readonly T[] {
  return rows
    .filter((row) => by(row) > 0)
    .toSorted((a, b) => by(b) - by(a))
    .slice(0, MAX_ROWS);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
