import type { RuleRef } from "../types.ts";
import { countsResult } from "./counts-result.ts";
import type { Judged } from "./situation.ts";
import { truthOf } from "./situation.ts";

/** More records than `records` in one result are shown only with people's yes. */
export interface AsksOver {
  readonly records: number;
  readonly rules: readonly RuleRef[];
}

/** What gates demand of a result that turns out to be large. One whose condition fails counts as one that holds. */
export function asksOver(judged: Judged): AsksOver | undefined {
  if (!countsResult(judged.action)) return undefined;
  const asking = judged.place.gates.flatMap(({ rule, when }) => {
    const { recordsOver, approve, ref } = rule;
    if (recordsOver === undefined || approve === undefined || judged.expected > recordsOver) return [];
    return truthOf(judged, when) === "false" ? [] : [{ records: recordsOver, rules: [ref] }];
  });
  return asking.reduce<AsksOver | undefined>((least, each) => stricter(least, each), undefined);
}

/** The smaller number holds; rules of the same one are named together. */
export function stricter(one: AsksOver | undefined, other: AsksOver | undefined): AsksOver | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.records !== other.records) return one.records < other.records ? one : other;
  return { records: one.records, rules: [...one.rules, ...other.rules.filter((rule) => !one.rules.includes(rule))] };
}
