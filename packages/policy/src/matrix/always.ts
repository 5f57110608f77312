import type { Expr } from "../cedar/expression.ts";
import { tenantFieldOf } from "../decide/tenant.ts";
import type { Policy } from "../types.ts";
import { matches, settableWithin } from "./possible.ts";
import type { OpenGate, OpenGrant, OpenPlace } from "./place.ts";
import { most } from "./place.ts";
import { ONE_CALL } from "../rules/limits.ts";
import { canFail, isConstant } from "./simplify.ts";

/**
 * Whether nothing about arguments, records, time or people can change the verdict: `true` is certain.
 * Session scope, limits and malformed arguments are left aside.
 */
export function isAlways(policy: Policy, place: OpenPlace, verdict: "allow" | "ask"): boolean {
  const { action, grants, denies, gates, ceilings } = place;
  const isolated = action.resource !== undefined && tenantFieldOf(policy, action.resource.type) !== undefined;
  return (
    !isolated &&
    ceilings.every(({ rule, when }) => isTrue(when) && rule.hours === undefined && settableWithin(rule, action) === undefined) &&
    denies.every((deny) => isConstant(matches(deny), false) || (deny.rule.field !== undefined && action.effect === "read")) &&
    grants.some((grant) => isPlain(place, grant) && isWidest(place, grant) && (verdict === "ask" || isUnasked(grant))) &&
    gates.every((gate) => isHarmless(gate, verdict))
  );
}

/** Whether the grant permits every call, save for the number of records. */
export function isPlain({ action }: OpenPlace, { rule, when, rows }: OpenGrant): boolean {
  return isTrue(when) && isTrue(rows) && rule.hours === undefined && (rule.write === undefined || action.effect === "read");
}

/** Whether no grant permits a larger call: of one that is too large for it another grant would decide. */
function isWidest({ action, grants }: OpenPlace, grant: OpenGrant): boolean {
  const drawn = { records: action.batch !== undefined, cost: action.cost !== undefined, recipients: action.destination.length > 0 };
  return ONE_CALL.every((bound) => !drawn[bound] || most(bound, [grant]) >= most(bound, grants));
}

export function isUnasked({ rule, unless }: OpenGrant): boolean {
  return rule.approve === undefined || isTrue(unless);
}

/** An `ask` bears any approval: that there is one for every call is known already. */
function isHarmless({ rule, when }: OpenGate, verdict: "allow" | "ask"): boolean {
  if (isConstant(when, false)) return true;
  return !canFail(when) && rule.hours === undefined && (verdict === "ask" || rule.approve === undefined);
}

function isTrue(expr: Expr): boolean {
  return isConstant(expr, true);
}
