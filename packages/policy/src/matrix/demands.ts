import { print } from "../cedar/print.ts";
import { mergeApprovals } from "../decide/approvals.ts";
import { treatments } from "../present/treat-fields.ts";
import { COUNTERS, COUNTER_NAMES, LIMIT_NAMES, ONE_CALL } from "../rules/limits.ts";
import type { LimitName, Limits } from "../rules/limits.ts";
import type { Gate } from "../rules/rule.ts";
import type { CatalogAction, RuleRef } from "../types.ts";
import type { OpenGate, OpenGrant, OpenPlace } from "./place.ts";
import { matches, settableWithin } from "./possible.ts";
import { isConstant } from "./simplify.ts";
import { approvalWords, fieldWords, hoursWords, limitWords } from "./words.ts";

/** Words, and the rules beside the grant that they come from. */
export interface Said {
  readonly words: readonly string[];
  readonly rules: readonly RuleRef[];
}

/** A gate that bears on calls under a grant, and in words on which of them; undefined for all. */
export interface Over {
  readonly gate: Gate;
  readonly on: string | undefined;
}

export function gatesOver({ gates }: OpenPlace, { rule: { limits } }: OpenGrant): readonly Over[] {
  return gates
    .filter(({ when }) => !isConstant(when, false))
    .filter(({ rule }) => rule.recordsOver === undefined || limits.records === undefined || limits.records > rule.recordsOver)
    .map((gate) => ({ gate: gate.rule, on: reachWords(gate) }));
}

function reachWords({ rule, reached, when }: OpenGate): string | undefined {
  const parts = [
    ...(reached === "sometimes" && rule.recordsOver !== undefined ? [`more than ${String(rule.recordsOver)} records`] : []),
    ...(isConstant(when, true) ? [] : [print(when)]),
  ];
  return parts.length === 0 ? undefined : `when ${parts.join(" and ")}`;
}

export function fieldsOf(place: OpenPlace, grant: OpenGrant, gates: readonly Over[]): Said {
  const set = settingsOf(place, grant);
  const shown = showingOf(place, grant, gates);
  return { words: [...set.words, ...shown.words], rules: [...set.rules, ...shown.rules] };
}

/** Which fields a call may set. */
function settingsOf({ action, ceilings, denies, alwaysWritten }: OpenPlace, { rule }: OpenGrant): Said {
  if (action.effect === "read") return { words: [], rules: [] };
  const bounds = ceilings.flatMap(({ rule: ceiling }) => {
    const fields = settableWithin(ceiling, action);
    return fields === undefined ? [] : [{ ref: ceiling.ref, fields }];
  });
  const lists = [...(rule.write === undefined ? [] : [rule.write]), ...bounds.map(({ fields }) => fields)];
  const [first] = lists;
  const settable = first?.filter((field) => lists.every((list) => list.includes(field)));
  const denied = denies.flatMap((deny) => {
    const { field } = deny.rule;
    const condition = matches(deny);
    if (field === undefined || alwaysWritten.includes(field) || settable?.includes(field) === false) return [];
    if (isConstant(condition, false)) return [];
    return [{ ref: deny.rule.ref, words: `never sets ${field}${isConstant(condition, true) ? "" : ` when ${print(condition)}`}` }];
  });
  return {
    words: [...(settable === undefined ? [] : [`sets only ${settable.join(", ") || "nothing"}`]), ...denied.map(({ words }) => words)],
    rules: [...bounds, ...denied].map(({ ref }) => ref),
  };
}

/** Which fields of a result are shown, and how. */
function showingOf({ action }: OpenPlace, { rule }: OpenGrant, gates: readonly Over[]): Said {
  if (action.returns === undefined) return { words: [], rules: [] };
  const treating = gates.filter(({ gate }) => gate.fields.hide.length + gate.fields.mask.size > 0);
  const always = treating.filter(({ on }) => on === undefined).map(({ gate }) => gate.fields);
  const sometimes = treating.flatMap(({ gate, on }) =>
    on === undefined ? [] : fieldWords(treatments([], [gate.fields])).map((words) => `${words} ${on}`),
  );
  return { words: [...fieldWords(treatments([rule.fields], always)), ...sometimes], rules: treating.map(({ gate }) => gate.ref) };
}

export function limitsOf({ action }: OpenPlace, { rule }: OpenGrant, gates: readonly Over[]): Said {
  const limiting = gates
    .map(({ gate, on }) => ({ ref: gate.ref, on, limits: counted(action, gate.limits) }))
    .filter(({ limits }) => limitWords(limits) !== "");
  const always = limiting.filter(({ on }) => on === undefined).map(({ limits }) => limits);
  const least = smallest([counted(action, rule.limits), ...always]);
  const sometimes = limiting.flatMap(({ limits, on }) => (on === undefined ? [] : [{ words: limitWords(tighter(limits, least)), on }]));
  return {
    words: [limitWords(least), ...sometimes.map(({ words, on }) => (words === "" ? "" : `${words} ${on}`))].filter((text) => text !== ""),
    rules: limiting.map(({ ref }) => ref),
  };
}

/** What of the limits bounds more than `others` do. */
function tighter(limits: Limits, others: Limits): Limits {
  return eachLimit((name) =>
    (limits[name] ?? Number.POSITIVE_INFINITY) < (others[name] ?? Number.POSITIVE_INFINITY) ? limits[name] : undefined,
  );
}

/** The limits that the action can ever draw from. */
function counted({ batch, returns, cost, destination }: CatalogAction, limits: Limits): Limits {
  const drawn: Readonly<Record<string, boolean>> = {
    records: batch !== undefined || returns !== undefined,
    cost: cost !== undefined,
    recipients: destination.length > 0,
  };
  const uncounted = new Set<LimitName>([
    ...ONE_CALL.filter((name) => drawn[name] === false),
    ...COUNTER_NAMES.filter((name) => drawn[COUNTERS[name].unit] === false),
  ]);
  return eachLimit((name) => (uncounted.has(name) ? undefined : limits[name]));
}

/** Where two rules bound the same counter, the smaller bound holds. */
function smallest(all: readonly Limits[]): Limits {
  return eachLimit((name) => {
    const bounds = all.flatMap((limits) => limits[name] ?? []);
    return bounds.length === 0 ? undefined : Math.min(...bounds);
  });
}

function eachLimit(of: (name: LimitName) => number | undefined): Limits {
  return Object.fromEntries(
    LIMIT_NAMES.flatMap((name) => {
      const max = of(name);
      return max === undefined ? [] : [[name, max]];
    }),
  );
}

/** Rules that ask at every call make one approval, as they do in a decision; a gate that asks only at some is said for itself. */
export function approvalOf({ rule, unless }: OpenGrant, gates: readonly Over[]): Said {
  const asking = gates.flatMap(({ gate, on }) => (gate.approve === undefined ? [] : [{ gate: { ...gate, approve: gate.approve }, on }]));
  const always = asking.filter(({ on }) => on === undefined).map(({ gate }) => gate);
  const sometimes = asking.flatMap(({ gate, on }) => (on === undefined ? [] : [`${approvalWords(gate.approve)} ${on}`]));
  const own = rule.approve === undefined || isConstant(unless, true) ? undefined : { approve: rule.approve, ref: rule.ref };
  const [asked, spared] = [mergeApprovals(own, always), mergeApprovals(undefined, always)].map((demand) =>
    demand === undefined ? undefined : approvalWords(demand),
  );
  const alternatives =
    own === undefined || isConstant(unless, false) || asked === spared
      ? [asked]
      : [`${asked ?? ""} unless ${print(unless)}`, spared === undefined ? undefined : `${spared} when ${print(unless)}`];
  return { words: [...alternatives.filter((words) => words !== undefined), ...sometimes], rules: asking.map(({ gate }) => gate.ref) };
}

export function hoursOf({ ceilings }: OpenPlace, { rule }: OpenGrant, gates: readonly Over[]): Said {
  const timed = [
    { rule, on: undefined },
    ...ceilings.map((ceiling) => ({ rule: ceiling.rule, on: undefined })),
    ...gates.map(({ gate, on }) => ({ rule: gate, on })),
  ];
  const open = timed.flatMap(({ rule: { hours, ref }, on }) =>
    hours === undefined ? [] : [{ ref, words: `${hoursWords(hours)}${on === undefined ? "" : ` ${on}`}` }],
  );
  return { words: open.map(({ words }) => words), rules: open.map(({ ref }) => ref) };
}
