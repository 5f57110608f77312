import type { Limits, ONE_CALL } from "../rules/limits.ts";
import type { RuleRef } from "../types.ts";
import type { No } from "./answer.ts";
import { place } from "./answer.ts";
import type { Judged } from "./situation.ts";

type Bound = (typeof ONE_CALL)[number];
type Limiting = { readonly ref: RuleRef; readonly limits: Limits };

/** The first bound of one call that the call exceeds; undefined when it keeps to all of them. */
export function exceeds(judged: Judged, limits: Limits): Bound | undefined {
  if (limits.records !== undefined && judged.records > limits.records) return "records";
  if (limits.cost !== undefined && judged.cost > limits.cost) return "cost";
  return limits.recipients !== undefined && judged.recipients > limits.recipients ? "recipients" : undefined;
}

/** Each rule exceeds some bound; the first one says of which it is told. */
export function amountExceeded(judged: Judged, rules: readonly Limiting[]): No {
  const bounds = rules.map((rule) => exceeds(judged, rule.limits));
  const bound = bounds.find((each) => each !== undefined) ?? "records";
  const telling = rules.filter((_, at) => bounds[at] === bound);
  // Of gates the smallest holds, and of grants whoever keeps to the smallest has any of them.
  const max = Math.min(...telling.flatMap(({ limits }) => limits[bound] ?? []));
  const where = telling.map(({ ref }) => place(ref)).join(", ");
  return {
    code: "records_exceeded",
    message: WORDS[bound](judged, max, where),
    rules: rules.map(({ ref }) => ref),
    next: [{ kind: "narrow", field: fieldOf(judged, bound), allowed: [max] }],
  };
}

const WORDS: Readonly<Record<Bound, (judged: Judged, max: number, where: string) => string>> = {
  records: ({ records }, max, where) =>
    `the call touches ${String(records)} records and at most ${String(max)} are permitted (${where}); name fewer`,
  cost: ({ cost }, max, where) => `the call costs ${String(cost)} and at most ${String(max)} is permitted (${where}); ask for less`,
  recipients: ({ recipients }, max, where) =>
    `the call has ${String(recipients)} recipients and at most ${String(max)} are permitted (${where}); name fewer`,
};

function fieldOf({ action }: Judged, bound: Bound): string {
  const field = { records: action.batch, cost: action.cost, recipients: action.destination[0] }[bound];
  return field ?? "args";
}
