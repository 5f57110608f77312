import { childrenOf } from "../../cedar/expression.ts";
import type { Expr } from "../../cedar/expression.ts";
import { Uid } from "../../cedar/value.ts";

/** Whether an agent of another tenant or environment could meet what this one cannot. */
export function dependsOnPlace(expr: Expr): boolean {
  if (expr.op === "value") return expr.value instanceof Uid && expr.value.type === "Agent";
  if ((expr.op === "get" || expr.op === "has") && PLACE.has(expr.name)) return true;
  return childrenOf(expr).some((child) => dependsOnPlace(child));
}

const PLACE: ReadonlySet<string> = new Set(["tenant", "environment", "name"]);

/** Whether the action makes a difference: its name, the type of its record, or what it counts as. */
export function dependsOnAction(expr: Expr): boolean {
  if (expr.op === "is" || (expr.op === "variable" && expr.name === "action")) return true;
  if ((expr.op === "get" || expr.op === "has") && (expr.name === "records" || expr.name === "cost")) return true;
  return childrenOf(expr).some((child) => dependsOnAction(child));
}
