import type { RowExpression } from "./row-expression.ts";

export const EVERY_ROW: RowExpression = { op: "true" };
export const NO_ROW: RowExpression = { op: "false" };

/** All of them, with constants and nesting taken out. */
export function allRows(parts: readonly RowExpression[]): RowExpression {
  return joined("and", parts, NO_ROW, EVERY_ROW);
}

/** Any of them. */
export function anyRow(parts: readonly RowExpression[]): RowExpression {
  return joined("or", parts, EVERY_ROW, NO_ROW);
}

function joined(op: "and" | "or", parts: readonly RowExpression[], decisive: RowExpression, neutral: RowExpression): RowExpression {
  const flat = parts.flatMap((part) => (part.op === op ? part.of : [part])).filter((part) => part.op !== neutral.op);
  if (flat.some((part) => part.op === decisive.op)) return decisive;
  const [first] = flat;
  if (first === undefined) return neutral;
  return flat.length === 1 ? first : { op, of: flat };
}

/** Nodes of an expression. */
export function sizeOf(expression: RowExpression): number {
  if (expression.op === "and" || expression.op === "or") return expression.of.reduce((sum, part) => sum + sizeOf(part), 1);
  return expression.op === "not" ? 1 + sizeOf(expression.of) : 1;
}
