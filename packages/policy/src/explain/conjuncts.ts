import { compileTest } from "../cedar/compile.ts";
import type { Expr } from "../cedar/expression.ts";
import { print } from "../cedar/print.ts";
import type { Truth } from "../decide/asked.ts";
import { truthIn } from "../decide/asked.ts";
import type { Judged } from "../decide/situation.ts";
import { mentions } from "../engine/parse-condition.ts";
import type { Condition } from "../rules/rule.ts";

/** One part of a condition whose parts are joined by `&&`, and how it came out for the call. */
export interface Conjunct {
  readonly text: string;
  readonly expression: Expr;
  readonly truth: Truth;
}

/** Asks each part of the conditions by itself. */
export function conjunctsOf(judged: Judged, conditions: readonly (Condition | undefined)[]): readonly Conjunct[] {
  return conditions
    .flatMap((condition) => (condition === undefined ? [] : flatten(condition.expr)))
    .map((expression) => ({ text: print(expression), expression, truth: truthOfPart(judged, expression) }));
}

/** The parts of a chain of `&&`. */
export function flatten(expression: Expr): readonly Expr[] {
  return expression.op === "&&" ? [...flatten(expression.left), ...flatten(expression.right)] : [expression];
}

function truthOfPart({ recordState, env }: Judged, expression: Expr): Truth {
  if (recordState === "known" || !mentions(expression, "resource")) return truthIn(env, compileTest(expression));
  return recordState === "open" || recordState === "deferred" ? "maybe" : "error";
}
