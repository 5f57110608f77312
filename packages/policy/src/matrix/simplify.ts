import type { Expr } from "../cedar/expression.ts";
import { allOf, childrenOf, FALSE, isBoolean, mapChildren, TRUE } from "../cedar/expression.ts";
import { mentions } from "../engine/parse-condition.ts";

/**
 * The same condition without the constants that partial evaluation leaves behind on the right of `&&` and `||`.
 * A part is dropped only where it cannot fail, so that for every call that fits the catalog the result is the same, failures included.
 * The condition must have passed Cedar's strict validation.
 */
export function simplify(expr: Expr): Expr {
  const simple = mapChildren(expr, simplify);
  switch (simple.op) {
    case "!":
      return negated(simple.of, simple);
    case "&&":
      return joined(simple, TRUE, FALSE);
    case "||":
      return joined(simple, FALSE, TRUE);
    default:
      return simple;
  }
}

/** What must be true for the condition to be false. */
export function negate(expr: Expr): Expr {
  const turned = OPPOSITES.get(expr.op);
  // `&&` and `||` stay whole: De Morgan's form is longer to read.
  if (turned !== undefined && "left" in expr) return { op: turned, left: expr.left, right: expr.right };
  return negated(expr, { op: "!", of: expr });
}

/** All of them, simplified; TRUE for none. */
export function all(parts: readonly Expr[]): Expr {
  return simplify(allOf(parts.filter((part) => !isConstant(part, true))));
}

export function isConstant(expr: Expr, value: boolean): boolean {
  return expr.op === "value" && expr.value === value;
}

/** Whether it fails for every call, or comes to something that is no truth value. */
export function alwaysFails(expr: Expr): boolean {
  return expr.op === "error" || (expr.op === "value" && typeof expr.value !== "boolean");
}

/** Whether evaluating it can fail for a call whose arguments fit the catalog. Fields of records are read as they come, so they can. */
export function canFail(expr: Expr): boolean {
  switch (expr.op) {
    case "error":
    case "+":
    case "-":
    case "*":
    case "neg":
    case "getTag":
    case "hasTag":
      return true;
    case "get":
    case "has":
      return mentions(expr, "resource") || canFail(expr.of);
    case "call":
      return !expr.call.returnsBoolean || expr.args.some((arg) => canFail(arg));
    default:
      return childrenOf(expr).some((child) => canFail(child));
  }
}

const OPPOSITES: ReadonlyMap<Expr["op"], "==" | "!=" | "<" | "<=" | ">" | ">="> = new Map([
  ["==", "!="],
  ["!=", "=="],
  ["<", ">="],
  [">=", "<"],
  [">", "<="],
  ["<=", ">"],
] as const);

function negated(of: Expr, whole: Expr): Expr {
  if (of.op === "value" && typeof of.value === "boolean") return of.value ? FALSE : TRUE;
  if (of.op === "error") return of;
  return of.op === "!" && isBoolean(of.of) ? of.of : whole;
}

/** `neutral` changes nothing, `decisive` decides. */
function joined(expr: Extract<Expr, { readonly left: Expr }>, neutral: Expr, decisive: Expr): Expr {
  const { left, right } = expr;
  if (left === neutral || same(left, neutral)) return isBoolean(right) ? right : expr;
  if (same(left, decisive)) return decisive;
  if (left.op === "error") return left;
  if (same(right, neutral) && isBoolean(left)) return left;
  return same(right, decisive) && !canFail(left) && isBoolean(left) ? decisive : expr;
}

function same(expr: Expr, constant: Expr): boolean {
  return expr.op === "value" && constant.op === "value" && expr.value === constant.value;
}
