import { COUNTER_NAMES, COUNTERS, LIMIT_NAMES } from "../rules/limits.ts";
import type { Counter, CounterName, Limits } from "../rules/limits.ts";
import type { Approve, Grant } from "../rules/rule.ts";
import type { LimitDemand, RuleRef } from "../types.ts";
import { approvalKey, compareApprovals } from "./approvals.ts";
import type { Asked } from "./asked.ts";
import { contentCount, contentKey } from "./content.ts";
import type { Judged } from "./situation.ts";
import { truthOf } from "./situation.ts";

/** The most records one call may touch or return where no rule says less. */
export const MAX_RECORDS_PER_CALL = 10_000;

/** A permitting grant, and whether its approval is needed for this call. */
export interface Permitting {
  readonly rule: Grant;
  readonly asks: boolean;
}

/** Whether an approval is needed: an `unless` that fails or cannot be told yet does not spare it. */
export function asks(judged: Judged, approve: Approve | undefined, unless: Asked | undefined): boolean {
  return approve !== undefined && (unless === undefined || truthOf(judged, unless) !== "true");
}

/**
 * Least demanding first: no approval before approval, without step-up before with, fewer people before more, fewer limits before more, larger before smaller, fewer demands on texts before more, then by id.
 * The demand class is the first grant and those with exactly its demands; only their rows and fields may be used,
 * since another grant's rows without that grant's limits would be more than either permits.
 */
export function leastDemanding(grants: readonly Permitting[]): readonly Permitting[] {
  const ranked = grants.toSorted((a, b) => compareDemands(a, b) || (a.rule.ref.id < b.rule.ref.id ? -1 : 1));
  const [first] = ranked;
  return ranked.filter(
    (grant) => first !== undefined && compareDemands(first, grant) === 0 && sameApproval(first, grant) && sameContent(first, grant),
  );
}

function compareDemands(a: Permitting, b: Permitting): number {
  const approval = Number(a.asks) - Number(b.asks);
  if (approval !== 0) return approval;
  if (a.asks && a.rule.approve !== undefined && b.rule.approve !== undefined) {
    const people = compareApprovals(a.rule.approve, b.rule.approve);
    if (people !== 0) return people;
  }
  const [left, right] = [a.rule.limits, b.rule.limits];
  const count = (limits: Limits): number => LIMIT_NAMES.filter((key) => limits[key] !== undefined).length;
  if (count(left) !== count(right)) return count(left) - count(right);
  for (const key of LIMIT_NAMES) {
    const [less, more] = [left[key] ?? Number.POSITIVE_INFINITY, right[key] ?? Number.POSITIVE_INFINITY];
    if (less !== more) return more - less;
  }
  return contentCount(a.rule.content) - contentCount(b.rule.content);
}

function sameContent(a: Permitting, b: Permitting): boolean {
  return contentKey(a.rule.content) === contentKey(b.rule.content);
}

function sameApproval(a: Permitting, b: Permitting): boolean {
  return !a.asks || approvalKey(a.rule.approve) === approvalKey(b.rule.approve);
}

/** Counters to draw from. Where two rules bound the same counter, the smaller bound holds, and it is drawn from once. */
export function limitDemands(judged: Judged, rules: readonly { readonly ref: RuleRef; readonly limits: Limits }[]): readonly LimitDemand[] {
  const demands = new Map<string, LimitDemand>();
  for (const { ref, limits } of rules) {
    for (const name of COUNTER_NAMES) {
      const max = limits[name];
      if (max === undefined) continue;
      const { unit, windowMs } = COUNTERS[name];
      const key = counterKey(judged, name);
      const known = demands.get(key);
      if (known !== undefined && known.max <= max) continue;
      demands.set(key, { key, unit, max, windowMs, amount: amountOf(judged, unit), rule: ref });
    }
  }
  return [...demands.values()];
}

/** No name of a tenant, session or agent holds a `|`, and none is `*`. */
function counterKey({ agent, action, request }: Judged, name: CounterName): string {
  const of: Readonly<Record<Counter["over"], string>> = {
    agent: agent.name,
    run: agent.name,
    session: request.caller.session,
    tenant: "*",
  };
  return [agent.tenant, of[COUNTERS[name].over], action.scope, name].join("|");
}

function amountOf(judged: Judged, unit: Counter["unit"]): number {
  return unit === "records" || unit === "cost" || unit === "recipients" ? judged[unit] : 1;
}

export function maxRecords(rules: readonly { readonly limits: Limits }[]): number {
  return Math.min(MAX_RECORDS_PER_CALL, ...rules.flatMap((rule) => rule.limits.records ?? []));
}
