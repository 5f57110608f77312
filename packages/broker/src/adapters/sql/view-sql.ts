import type { FieldTreatment, RecordView, ViewLayer } from "@bailiwick/policy";
import type { Binds } from "./bind.ts";
import { type Column, relationOf, type SqlTable } from "./columns.ts";
import { quoted } from "./identifier.ts";
import { type HashSalt, hashSalt, maskedSql } from "./mask-sql.ts";
import { rowSql, type RowWriter } from "./row-sql.ts";

/** Alias of the table itself where conditions speak of its columns. */
export const RAW = "raw";

/** Whether the records of the view are those for which this holds; over the raw columns of the alias `raw`. */
export function visibleSql(view: RecordView, writer: RowWriter): string {
  return allOf(view.layers.flatMap(({ base, grants }) => [rowSql(base, writer), someOf(grants, writer)]));
}

/** Nothing is written that is then left out: PostgreSQL takes no value that its statement does not name. */
function someOf(grants: ViewLayer["grants"], writer: RowWriter): string {
  return grants.some(({ rows }) => rows.op === "true") ? "TRUE" : anyOf(grants.map(({ rows }) => rowSql(rows, writer)));
}

/**
 * A `select` that is the caller's view of a table: the records it may see, of each the fields it may see, as it may see them. A field that
 * no grant shows is no column of it. A field that some grants hide is null in records that only those show.
 * Its `OFFSET 0` is a fence: PostgreSQL evaluates nothing that stands outside of it on records that it does not answer, so neither an
 * error nor the time that a condition takes tells of them. Its empty second half is another: of a union the planner takes no statistics, which
 * are over all records, for what it expects of a condition outside.
 */
export function viewSql({ table, columns }: SqlTable, view: RecordView, binds: Binds, salt: string): string {
  const writer: RowWriter = { alias: RAW, columns, binds };
  const layers = view.layers.map((layer, index) => layerSql(layer, index, writer));
  const shown = columns.flatMap((column, index): readonly ShownColumn[] => {
    const steps = layers.flatMap((layer) => stepsOf(column, layer));
    return steps.some((step) => step.every(({ treatment }) => treatment === "hide")) ? [] : [{ column, name: `c${String(index)}`, steps }];
  });
  const flags = layers.flatMap(({ grants }) => grants.map(({ flag, rows }) => `(${rows}) AS ${flag}`));
  const where = allOf(layers.flatMap(({ base, grants }) => [base, anyOf(grants.map(({ rows }) => rows))]));
  const first = [...shown.map((each) => `${rawValue(each)} AS ${each.name}`), ...flags];
  const innermost = `SELECT ${first.join(", ")} FROM ${relationOf(table)} AS ${RAW} WHERE ${where}`;
  const depth = Math.max(0, ...shown.map(({ steps }) => steps.length));
  const hash = hashSalt(salt, binds);
  const treated = Array.from({ length: depth }).reduce<string>((inner, _, level) => levelSql(inner, level, shown, layers, hash), innermost);
  const outermost = shown.map(({ name, column }) => `v.${name} AS ${quoted(column.name)}`);
  const nothing = `SELECT ${shown.map(() => "NULL").join(", ")} WHERE FALSE`;
  return `SELECT ${outermost.join(", ")} FROM (${treated}) AS v UNION ALL ${nothing} OFFSET 0`;
}

interface LayerSql {
  readonly base: string;
  readonly grants: readonly { readonly rows: string; readonly flag: string; readonly fields: ReadonlyMap<string, FieldTreatment> }[];
}

/** One treatment of one column: by each grant that may show the record, undefined where that grant shows it as it is. */
type Step = readonly { readonly flag: string; readonly treatment: FieldTreatment | undefined }[];

interface ShownColumn {
  readonly column: Column;
  readonly name: string;
  readonly steps: readonly Step[];
}

function layerSql({ base, grants }: ViewLayer, index: number, writer: RowWriter): LayerSql {
  return {
    base: rowSql(base, writer),
    grants: grants.map(({ rows, fields }, at) => ({ rows: rowSql(rows, writer), flag: `g${String(index)}_${String(at)}`, fields })),
  };
}

/**
 * What a layer does to a column, as `present` does it: what is said of the path that is nearest to it, which says all that is said of what
 * that lies in. Inside of a list or of a value of any shape nothing can be treated here, so where a rule speaks of what lies there the
 * whole is hidden.
 */
function stepsOf({ field, kind }: Column, { grants }: LayerSql): readonly Step[] {
  const touches = (path: string): boolean => path === field || field.startsWith(`${path}.`) || path.startsWith(`${field}.`);
  const paths = [...new Set(grants.flatMap(({ fields }) => [...fields.keys()]))].filter(touches);
  const whole = MASKED_AS[kind] === undefined;
  const inside = paths.filter((path) => path.length > field.length);
  const [nearest] = paths.filter((path) => path.length <= field.length).toSorted((a, b) => b.length - a.length);
  return [...inside, ...(nearest === undefined ? [] : [nearest])].map((path) =>
    grants.map(({ flag, fields }) => {
      const treatment = fields.get(path);
      return { flag, treatment: treatment !== undefined && (whole || path.length > field.length) ? "hide" : treatment };
    }),
  );
}

const MASKED_AS: Readonly<Record<Column["kind"], "text" | "number" | "boolean" | undefined>> = {
  text: "text",
  integer: "number",
  bigint: "number",
  numeric: "number",
  float: "number",
  boolean: "boolean",
  timestamptz: "text",
  date: "text",
  json: undefined,
  list: undefined,
  other: undefined,
};

/** The column as the broker itself would answer it; a time that is masked anywhere is text everywhere, as it is in JSON. */
function rawValue({ column: { name, kind }, steps }: ShownColumn): string {
  const raw = `${RAW}.${quoted(name)}`;
  if (kind === "text") return `${raw}::text`;
  const masked = steps.some((step) => step.some(({ treatment }) => treatment !== undefined && treatment !== "hide"));
  if (!masked) return raw;
  if (kind === "date") return `${raw}::text`;
  return kind === "timestamptz" ? `to_char(${raw} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')` : raw;
}

function levelSql(inner: string, level: number, shown: readonly ShownColumn[], layers: readonly LayerSql[], salt: HashSalt): string {
  const columns = shown.map(({ column, name, steps }) => {
    const step = steps[level];
    return step === undefined ? `l.${name}` : `${stepSql(`l.${name}`, step, column, salt)} AS ${name}`;
  });
  const flags = layers.flatMap(({ grants }) => grants.map(({ flag }) => `l.${flag}`));
  return `SELECT ${[...columns, ...flags].join(", ")} FROM (${inner}) AS l`;
}

/** Of treatments, the one that shows most first: of several grants that show a record it counts. */
const SHOWING_MOST_FIRST = [undefined, "partial", "hash", "token", "redact"] as const;

function stepSql(value: string, step: Step, { kind }: Column, salt: HashSalt): string {
  const [first] = step;
  const treated = (treatment: Exclude<FieldTreatment, "hide"> | undefined): string => {
    const as = MASKED_AS[kind];
    return treatment === undefined || as === undefined ? value : maskedSql(value, as, treatment, salt);
  };
  if (first !== undefined && first.treatment !== "hide" && step.every(({ treatment }) => treatment === first.treatment))
    return treated(first.treatment);
  const cases = SHOWING_MOST_FIRST.flatMap((treatment) => {
    const flags = step.filter((each) => each.treatment === treatment).map(({ flag }) => `l.${flag}`);
    return flags.length === 0 ? [] : [`WHEN ${flags.join(" OR ")} THEN ${treated(treatment)}`];
  });
  return `CASE ${cases.join(" ")} END`;
}

function allOf(parts: readonly string[]): string {
  const told = parts.filter((part) => part !== "TRUE");
  return told.length === 0 ? "TRUE" : told.join(" AND ");
}

function anyOf(parts: readonly string[]): string {
  if (parts.length === 0) return "FALSE";
  return parts.includes("TRUE") ? "TRUE" : `(${parts.join(" OR ")})`;
}
