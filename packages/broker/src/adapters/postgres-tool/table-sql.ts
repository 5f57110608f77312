import type { Json, JsonObject, RecordView, TableOperation } from "@bailiwick/policy";
import { type Binds, type Bound, newBinds } from "../sql/bind.ts";
import { type Column, relationOf, type SqlTable } from "../sql/columns.ts";
import { quoted } from "../sql/identifier.ts";
import { rowSql, type RowWriter } from "../sql/row-sql.ts";
import { asObject } from "../sql/tree.ts";
import { RAW, visibleSql } from "../sql/view-sql.ts";
import { MAX_ROWS } from "./limits.ts";

/** One operation on one table, as it is sent. */
export interface TableStatement {
  readonly text: string;
  readonly values: readonly Bound[];
}

/** Arguments of a select that are no field: how many records, and after which key. */
export const PAGING: ReadonlySet<string> = new Set(["limit", "after"]);

/** Column beside the record's own that says whether the record as it was written is one that the caller may touch. */
export const TOUCHABLE = "touchable";

/** A field that the caller may not look for: it would tell, by what is found, what it does not show. */
export class NotSearchable extends Error {
  override readonly name = "NotSearchable";
  readonly field: string;
  constructor(field: string) {
    super(`\`${field}\` is no field that this agent sees in full`);
    this.field = field;
  }
}

/**
 * The statement of a table action. Rows of the view are part of its `where`, so they are checked in the very moment of the effect.
 * Without a view it is a read that the broker makes for itself in order to decide.
 */
export function tableStatement(sql: SqlTable, operation: TableOperation, args: JsonObject, view: RecordView | undefined): TableStatement {
  const binds = newBinds();
  const writer: RowWriter = { alias: RAW, columns: sql.columns, binds };
  return { text: WRITERS[operation](sql, args, view, writer), values: binds.values };
}

/** The record that an update is about, as it is, held until the end of the transaction. */
export function lockStatement(sql: SqlTable, args: JsonObject, view: RecordView | undefined): TableStatement {
  const { table, columns } = sql;
  const binds = newBinds();
  const key = columnOf(sql, table.key);
  const where = `${keyIs(args, key, binds)} AND ${view === undefined ? "FALSE" : visibleSql(view, { alias: RAW, columns, binds })}`;
  return { text: `SELECT ${recordOf(columns)} FROM ${relationOf(table)} AS ${RAW} WHERE ${where} FOR UPDATE`, values: binds.values };
}

function keyIs(args: JsonObject, key: Column, binds: Binds): string {
  return `${raw(key)} = ${bound(args[key.field] ?? null, key, binds)}`;
}

type Writer = (sql: SqlTable, args: JsonObject, view: RecordView | undefined, writer: RowWriter) => string;

const WRITERS: Readonly<Record<TableOperation, Writer>> = { select, insert, update, delete: remove };

function select(sql: SqlTable, args: JsonObject, view: RecordView | undefined, writer: RowWriter): string {
  const { columns, table } = sql;
  const filters = Object.entries(args)
    .filter(([name, value]) => !PAGING.has(name) && value !== null)
    .map(([name, value]) => searched(columnOf(sql, name), value, view, writer));
  const key = columnOf(sql, table.key);
  const after = args["after"];
  const paged =
    after === undefined || after === null ? [] : [guarded(key, `${raw(key)} > ${bound(after, key, writer.binds)}`, view, writer)];
  const where = [view === undefined ? "TRUE" : visibleSql(view, writer), ...filters, ...paged].join(" AND ");
  const limit = typeof args["limit"] === "number" ? Math.min(Math.max(0, args["limit"]), MAX_ROWS + 1) : MAX_ROWS + 1;
  const order = `ORDER BY ${raw(key)} LIMIT ${String(limit)}`;
  return `SELECT ${recordOf(columns)} FROM ${relationOf(table)} AS ${RAW} WHERE ${where} ${order}`;
}

function insert({ table, ...sql }: SqlTable, args: JsonObject, view: RecordView | undefined, writer: RowWriter): string {
  const written = writtenBy({ table, ...sql }, args, writer);
  const into =
    written.length === 0
      ? "DEFAULT VALUES"
      : `(${written.map(({ column }) => quoted(column.name)).join(", ")}) VALUES (${written.map(({ value }) => value).join(", ")})`;
  const touchable = view === undefined ? "FALSE" : visibleSql(view, writer);
  return `INSERT INTO ${relationOf(table)} AS ${RAW} ${into} RETURNING ${recordOf(sql.columns)}, (${touchable}) IS TRUE AS ${quoted(TOUCHABLE)}`;
}

function update(sql: SqlTable, args: JsonObject, view: RecordView | undefined, writer: RowWriter): string {
  const { table, columns } = sql;
  const { [table.key]: _, ...fields } = args;
  const key = columnOf(sql, table.key);
  const found = keyIs(args, key, writer.binds);
  const written = writtenBy(sql, fields, writer);
  // Nothing to write still answers the record, and still only one that may be touched.
  const set =
    written.length === 0
      ? `${quoted(key.name)} = ${raw(key)}`
      : written.map(({ column, value }) => `${quoted(column.name)} = ${value}`).join(", ");
  const where = `${found} AND ${view === undefined ? "FALSE" : visibleSql(view, writer)}`;
  return `UPDATE ${relationOf(table)} AS ${RAW} SET ${set} WHERE ${where} RETURNING ${recordOf(columns)}`;
}

function remove(sql: SqlTable, args: JsonObject, view: RecordView | undefined, writer: RowWriter): string {
  const { table, columns } = sql;
  const found = keyIs(args, columnOf(sql, table.key), writer.binds);
  const where = `${found} AND ${view === undefined ? "FALSE" : visibleSql(view, writer)}`;
  return `DELETE FROM ${relationOf(table)} AS ${RAW} WHERE ${where} RETURNING ${recordOf(columns)}`;
}

/** Columns go by their place: a field's path may be longer than a name in PostgreSQL. `recordFrom` makes a record of them again. */
function recordOf(columns: readonly Column[]): string {
  return columns.map((column, at) => `${column.kind === "text" ? `${raw(column)}::text` : raw(column)} AS ${placeOf(at)}`).join(", ");
}

function placeOf(at: number): string {
  return `c${String(at)}`;
}

function writtenBy(sql: SqlTable, args: JsonObject, { binds }: RowWriter): readonly { readonly column: Column; readonly value: string }[] {
  return flat(args).map(([field, value]) => {
    const column = columnOf(sql, field);
    return { column, value: bound(value, column, binds) };
  });

  function flat(record: JsonObject, prefix = ""): readonly (readonly [string, Json])[] {
    return Object.entries(record).flatMap(([name, value]) => {
      const field = `${prefix}${name}`;
      const nested = asObject(value) !== undefined && !sql.columns.some((column) => column.field === field);
      return nested ? flat(asObject(value) ?? {}, `${field}.`) : [[field, value] as const];
    });
  }
}

function searched(column: Column, value: Json, view: RecordView | undefined, writer: RowWriter): string {
  return guarded(column, `${raw(column)} = ${bound(value, column, writer.binds)}`, view, writer);
}

/**
 * Records count as found only where the caller sees the field as it is: on each level some grant shows both. Where SQL cannot tell which
 * records those are, nobody looks for it.
 */
function guarded({ field }: Column, found: string, view: RecordView | undefined, writer: RowWriter): string {
  if (view === undefined) return found;
  const touches = (path: string): boolean => path === field || field.startsWith(`${path}.`) || path.startsWith(`${field}.`);
  const showing = view.layers.map(({ grants }) => {
    const plain = grants.filter(({ fields }) => ![...fields.keys()].some((path) => touches(path)));
    if (plain.length === 0 || (plain.length < grants.length && view.unpushed.length > 0)) throw new NotSearchable(field);
    return plain.length === grants.length ? "TRUE" : `(${plain.map(({ rows }) => rowSql(rows, writer)).join(" OR ")})`;
  });
  return [found, ...showing.filter((each) => each !== "TRUE")].join(" AND ");
}

function raw({ name }: Column): string {
  return `${RAW}.${quoted(name)}`;
}

function columnOf({ columns, table }: SqlTable, field: string): Column {
  const column = columns.find((each) => each.field === field);
  if (column === undefined) throw new Error(`\`${table.name}\` has no column for the argument \`${field}\`, which \`check\` excludes`);
  return column;
}

/** Its type is that of the column it meets: text for an enum or an identifier, JSON for JSON, a list for a list. */
function bound(value: Json, { kind }: Column, binds: Binds): string {
  if (kind === "json") return binds.add(value === null ? null : JSON.stringify(value));
  if (Array.isArray(value)) return binds.add(value.map((item: Json) => (isScalar(item) ? item : JSON.stringify(item))));
  return binds.add(isScalar(value) ? value : JSON.stringify(value));
}

function isScalar(value: Json): value is string | number | boolean | null {
  return value === null || typeof value !== "object";
}

/** One row as the record that its type declares. */
export function recordFrom({ columns }: SqlTable, row: JsonObject): JsonObject {
  return columns.reduce<JsonObject>((record, { field }, at) => placed(record, field.split("."), row[placeOf(at)] ?? null), {});
}

function placed(record: JsonObject, [step = "", ...rest]: readonly string[], value: Json): JsonObject {
  if (rest.length === 0) return { ...record, [step]: value };
  return { ...record, [step]: placed(asObject(record[step]) ?? {}, rest, value) };
}
