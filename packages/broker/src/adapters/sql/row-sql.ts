import type { RowExpression, RowOperand, RowType, RowValue } from "@bailiwick/policy";
import type { Binds } from "./bind.ts";
import type { Column } from "./columns.ts";
import { quoted } from "./identifier.ts";

/** Writes conditions over the records of one table, whose alias is `alias`. Values are bound, names quoted. */
export interface RowWriter {
  readonly alias: string;
  readonly columns: readonly Column[];
  readonly binds: Binds;
}

/**
 * The expression as an SQL condition that is true, false or null exactly where `selects` finds it true, false or unknown. A value that JSON
 * would not carry exactly counts as null, as it does there.
 * @throws Error where a field has no column, which `check` excludes.
 */
export function rowSql(expression: RowExpression, writer: RowWriter): string {
  switch (expression.op) {
    case "true":
    case "false":
      return expression.op.toUpperCase();
    case "and":
    case "or": {
      const parts = expression.of.map((part) => rowSql(part, writer));
      if (parts.length === 0) return expression.op === "and" ? "TRUE" : "FALSE";
      return `(${parts.join(expression.op === "and" ? " AND " : " OR ")})`;
    }
    case "not":
      return `(NOT ${rowSql(expression.of, writer)})`;
    case "eq":
    case "lt":
    case "le":
      return comparison(expression.op, expression.left, expression.right, writer);
    case "in":
      return membership(expression.field, expression.values, writer);
    case "like":
      return likeness(expression.field, expression.pattern, writer);
    case "isNull":
      return `(${raw(expression.field, writer)} IS NULL)`;
  }
}

const SIGNS = { eq: "=", lt: "<", le: "<=" } as const;

function comparison(op: keyof typeof SIGNS, left: RowOperand, right: RowOperand, writer: RowWriter): string {
  const strange = [left, right].find((operand) => "value" in operand && isStrange(operand.value));
  if (strange !== undefined) {
    // A text that no column can hold is unequal to whatever is there.
    const other = strange === left ? right : left;
    return "field" in other ? never(scalar(other.field, other.type, writer)) : "FALSE";
  }
  const [a, b] = [operandSql(left, writer), operandSql(right, writer)];
  // Texts are ordered by no rule of a policy; if one were, it would be by code units, as nothing in SQL does it.
  if (op !== "eq" && typeOf(left) === "string") throw new Error("a condition orders texts, which no policy can say");
  return `(${a} ${SIGNS[op]} ${b})`;
}

function typeOf(operand: RowOperand): RowType {
  return "field" in operand ? operand.type : operand.value.type;
}

function operandSql(of: RowOperand, writer: RowWriter): string {
  return "field" in of ? scalar(of.field, of.type, writer) : constant(of.value, writer);
}

function membership(field: string, values: readonly RowValue[], writer: RowWriter): string {
  const value = scalar(field, values[0]?.type ?? "string", writer);
  const known = values.filter((one) => !isStrange(one));
  if (known.length === 0) return never(value);
  return `(${value} IN (${known.map((one) => constant(one, writer)).join(", ")}))`;
}

function likeness(field: string, pattern: readonly string[], writer: RowWriter): string {
  const value = scalar(field, "string", writer);
  if (pattern.some((piece) => isStrangeText(piece))) return never(value);
  const [only = ""] = pattern;
  if (pattern.length <= 1) return `(${value} = ${writer.binds.add(only)}::text)`;
  const escaped = pattern.map((piece) => piece.replaceAll(/[\\%_]/g, String.raw`\$&`)).join("%");
  return `(${value} LIKE ${writer.binds.add(escaped)}::text)`;
}

/** False, or null where the value is. */
function never(value: string): string {
  return `(${value} IS NULL AND NULL)`;
}

function isStrange(value: RowValue): boolean {
  return value.type === "string" && isStrangeText(value.text);
}

function isStrangeText(text: string): boolean {
  return text.includes("\u0000") || !text.isWellFormed();
}

const TYPES = { string: "text", integer: "int8", decimal: "numeric", datetime: "timestamptz" } as const;

/** Cedar's first year is 0, PostgreSQL's 1; nothing that is compared with it lies before either. */
const YEAR_ZERO = /^0000-/;

function constant(value: RowValue, { binds }: RowWriter): string {
  if (value.type === "boolean") return value.value ? "TRUE" : "FALSE";
  if (value.type === "datetime" && YEAR_ZERO.test(value.text)) return "'-infinity'::timestamptz";
  return `${binds.add(value.text)}::${TYPES[value.type]}`;
}

function raw(field: string, { alias, columns }: RowWriter): string {
  return `${quoted(alias)}.${quoted(columnOf(field, columns).name)}`;
}

function columnOf(field: string, columns: readonly Column[]): Column {
  const column = columns.find((each) => each.field === field);
  if (column === undefined) throw new Error(`the field \`${field}\` of a condition has no column`);
  return column;
}

/** The largest number a `decimal` of Cedar carries with four digits after the point, as a JavaScript number. */
const MAX_DECIMAL = "922337203685477";
const MAX_INTEGER = "9007199254740991";

/** The value as a condition sees it: null where JSON would not carry it exactly. */
function scalar(field: string, type: RowType, writer: RowWriter): string {
  const column = raw(field, writer);
  const { kind } = columnOf(field, writer.columns);
  switch (type) {
    case "string":
      return `${column}::text`;
    case "boolean":
      return column;
    case "integer":
      return kind === "integer" ? column : `(CASE WHEN ${column} BETWEEN -${MAX_INTEGER} AND ${MAX_INTEGER} THEN ${column} END)`;
    case "decimal":
      return decimal(kind === "float" ? `${column}::text::numeric` : `${column}::numeric`, kind);
    case "datetime":
      return moment(column, kind);
  }
}

/** A decimal that is neither too large nor too fine, and that a double shows with the same digits. */
function decimal(value: string, kind: Column["kind"]): string {
  if (kind === "integer") return value;
  const exact = `${value} = round(${value}, 4) AND ${value}::float8::text::numeric = ${value}`;
  return `(CASE WHEN abs(${value}) <= ${MAX_DECIMAL} THEN CASE WHEN ${exact} THEN ${value} END END)`;
}

/** Whole milliseconds of the years 1 to 9999; a date is its midnight in UTC. */
function moment(column: string, kind: Column["kind"]): string {
  const value = kind === "date" ? `(${column}::timestamp AT TIME ZONE 'UTC')` : `date_trunc('milliseconds', ${column})`;
  const end = kind === "date" ? "date" : "timestamptz";
  const [first, after] = kind === "date" ? ["0001-01-01", "10000-01-01"] : ["0001-01-01 00:00:00+00", "10000-01-01 00:00:00+00"];
  return `(CASE WHEN ${column} >= '${first}'::${end} AND ${column} < '${after}'::${end} THEN ${value} END)`;
}
