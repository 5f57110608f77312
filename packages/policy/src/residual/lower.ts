import { constantItems, orderIn } from "../cedar/bounds.ts";
import { Decimal, formatDecimal } from "../cedar/decimal.ts";
import type { Expr } from "../cedar/expression.ts";
import { isLong } from "../cedar/long.ts";
import { print } from "../cedar/print.ts";
import { Datetime } from "../cedar/time.ts";
import type { Value } from "../cedar/value.ts";
import { declaredKey, typeAt } from "../facts/field-path.ts";
import type { FieldType } from "../types.ts";
import { asMoments } from "./moment-order.ts";
import type { RowExpression, RowOperand, RowType, RowValue } from "./row-expression.ts";
import { allRows, anyRow, EVERY_ROW, NO_ROW, sizeOf } from "./rows.ts";

/** A part of a condition that no database can be asked, as Cedar text, and why. */
export interface Unpushed {
  readonly text: string;
  readonly why: string;
}

/**
 * The records for which the condition is true, and those for which it is false; where it fails, a record is in neither.
 * A part that cannot be pushed down counts as every record in both, so the sets only get larger.
 */
export interface Lowered {
  readonly whenTrue: RowExpression;
  readonly whenFalse: RowExpression;
}

/** A larger WHERE costs a database more than it saves. */
const MAX_NODES = 2_000;

/** `fields` is the declared type of the record. What cannot be pushed down is given to `report`. */
export function lower(expr: Expr, fields: Readonly<Record<string, FieldType>>, report: (part: Unpushed) => void): Lowered {
  const lowered = lowerPart(expr, fields, report);
  if (sizeOf(lowered.whenTrue) <= MAX_NODES && sizeOf(lowered.whenFalse) <= MAX_NODES) return lowered;
  report({ text: print(expr), why: `it would make a WHERE of more than ${String(MAX_NODES)} parts` });
  return ANY;
}

const ANY: Lowered = { whenTrue: EVERY_ROW, whenFalse: EVERY_ROW };

function lowerPart(expr: Expr, fields: Readonly<Record<string, FieldType>>, report: (part: Unpushed) => void): Lowered {
  const inner = (part: Expr): Lowered => lowerPart(part, fields, report);
  if (expr.op === "value")
    return { whenTrue: expr.value === true ? EVERY_ROW : NO_ROW, whenFalse: expr.value === false ? EVERY_ROW : NO_ROW };
  if (expr.op === "error") return { whenTrue: NO_ROW, whenFalse: NO_ROW };
  if (expr.op === "!") return flipped(inner(expr.of));
  if (expr.op === "&&") return conjunction(inner(expr.left), inner(expr.right));
  if (expr.op === "||") return flipped(conjunction(flipped(inner(expr.left)), flipped(inner(expr.right))));
  if (expr.op === "if") return choice(inner(expr.test), inner(expr.yes), inner(expr.no));
  const leaf = lowerLeaf(expr, fields);
  if (leaf !== undefined) return leaf;
  report({ text: print(expr), why: "a database cannot be asked this part" });
  return ANY;
}

function flipped({ whenTrue, whenFalse }: Lowered): Lowered {
  return { whenTrue: whenFalse, whenFalse: whenTrue };
}

/** The right side counts only where the left is true, as in Cedar: a record on which the left fails is in neither set. */
function conjunction(left: Lowered, right: Lowered): Lowered {
  return {
    whenTrue: allRows([left.whenTrue, right.whenTrue]),
    whenFalse: anyRow([left.whenFalse, allRows([left.whenTrue, right.whenFalse])]),
  };
}

function choice(test: Lowered, then: Lowered, otherwise: Lowered): Lowered {
  return {
    whenTrue: anyRow([allRows([test.whenTrue, then.whenTrue]), allRows([test.whenFalse, otherwise.whenTrue])]),
    whenFalse: anyRow([allRows([test.whenTrue, then.whenFalse]), allRows([test.whenFalse, otherwise.whenFalse])]),
  };
}

type Fields = Readonly<Record<string, FieldType>>;

function lowerLeaf(expr: Expr, fields: Fields): Lowered | undefined {
  if (expr.op === "==") return equality(expr.left, expr.right, fields);
  if (expr.op === "!=") return swapped(equality(expr.left, expr.right, fields));
  const compared = orderIn(expr);
  if (compared !== undefined) return order(asMoments(compared), expr.op === "call", fields);
  if (expr.op === "contains") return membership(expr.left, expr.right, fields);
  if (expr.op === "has") return presence({ op: "get", of: expr.of, name: expr.name }, fields);
  const of = fieldOf(expr.op === "like" ? expr.of : expr, fields);
  if (expr.op === "like") return of?.type === "string" ? both({ op: "like", field: of.field, pattern: expr.pattern }) : undefined;
  return of?.type === "boolean" ? both({ op: "eq", left: of, right: { value: { type: "boolean", value: true } } }) : undefined;
}

/** A required field that is null does not fit its type: the condition fails there. */
function presence(expr: Expr, fields: Fields): Lowered | undefined {
  const of = fieldOf(expr, fields);
  if (of === undefined) return undefined;
  const isNull: RowExpression = { op: "isNull", field: of.field };
  return { whenTrue: { op: "not", of: isNull }, whenFalse: isOptional(of.field, fields) ? isNull : NO_ROW };
}

/** A comparison and its contrary; on a null field SQL takes neither for true. */
function both(whenTrue: RowExpression): Lowered {
  return { whenTrue, whenFalse: { op: "not", of: whenTrue } };
}

function swapped(lowered: Lowered | undefined): Lowered | undefined {
  return lowered === undefined ? undefined : flipped(lowered);
}

function equality(leftExpr: Expr, rightExpr: Expr, fields: Fields): Lowered | undefined {
  const [left, right] = [operandOf(leftExpr, fields), operandOf(rightExpr, fields)];
  if (left === undefined || right === undefined || operandType(left) !== operandType(right)) return undefined;
  return both({ op: "eq", left, right });
}

/** Cedar orders longs and datetimes by operators, decimals by methods; anything else fails, which no database does. */
function order(compared: NonNullable<ReturnType<typeof orderIn>>, byMethod: boolean, fields: Fields): Lowered | undefined {
  const [left, right] = [operandOf(compared.left, fields), operandOf(compared.right, fields)];
  if (left === undefined || right === undefined || operandType(left) !== operandType(right)) return undefined;
  const type = operandType(left);
  if (byMethod ? type !== "decimal" : type !== "integer" && type !== "datetime") return undefined;
  const op = compared.op === "<" || compared.op === ">" ? "lt" : "le";
  return both(compared.op.startsWith("<") ? { op, left, right } : { op, left: right, right: left });
}

function membership(list: Expr, item: Expr, fields: Fields): Lowered | undefined {
  const of = fieldOf(item, fields);
  const values = constantItems(list)?.map((value) => rowValue(value));
  if (of === undefined || values === undefined) return undefined;
  const known = values.flatMap((value) => (value?.type === of.type ? [value] : []));
  if (known.length < values.length) return undefined;
  // With an empty list nothing is looked up, but a null field still fails.
  if (known.length === 0) return { whenTrue: NO_ROW, whenFalse: { op: "not", of: { op: "isNull", field: of.field } } };
  return both({ op: "in", field: of.field, values: known });
}

function operandOf(expr: Expr, fields: Fields): RowOperand | undefined {
  if (expr.op !== "value") return fieldOf(expr, fields);
  const value = rowValue(expr.value);
  return value === undefined ? undefined : { value };
}

function operandType(operand: RowOperand): RowType {
  return "field" in operand ? operand.type : operand.value.type;
}

/** A scalar field of the record. Parts of an e-mail address are none: a column holds the whole address. */
function fieldOf(expr: Expr, fields: Fields): { readonly field: string; readonly type: RowType } | undefined {
  const path = pathIn(expr);
  const type = path === undefined ? undefined : typeAt(fields, path);
  if (path === undefined || typeof type !== "string" || type === "any" || type === "email") return undefined;
  return passesList(fields, path) ? undefined : { field: path.join("."), type };
}

function pathIn(expr: Expr): readonly string[] | undefined {
  if (expr.op !== "get") return undefined;
  if (expr.of.op === "variable") return expr.of.name === "resource" ? [expr.name] : undefined;
  const left = pathIn(expr.of);
  return left === undefined ? undefined : [...left, expr.name];
}

function passesList(fields: Fields, path: readonly string[]): boolean {
  return path.some((_, length) => length > 0 && Array.isArray(typeAt(fields, path.slice(0, length))));
}

function isOptional(field: string, fields: Fields): boolean {
  const path = field.split(".");
  const parent = typeAt({ root: fields }, ["root", ...path.slice(0, -1)]);
  const keys = typeof parent === "object" ? Object.keys(parent) : [];
  return keys.map((key) => declaredKey(key)).some(({ name, optional }) => name === path.at(-1) && optional);
}

function rowValue(value: Value): RowValue | undefined {
  if (typeof value === "boolean") return { type: "boolean", value };
  if (typeof value === "string") return { type: "string", text: value };
  if (isLong(value)) return { type: "integer", text: String(value) };
  if (value instanceof Decimal) return { type: "decimal", text: formatDecimal(value) };
  if (!(value instanceof Datetime) || typeof value.epochMs !== "number") return undefined;
  const date = new Date(value.epochMs);
  const text = Number.isNaN(date.getTime()) ? "" : date.toISOString();
  return /^\d{4}-/.test(text) ? { type: "datetime", text } : undefined;
}
