import { exactDecimal } from "../facts/exact-decimal.ts";
import { readMoment } from "../facts/moment.ts";
import { parseDecimal } from "../cedar/decimal.ts";
import { parseDatetime } from "../cedar/time.ts";
import type { Long } from "../cedar/long.ts";
import { matcher } from "../cedar/like.ts";
import { valueAt } from "../facts/request-facts.ts";
import type { Json, JsonObject } from "../json.ts";

/**
 * Which records of a type a call may touch or see, in a form that a writer of SQL can turn into WHERE.
 * It means what SQL means: a comparison with a null field is neither true nor false, `not` of that is neither, and a record is
 * selected when the whole is true. Fields are dotted paths of the declared record type.
 */
export type RowExpression =
  | { readonly op: "true" | "false" }
  | { readonly op: "and" | "or"; readonly of: readonly RowExpression[] }
  | { readonly op: "not"; readonly of: RowExpression }
  | { readonly op: "eq" | "lt" | "le"; readonly left: RowOperand; readonly right: RowOperand }
  | { readonly op: "in"; readonly field: string; readonly values: readonly RowValue[] }
  /** Texts between wildcards, each wildcard standing for any text; one text alone is the whole value. */
  | { readonly op: "like"; readonly field: string; readonly pattern: readonly string[] }
  | { readonly op: "isNull"; readonly field: string };

export type RowOperand = { readonly field: string; readonly type: RowType } | { readonly value: RowValue };

export type RowType = "string" | "boolean" | "integer" | "decimal" | "datetime";

/** Integers and decimals as text, since JavaScript numbers and JSON lose digits; datetimes as RFC 3339 in UTC. */
export type RowValue =
  | { readonly type: "string" | "integer" | "decimal" | "datetime"; readonly text: string }
  | { readonly type: "boolean"; readonly value: boolean };

/**
 * Whether the expression selects the record: what a database that was given it would do. The reference for writers of SQL, and
 * the way to filter where there is no database. A field that does not fit its type counts as null.
 */
export function selects(expression: RowExpression, record: JsonObject): boolean {
  return evaluate(expression, record) === true;
}

/** Undefined is SQL's unknown. */
function evaluate(expression: RowExpression, record: JsonObject): boolean | undefined {
  switch (expression.op) {
    case "true":
      return true;
    case "false":
      return false;
    case "and":
      return junction(expression.of, record, false);
    case "or":
      return junction(expression.of, record, true);
    case "not": {
      const inner = evaluate(expression.of, record);
      return inner === undefined ? undefined : !inner;
    }
    case "eq":
    case "lt":
    case "le":
      return compare(expression.op, scalarOf(expression.left, record), scalarOf(expression.right, record));
    case "in": {
      const value = fieldValue(record, expression.field, expression.values[0]?.type ?? "string");
      return value === undefined ? undefined : expression.values.some((one) => constant(one) === value);
    }
    case "like": {
      const text = fieldValue(record, expression.field, "string");
      return typeof text === "string" ? matcher(expression.pattern)(text) : undefined;
    }
    case "isNull": {
      const value = valueAt(record, expression.field.split("."));
      return value === undefined || value === null;
    }
  }
}

function junction(parts: readonly RowExpression[], record: JsonObject, decisive: boolean): boolean | undefined {
  let result: boolean | undefined = !decisive;
  for (const part of parts) {
    const value = evaluate(part, record);
    if (value === decisive) return decisive;
    if (value === undefined) result = undefined;
  }
  return result;
}

/** Values of one type, so that `===` and `<` are right: decimals and datetimes as their units. */
type Scalar = string | boolean | Long;

function compare(op: "eq" | "lt" | "le", left: Scalar | undefined, right: Scalar | undefined): boolean | undefined {
  if (left === undefined || right === undefined || (typeof left === "string") !== (typeof right === "string")) return undefined;
  if (op === "eq") return left === right;
  return op === "lt" ? left < right : left <= right;
}

function scalarOf(operand: RowOperand, record: JsonObject): Scalar | undefined {
  return "field" in operand ? fieldValue(record, operand.field, operand.type) : constant(operand.value);
}

function fieldValue(record: JsonObject, field: string, type: RowType): Scalar | undefined {
  const value: Json | undefined = valueAt(record, field.split("."));
  switch (type) {
    case "string":
      return typeof value === "string" && value.isWellFormed() ? value : undefined;
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(value) ? value + 0 : undefined;
    case "decimal":
      return typeof value === "number" ? exactDecimal(value)?.units : undefined;
    case "datetime":
      return typeof value === "string" ? readMoment(value)?.epochMs : undefined;
  }
}

function constant(value: RowValue): Scalar | undefined {
  switch (value.type) {
    case "boolean":
      return value.value;
    case "string":
      return value.text;
    case "integer": {
      const number = Number(value.text);
      return Number.isSafeInteger(number) ? number : BigInt(value.text);
    }
    case "decimal":
      return parseDecimal(value.text)?.units;
    case "datetime":
      return parseDatetime(value.text)?.epochMs;
  }
}
