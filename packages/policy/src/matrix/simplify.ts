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
  if (simple.op === "!") return negated(simple.of, simple);
  if (simple.op === "&&") return joined(simple, TRUE, FALSE);
  return simple.op === "||" ? joined(simple, FALSE, TRUE) : simple;
}

/** What must be true for the condition to be false. */
export function negate(expr: Expr): Expr {
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
  if (FALLIBLE.has(expr.op)) return true;
  if ((expr.op === "get" || expr.op === "has") && mentions(expr.of, "resource")) return true;
  if (expr.op === "call" && !expr.call.returnsBoolean) return true;
  return childrenOf(expr).some((child) => canFail(child));
}

/** Arithmetic leaves 64 bits, tags may be absent. */
const FALLIBLE: ReadonlySet<Expr["op"]> = new Set<Expr["op"]>(["error", "+", "-", "*", "neg", "getTag", "hasTag"]);

const OPPOSITES: ReadonlyMap<Expr["op"], "==" | "!=" | "<" | "<=" | ">" | ">="> = new Map([
  ["==", "!="],
  ["!=", "=="],
  ["<", ">="],
  [">=", "<"],
  [">", "<="],
  ["<=", ">"],
] as const);

/** `&&` and `||` stay whole: De Morgan's form is longer to read. */
function negated(of: Expr, whole: Expr): Expr {
  if (of.op === "value" && typeof of.value === "boolean") return of.value ? FALSE : TRUE;
  if (of.op === "error") return of;
  const turned = OPPOSITES.get(of.op);
  if (turned !== undefined && "left" in of) return { op: turned, left: of.left, right: of.right };
  return of.op === "!" && isBoolean(of.of) ? of.of : whole;
}

/** `neutral` changes nothing, `decisive` decides. */
function joined(expr: Extract<Expr, { readonly left: Expr }>, neutral: Expr, decisive: Expr): Expr {
  const { left, right } = expr;
  if (same(left, neutral)) return isBoolean(right) ? right : expr;
  if (same(left, decisive)) return decisive;
  if (left.op === "error") return left;
  if (same(right, neutral) && isBoolean(left)) return left;
  return same(right, decisive) && !canFail(left) && isBoolean(left) ? decisive : expr;
}

function same(expr: Expr, constant: Expr): boolean {
  return expr.op === "value" && constant.op === "value" && expr.value === constant.value;
}
