import { compileTest } from "../cedar/compile.ts";
import type { Test } from "../cedar/compile.ts";
import type { Environment } from "../cedar/environment.ts";
import { EvaluationError } from "../cedar/evaluation-error.ts";
import type { Expr } from "../cedar/expression.ts";
import { childrenOf } from "../cedar/expression.ts";
import { specialize } from "../cedar/specialize.ts";
import type { Known } from "../cedar/specialize.ts";
import { mentions } from "../engine/parse-condition.ts";
import type { Condition } from "../rules/rule.ts";

/** `maybe`: the record that decides it is not there yet. */
export type Truth = "true" | "false" | "error" | "maybe";

/** A condition as far as one session leaves it open. */
export interface Asked {
  readonly condition: Condition;
  readonly expr: Expr;
  readonly usesResource: boolean;
  /** Whether another session could leave something else of it. */
  readonly usesSession: boolean;
  /** Its answer, when the session alone decides it. */
  readonly constant: Truth | undefined;
  readonly test: Test;
}

/** `expr` is what earlier knowledge left of the condition. */
export function askedOf(condition: Condition, expr: Expr, known: Known): Asked {
  const left = specialize(expr, known);
  return {
    condition,
    expr: left,
    usesResource: mentions(left, "resource"),
    usesSession: readsSession(left),
    constant: constantOf(left),
    test: compileTest(left),
  };
}

/** Whether the expression reads what each session has of its own, or the context as a whole. */
function readsSession(expr: Expr): boolean {
  if ((expr.op === "get" || expr.op === "has") && expr.of.op === "variable" && expr.of.name === "context")
    return expr.name === "user" || expr.name === "session";
  return (expr.op === "variable" && expr.name === "context") || childrenOf(expr).some((child) => readsSession(child));
}

function constantOf(expr: Expr): Truth | undefined {
  if (expr.op === "error") return "error";
  if (expr.op !== "value") return undefined;
  return expr.value === true ? "true" : expr.value === false ? "false" : "error";
}

/** Evaluates a test. Only Cedar's own failures are an answer; whatever else is thrown goes on. */
export function truthIn(env: Environment, test: Test): Truth {
  try {
    return test(env) ? "true" : "false";
  } catch (error) {
    if (error instanceof EvaluationError) return "error";
    throw error;
  }
}

/** `first` decides unless it is true; then `second` does, as in Cedar's `&&`. */
export function both(first: Truth, second: () => Truth): Truth {
  if (first === "false" || first === "error") return first;
  const other = second();
  return first === "maybe" && other === "true" ? "maybe" : other;
}
