import { conflictIn } from "../cedar/satisfiable.ts";
import { allOf } from "../cedar/expression.ts";
import { compiledOf } from "../load/compiled.ts";
import type { Caller, CatalogAction, Operation, Policy, Reach } from "../types.ts";
import type { Asked } from "./asked.ts";
import { isReached, withinScopes } from "./bearing.ts";
import { covering } from "./elevations.ts";
import type { Elevated } from "./elevations.ts";
import { findAction } from "./find-action.ts";
import type { AskedDeny, AskedGate, AskedGrant, Place } from "./place.ts";
import type { PolicySession } from "./session.ts";
import { placeOf, sessionOf } from "./session.ts";
import { blindTo, boundsRows } from "./session-rows.ts";

/**
 * Whether this session can ever be allowed the operation. `never` is certain: what depends on the session alone is computed, and
 * conditions that no call can meet count as false. `always` means that nothing about arguments, records, time or people can refuse
 * it (limits still can); everything else `depends`.
 */
export function reach(policy: Policy, caller: Caller, operation: Operation): Reach {
  const own = ownReach(policy, caller, operation);
  if (own === "never" || caller.delegator === undefined) return own;
  const above = reach(policy, caller.delegator, operation);
  return above === "always" ? own : above;
}

function ownReach(policy: Policy, caller: Caller, operation: Operation): Reach {
  const session = sessionOf(policy, caller);
  const action = findAction(policy, operation);
  if ("code" in session || action === undefined || session.unreadable !== undefined) return "never";
  const found = stages(session, action).map((elevated) => reachIn(session, action, elevated));
  const [first = "never"] = found;
  // A right for a time is none for ever.
  return found.every((one) => one === first) ? first : "depends";
}

/** The elevations of a session as they end one after the other, and where some cover only certain fields, without those as well. */
function stages({ elevations }: PolicySession, action: CatalogAction): readonly (readonly Elevated[])[] {
  if (elevations.length === 0) return [elevations];
  const all = covering(elevations, action, undefined).toSorted((a, b) => b.elevation.until.getTime() - a.elevation.until.getTime());
  const whole = all.filter(({ scope }) => scope?.every(({ field }) => field === undefined) !== false);
  return [all, ...(whole.length < all.length ? [whole] : [])].flatMap((list) => [
    [],
    ...list.map((_, ending) => list.slice(0, ending + 1)),
  ]);
}

function reachIn(session: PolicySession, action: CatalogAction, elevated: readonly Elevated[]): Reach {
  const { policy, caller } = session;
  const place = placeOf(session, action, elevated);
  if (!isInside(session, place, action) || !place.grants.some(canPermit)) return "never";
  if (place.denies.some(surelyDenies) || place.gates.some(({ rule, when }) => rule.recordsOver === undefined && when?.constant === "error"))
    return "never";
  if (blindTo(policy, caller.rows, action) !== undefined) return "never";
  if (boundsRows(caller.rows, action.resource?.type)) return "depends";
  return isUnbounded(policy, session, place, action) ? "always" : "depends";
}

function isInside({ scope }: PolicySession, { ceilings }: Place, action: CatalogAction): boolean {
  if (!withinScopes(scope, action, undefined)) return false;
  return ceilings.every(
    ({ rule, when }) =>
      (rule.scopes === undefined || withinScopes(rule.scopes, action, undefined)) &&
      (rule.effects === undefined || rule.effects.has(action.effect)) &&
      isPossible(when),
  );
}

function canPermit({ when, rows }: AskedGrant): boolean {
  const open = [when, rows].flatMap((asked) => (asked === undefined ? [] : [asked.expr]));
  return isPossible(when) && isPossible(rows) && (open.length < 2 || conflictIn(allOf(open)) === undefined);
}

function isPossible(asked: Asked | undefined): boolean {
  return asked === undefined || asked.constant === "true" || (asked.constant === undefined && conflictIn(asked.expr) === undefined);
}

/** Denies any call, by matching or by failing. */
function surelyDenies({ rule, when, rows }: AskedDeny): boolean {
  if (rule.field !== undefined || when?.constant === "false") return false;
  if (when?.constant === "error") return true;
  return isCertain(when) && (rows === undefined || rows.constant === "true" || rows.constant === "error");
}

function isCertain(asked: Asked | undefined): boolean {
  return asked === undefined || asked.constant === "true";
}

function isUnbounded(policy: Policy, { scope }: PolicySession, { grants, denies, gates, ceilings }: Place, action: CatalogAction): boolean {
  const plain = ({ rule, when, rows }: AskedGrant): boolean =>
    isCertain(when) && isCertain(rows) && rule.write === undefined && rule.approve === undefined && rule.hours === undefined;
  const adds = ({ rule, when }: AskedGate): boolean =>
    isReached(rule, action, undefined) &&
    when?.constant !== "false" &&
    (rule.approve !== undefined || rule.hours !== undefined || !isCertain(when));
  const fieldForms = [...ceilings.flatMap(({ rule }) => rule.scopes ?? []), ...scope].some((pattern) => pattern.field !== undefined);
  const isolated = policy.tools.some((tool) => Object.hasOwn(tool.tenantField, action.resource?.type ?? ""));
  return (
    grants.some(plain) &&
    !gates.some(adds) &&
    !fieldForms &&
    !isolated &&
    ceilings.every(({ rule, when }) => isCertain(when) && rule.hours === undefined) &&
    denies.every(({ when }) => when?.constant === "false")
  );
}

/** Scopes of the agent's own ceiling: what a session gets when it asks for no narrower scope. Empty for an unknown agent. */
export function ceilingScopes(policy: Policy, agent: string): readonly string[] {
  return (
    compiledOf(policy)
      .book.agentCeilings.get(agent)
      ?.scopes?.map((pattern) => pattern.text) ?? []
  );
}
