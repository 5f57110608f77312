import { Decimal } from "./decimal.ts";
import type { Expr, Order } from "./expression.ts";
import { matcher } from "./like.ts";
import { isLong } from "./long.ts";
import type { Long } from "./long.ts";
import { print } from "./print.ts";
import { Datetime, Duration } from "./time.ts";
import { CedarSet, equal } from "./value.ts";
import type { Value } from "./value.ts";

/** What one value may still be. */
export interface Bounds {
  /** When present, the value is one of these. */
  readonly among?: readonly Value[] | undefined;
  readonly not: readonly Value[];
  /** Bounds of an ordered value, in its units, both included. */
  readonly from?: Long | undefined;
  readonly to?: Long | undefined;
  readonly patterns: readonly { readonly pattern: readonly string[]; readonly wanted: boolean }[];
}

export interface Narrowed {
  /** Text of the expression whose value is bounded. */
  readonly path: string;
  readonly bounds: Bounds | "nothing";
}

const ANYTHING: Bounds = { not: [], patterns: [] };

/** What a comparison with a constant leaves of the compared value. Undefined when the expression is no such comparison. */
export function narrowed(expr: Expr, wanted: boolean, known: (path: string) => Bounds | undefined): Narrowed | undefined {
  const demand = demandOf(expr, wanted);
  if (demand === undefined) return undefined;
  const path = print(demand.of);
  return { path, bounds: settled(demand.change(known(path) ?? ANYTHING)) };
}

interface Demand {
  readonly of: Expr;
  readonly change: (bounds: Bounds) => Bounds;
}

function demandOf(expr: Expr, wanted: boolean): Demand | undefined {
  if (expr.op === "==" || expr.op === "!=") return equality(expr.left, expr.right, (expr.op === "==") === wanted);
  const compared = orderIn(expr);
  if (compared !== undefined) return order(compared.left, compared.op, compared.right, wanted);
  if (expr.op === "contains") return listed(expr.left, expr.right, wanted);
  if (expr.op === "like") {
    const { pattern } = expr;
    return { of: expr.of, change: (bounds) => ({ ...bounds, patterns: [...bounds.patterns, { pattern, wanted }] }) };
  }
  // A bool attribute that stands for itself.
  return expr.op === "get" ? { of: expr, change: (bounds) => meet(bounds, [wanted]) } : undefined;
}

/** A comparison by order, as operator or as one of decimal's methods. */
export function orderIn(expr: Expr): { readonly left: Expr; readonly op: Order; readonly right: Expr } | undefined {
  if (expr.op === "<" || expr.op === "<=" || expr.op === ">" || expr.op === ">=")
    return { left: expr.left, op: expr.op, right: expr.right };
  const op = expr.op === "call" ? DECIMAL_ORDER.get(expr.call.name) : undefined;
  const [left, right] = expr.op === "call" ? expr.args : [];
  return op === undefined || left === undefined || right === undefined ? undefined : { left, op, right };
}

const DECIMAL_ORDER: ReadonlyMap<string, Order> = new Map([
  ["lessThan", "<"],
  ["lessThanOrEqual", "<="],
  ["greaterThan", ">"],
  ["greaterThanOrEqual", ">="],
]);
const FLIPPED: Readonly<Record<Order, Order>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };
const OPPOSITE: Readonly<Record<Order, Order>> = { "<": ">=", "<=": ">", ">": "<=", ">=": "<" };

function equality(left: Expr, right: Expr, same: boolean): Demand | undefined {
  const [of, constant] = right.op === "value" ? [left, right] : [right, left];
  if (constant.op !== "value" || of.op === "value") return undefined;
  const { value } = constant;
  return { of, change: (bounds) => (same ? meet(bounds, [value]) : { ...bounds, not: [...bounds.not, value] }) };
}

function order(left: Expr, op: Order, right: Expr, wanted: boolean): Demand | undefined {
  const [of, constant, written] = right.op === "value" ? [left, right, op] : [right, left, FLIPPED[op]];
  const units = constant.op === "value" ? unitsOf(constant.value) : undefined;
  if (units === undefined || of.op === "value") return undefined;
  const relation = wanted ? written : OPPOSITE[written];
  const exact = BigInt(units);
  const limit = relation === "<" ? exact - 1n : relation === ">" ? exact + 1n : exact;
  return {
    of,
    change: (bounds) =>
      relation === "<" || relation === "<="
        ? { ...bounds, to: bounds.to === undefined || limit < bounds.to ? limit : bounds.to }
        : { ...bounds, from: bounds.from === undefined || limit > bounds.from ? limit : bounds.from },
  };
}

/** `["a", "b"].contains(x)`. */
function listed(list: Expr, of: Expr, wanted: boolean): Demand | undefined {
  const items = constantItems(list);
  if (items === undefined || of.op === "value") return undefined;
  return { of, change: (bounds) => (wanted ? meet(bounds, items) : { ...bounds, not: [...bounds.not, ...items] }) };
}

/** Items of a set that holds only constants. */
export function constantItems(list: Expr): readonly Value[] | undefined {
  if (list.op === "value") return list.value instanceof CedarSet ? list.value.items : undefined;
  if (list.op !== "set") return undefined;
  const items = list.items.flatMap((item) => (item.op === "value" ? [item.value] : []));
  return items.length === list.items.length ? items : undefined;
}

function meet(bounds: Bounds, values: readonly Value[]): Bounds {
  const { among } = bounds;
  return { ...bounds, among: among === undefined ? values : among.filter((one) => values.some((other) => equal(one, other))) };
}

function settled(bounds: Bounds): Bounds | "nothing" {
  const { among, from, to } = bounds;
  if (from !== undefined && to !== undefined && from > to) return "nothing";
  if (among !== undefined && !among.some((value) => fits(value, bounds))) return "nothing";
  return bounds;
}

function fits(value: Value, { not, from, to, patterns }: Bounds): boolean {
  if (not.some((other) => equal(other, value))) return false;
  const units = unitsOf(value);
  if ((from !== undefined || to !== undefined) && units === undefined) return false;
  if (units !== undefined && ((from !== undefined && units < from) || (to !== undefined && units > to))) return false;
  return patterns.every(({ pattern, wanted }) => typeof value === "string" && matcher(pattern)(value) === wanted);
}

function unitsOf(value: Value): Long | undefined {
  if (isLong(value)) return value;
  if (value instanceof Decimal) return value.units;
  if (value instanceof Datetime) return value.epochMs;
  return value instanceof Duration ? value.ms : undefined;
}
