import type { Expr } from "../../cedar/expression.ts";
import { allOf } from "../../cedar/expression.ts";
import { isTautology } from "../../cedar/satisfiable.ts";
import type { Condition, Grant } from "../../rules/rule.ts";
import { reportWarning } from "../findings.ts";
import type { World } from "../world.ts";
import { alternativesOf, conjunctsOf, isImpossible, quote } from "./parts.ts";

/** Warns of conditions that hold for every call, whole or in a part that is joined by `&&`. The usual one is `x != "a" || x != "b"`. */
export function warnAlwaysTrue(world: World): void {
  for (const { condition } of world.uses) {
    const parts = conjunctsOf(condition.expr);
    for (const part of parts) {
      if (!isTautology(part) || isImpossible([part])) continue;
      reportWarning(world.report, {
        code: "always-true-condition",
        at: condition.at,
        what: `${parts.length === 1 ? "the condition" : "the part"} ${quote(part)} is true for every call`,
        why: "it decides nothing: the rule applies as if it were not there",
        write: meant(part),
      });
    }
  }
}

/** Warns of an `unless` that spares every call which its own grant permits. */
export function warnNeverAsking(world: World, grants: readonly Grant[]): void {
  for (const { when, rows, approve } of grants) {
    const unless = approve?.unless;
    if (unless === undefined || isTautology(unless.expr)) continue;
    const own = [when, rows].flatMap((condition) => (condition === undefined ? [] : [condition.expr]));
    if (isImpossible(own) || !isImpossible([...own, { op: "!", of: unless.expr }])) continue;
    warnUnless(world, unless);
  }
}

function warnUnless(world: World, unless: Condition): void {
  reportWarning(world.report, {
    code: "always-true-condition",
    at: unless.at,
    what: `the \`unless\` ${quote(unless.expr)} is true for every call that its grant permits`,
    why: "every call is spared the approval, so nobody is ever asked",
    write: "an exception that is narrower than the grant, or no `approve`",
  });
}

/** Two denied comparisons of one value joined by `||`, where `&&` was meant. */
function meant(part: Expr): string {
  const alternatives = alternativesOf(part);
  if (alternatives.length > 1 && !isImpossible(alternatives))
    return `${quote(allOf(alternatives))}, if all of it was meant; otherwise remove it`;
  return "remove it, or write what was meant";
}
