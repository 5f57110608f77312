import type { Expr } from "../../cedar/expression.ts";
import { allOf, TRUE } from "../../cedar/expression.ts";
import { print } from "../../cedar/print.ts";
import { conflictIn } from "../../cedar/satisfiable.ts";

/** The parts that must all hold, `!(a || b)` and the like taken apart as well. */
export function conjunctsOf(expr: Expr): readonly Expr[] {
  return joinedBy("&&", expr, true);
}

/** The parts of which one suffices; one part when there is no choice. */
export function alternativesOf(expr: Expr): readonly Expr[] {
  return joinedBy("||", expr, true);
}

/** By De Morgan, `!(a || b)` joins `!a` and `!b` by `&&`. */
function joinedBy(op: "&&" | "||", expr: Expr, wanted: boolean): readonly Expr[] {
  if (expr.op === "!") return joinedBy(op, expr.of, !wanted);
  if (expr.op === (wanted ? op : op === "&&" ? "||" : "&&") && "left" in expr)
    return [...joinedBy(op, expr.left, wanted), ...joinedBy(op, expr.right, wanted)];
  // A .cedar policy without a clause has the constant itself as its condition, which nobody wrote.
  if (expr === TRUE) return [];
  return [wanted ? expr : { op: "!", of: expr }];
}

export function isImpossible(parts: readonly Expr[]): boolean {
  return conflictIn(allOf(parts)) !== undefined;
}

/** As few parts as still cannot hold together; what was given when it can hold. */
export function coreOf(parts: readonly Expr[]): readonly Expr[] {
  let core = parts;
  for (const part of parts) {
    const rest = core.filter((one) => one !== part);
    if (rest.length > 0 && isImpossible(rest)) core = rest;
  }
  return core;
}

/** Why parts that cannot hold together cannot, by the fewest of them. */
export function sayConflict(parts: readonly Expr[]): string {
  const core = coreOf(parts).map((part) => quote(part));
  const last = core.at(-1) ?? "`false`";
  if (core.length < 2) return `${last} is never true`;
  return `${core.slice(0, -1).join(", ")} and ${last} cannot ${core.length === 2 ? "both" : "all"} be true`;
}

/** Longer parts only make a message longer. */
const MAX_SHOWN = 160;

export function quote(expr: Expr): string {
  const text = print(expr);
  return `\`${text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text}\``;
}
