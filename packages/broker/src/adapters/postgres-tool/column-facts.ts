import type { CatalogTable, CatalogTool, FieldType } from "@bailiwick/policy";
import type { PoolClient } from "pg";
import { Fault } from "../../domain/fault.ts";
import { type Column, type ColumnKind, declaredColumns, type SqlTable } from "../sql/columns.ts";

/**
 * The declared table as it really is. Conditions and masks are written for columns of certain types, so a column of another type would
 * make a rule mean something else than what the policy's author read.
 * @throws Fault `tool_unavailable` when the table does not fit what the catalog says of it.
 */
export async function sqlTable(client: PoolClient, tool: CatalogTool, table: CatalogTable): Promise<SqlTable> {
  const { rows } = await client.query<ColumnRow>(COLUMNS, [table.schema, table.name]);
  if (rows.length === 0) throw misfit(tool, table, "does not exist there; create it, or correct `tables`");
  const columns = declaredColumns(tool, table).map((declared): Column => {
    const row = rows.find(({ name }) => name === declared.name);
    if (row === undefined)
      throw misfit(tool, table, `has no column \`${declared.name}\` for the field \`${declared.field}\`; name it under \`columns\``);
    const kind = kindOf(row);
    if (fits(declared.type, kind)) return { ...declared, kind };
    const wanted = EXPECTED[String(declared.type)] ?? "a type that holds it";
    throw misfit(tool, table, `holds \`${declared.field}\` in a column of type \`${row.type}\`; its type in the catalog needs ${wanted}`);
  });
  return { table, columns };
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly category: string;
  readonly deterministic: boolean;
}

const COLUMNS = `
  select a.attname as name, b.typname as type, case when b.typtype = 'e' then 'E' else b.typcategory end::text as category,
    coalesce(c.collisdeterministic, true) as deterministic
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class r on r.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = r.relnamespace
  join pg_catalog.pg_type t on t.oid = a.atttypid
  join pg_catalog.pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
  left join pg_catalog.pg_collation c on c.oid = a.attcollation
  where n.nspname = $1 and r.relname = $2 and r.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped`;

const KINDS: Readonly<Record<string, ColumnKind>> = {
  text: "text",
  varchar: "text",
  citext: "text",
  uuid: "text",
  int2: "integer",
  int4: "integer",
  int8: "bigint",
  numeric: "numeric",
  float4: "float",
  float8: "float",
  bool: "boolean",
  timestamptz: "timestamptz",
  date: "date",
  json: "json",
  jsonb: "json",
};

/** Under a collation that takes different texts for equal, a condition would hold for records that the policy does not mean. */
function kindOf({ type, category, deterministic }: ColumnRow): ColumnKind {
  if (category === "E") return "text";
  if (category === "A") return "list";
  const kind = KINDS[type] ?? "other";
  return kind === "text" && !deterministic ? "other" : kind;
}

const FITTING: Readonly<Record<string, readonly ColumnKind[]>> = {
  string: ["text"],
  email: ["text"],
  integer: ["integer", "bigint"],
  decimal: ["numeric", "float", "integer", "bigint"],
  boolean: ["boolean"],
  datetime: ["timestamptz", "date"],
};

const EXPECTED: Readonly<Record<string, string>> = {
  string: "`text`, `varchar`, `uuid` or an enum, in a deterministic collation",
  email: "`text` or `varchar`, in a deterministic collation",
  integer: "`smallint`, `integer` or `bigint`",
  decimal: "`numeric`, `double precision`, `real` or a whole number",
  boolean: "`boolean`",
  datetime: "`timestamptz` or `date`: a time without a zone is no moment",
};

function fits(type: FieldType, kind: ColumnKind): boolean {
  if (typeof type !== "string") return kind === "json" || kind === "list";
  return type === "any" || (FITTING[type] ?? []).includes(kind);
}

function misfit({ tool }: CatalogTool, { schema, name }: CatalogTable, what: string): Fault {
  return new Fault("tool_unavailable", `the table \`${schema}.${name}\` of \`${tool}\` ${what}; nothing was sent`);
}
