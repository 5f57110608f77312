import type { Expr } from "../cedar/expression.ts";
import { allOf, TRUE } from "../cedar/expression.ts";
import { conflictIn } from "../cedar/satisfiable.ts";
import { mentions } from "../engine/parse-condition.ts";
import { loadsRecord } from "../load/condition-place.ts";
import type { Ceiling } from "../rules/rule.ts";
import { coversScope } from "../rules/scope.ts";
import type { CatalogAction } from "../types.ts";
import type { OpenDeny, OpenGate, OpenGrant, OpenPlace } from "./place.ts";
import { all, negate } from "./simplify.ts";

/** What a grant comes to for the calls it is meant for. What it says of `never` and `ask` is certain. */
export type Standing =
  | { readonly verdict: "allow" | "ask" }
  /** `condition`: it holds for no call. `ceiling`: not together with the ceilings. `fields`: every call sets more. `denies`: whatever it permits is denied. */
  | { readonly verdict: "never"; readonly because: "condition" | "ceiling" | "fields" | "denies" };

export function standingOf(place: OpenPlace, grant: OpenGrant): Standing {
  // A record that is seen only in the result decides what is shown, not whether the call runs.
  const own = [grant.when, ...(isDecidedBefore(place, grant.rows) ? [grant.rows] : [])];
  if (!canHold(own)) return { verdict: "never", because: "condition" };
  const { write } = grant.rule;
  if (write !== undefined && place.alwaysWritten.some((field) => !write.includes(field))) return { verdict: "never", because: "fields" };
  const within = [...place.ceilings.map((ceiling) => ceiling.when), ...own];
  if (!canHold(within)) return { verdict: "never", because: "ceiling" };
  const undenied = [...within, ...place.denies.flatMap((deny) => spared(place, deny) ?? [])];
  if (!canHold(undenied)) return { verdict: "never", because: "denies" };
  const unasked = [
    ...undenied,
    ...(grant.rule.approve === undefined ? [] : [grant.unless]),
    ...place.gates.filter((gate) => gate.reached === "always").map((gate) => unaskedBy(gate)),
  ];
  return { verdict: canHold(unasked) ? "allow" : "ask" };
}

/** Whether some call can meet all of them; `false` is certain. */
export function canHold(conditions: readonly Expr[]): boolean {
  return conflictIn(allOf(conditions)) === undefined;
}

/** Whether the deny refuses every call of the action, by matching or by failing. */
export function deniesAll(place: OpenPlace, deny: OpenDeny): boolean {
  const condition = spared(place, deny);
  return condition !== undefined && !canHold([condition]);
}

/** What a deny is about. */
export function matches({ when, rows }: OpenDeny): Expr {
  return all([when, rows]);
}

/** The fields that a ceiling leaves to be set, where it covers the action only in field forms. */
export function settableWithin({ scopes }: Ceiling, action: CatalogAction): readonly string[] | undefined {
  const fields = scopes?.filter((pattern) => coversScope(pattern, action.scope)).map((pattern) => pattern.field);
  const named = fields?.filter((field) => field !== undefined);
  return named === undefined || named.length === 0 || named.length < (fields?.length ?? 0) ? undefined : named;
}

/** Whether the condition is settled before the call runs, so that it can refuse it. */
export function isDecidedBefore({ action }: OpenPlace, condition: Expr): boolean {
  return loadsRecord(action) || !mentions(condition, "resource");
}

/** What must hold for the deny not to refuse; undefined where nothing need hold: it is about a field that calls can leave out, or about results. */
function spared(place: OpenPlace, deny: OpenDeny): Expr | undefined {
  const { field } = deny.rule;
  if (field !== undefined && !place.alwaysWritten.includes(field)) return undefined;
  const condition = matches(deny);
  return isDecidedBefore(place, condition) ? negate(condition) : undefined;
}

function unaskedBy({ rule, when }: OpenGate): Expr {
  return rule.approve === undefined ? TRUE : negate(when);
}
