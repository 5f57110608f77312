import type { ActionCounts, CallCounts, DayFigures, Delay, LogFigures, RuleCounts } from "../../../domain/log-figures.ts";
import type { CountRow, DelayRow } from "./figures-rows.ts";

/** Delays that are kept of each kind. */
const MAX_DELAYS = 10_000;

type Sums = { -readonly [count in keyof CallCounts]: number };
type ActionSums = Sums & { approved: number; readonly agent: string; readonly action: string | undefined };
type RuleSums = Sums & { readonly rules: readonly string[] };

interface Day {
  readonly hours: Map<number, Sums>;
  readonly actions: Map<string, ActionSums>;
  readonly rules: Map<string, RuleSums>;
  readonly codes: Map<string, number>;
}

/** Sums by day, to which counts are added in any order. */
export interface LogTally {
  add(rows: readonly CountRow[], delays: readonly DelayRow[], records: number): void;
  /** Drops what is older. */
  forget(before: Date): void;
  figures(): Omit<LogFigures, "complete" | "begins">;
}

export function newTally(): LogTally {
  const days = new Map<string, Day>();
  const delays: Record<DelayRow["kind"], Delay[]> = { answer: [], unknown: [] };
  let records = 0;
  return {
    add: (rows, delayed, counted) => {
      records += counted;
      for (const row of rows) addRow(dayOf(days, row), row);
      for (const { kind, at, ms } of delayed) delays[kind].push({ at, ms });
      for (const each of Object.values(delays)) {
        each.sort((a, b) => a.at.getTime() - b.at.getTime());
        each.splice(0, each.length - MAX_DELAYS);
      }
    },
    forget: (before) => {
      for (const day of days.keys()) if (Date.parse(day) < before.getTime()) days.delete(day);
      for (const each of Object.values(delays)) {
        const kept = each.findIndex(({ at }) => at >= before);
        each.splice(0, kept < 0 ? each.length : kept);
      }
    },
    figures: () => ({
      days: [...days].map(([day, sums]) => figuresOf(day, sums)).toSorted((a, b) => (a.day < b.day ? -1 : 1)),
      answers: [...delays.answer],
      unknowns: [...delays.unknown],
      records,
    }),
  };
}

function dayOf(days: Map<string, Day>, { hour, day }: CountRow): Day {
  const name = (hour ?? day ?? new Date(0)).toISOString().slice(0, 10);
  const known = days.get(name);
  if (known !== undefined) return known;
  const made: Day = { hours: new Map(), actions: new Map(), rules: new Map(), codes: new Map() };
  days.set(name, made);
  return made;
}

function addRow(day: Day, row: CountRow): void {
  switch (row.by) {
    case "hour":
      add(sumsAt(day.hours, row.hour?.getUTCHours() ?? 0, none), row);
      return;
    case "action": {
      const { agent, action } = row;
      // A record of no agent belongs to no call.
      if (agent === null) return;
      const sums = sumsAt(day.actions, `${agent}\n${action ?? ""}`, () => ({ ...none(), approved: 0, agent, action: action ?? undefined }));
      add(sums, row);
      sums.approved += row.approved;
      return;
    }
    case "rules": {
      // Rights for a time are found by the same index, and are no rules.
      const rules = (row.rules ?? []).filter((id) => !id.startsWith("elv_"));
      add(
        sumsAt(day.rules, rules.join("\n"), () => ({ ...none(), rules })),
        row,
      );
      return;
    }
    case "code":
      day.codes.set(row.code ?? "", (day.codes.get(row.code ?? "") ?? 0) + row.refused);
  }
}

function sumsAt<K, S extends Sums>(sums: Map<K, S>, key: K, make: () => S): S {
  const known = sums.get(key);
  if (known !== undefined) return known;
  const made = make();
  sums.set(key, made);
  return made;
}

function none(): Sums {
  return { calls: 0, ran: 0, refused: 0, held: 0, unknown: 0 };
}

function add(sums: Sums, { calls, ran, refused, held, unknown }: CallCounts): void {
  sums.calls += calls;
  sums.ran += ran;
  sums.refused += refused;
  sums.held += held;
  sums.unknown += unknown;
}

function figuresOf(day: string, { hours, actions, rules, codes }: Day): DayFigures {
  // Copies: the next look goes on counting in these.
  const copied = <T extends object>(sums: ReadonlyMap<string, T>): T[] => [...sums.values()].map((each) => ({ ...each }));
  const [ofActions, ofRules]: [ActionCounts[], RuleCounts[]] = [copied(actions), copied(rules)];
  return {
    day,
    hours: new Map([...hours].map(([hour, sums]) => [hour, { ...sums }])),
    actions: ofActions,
    rules: ofRules,
    codes: new Map([...codes].filter(([, count]) => count > 0)),
  };
}
