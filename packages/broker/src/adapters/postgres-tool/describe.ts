import type { CatalogAction, CatalogTable, CatalogTool, FieldType, JsonObject } from "@bailiwick/policy";
import { declaredColumns } from "../sql/columns.ts";

/** One action in MCP's shape; its `inputSchema` comes from the catalog, without the arguments that the broker sets. */
export function describeAction(tool: CatalogTool, action: CatalogAction): JsonObject {
  const visible = Object.fromEntries(Object.entries(action.args).filter(([name]) => !(bareName(name) in action.force)));
  return {
    name: action.operation.name,
    description: action.description ?? described(tool, action),
    inputSchema: schemaOfFields(visible),
    outputSchema: isSingle(tool, action) ? ONE_RECORD : ROWS,
    annotations: { readOnlyHint: action.effect === "read", openWorldHint: false },
  };
}

/** Whether the action answers one record: a change does, and a select that is always given the key. */
export function isSingle({ tables }: Pick<CatalogTool, "tables">, { table, args }: CatalogAction): boolean {
  if (table === undefined) return false;
  const key = tables.find(({ name }) => name === table.name)?.key;
  return table.do !== "select" || (key !== undefined && Object.hasOwn(args, key));
}

const ROWS: JsonObject = {
  type: "object",
  properties: { rows: { type: "array", items: { type: "object" } }, rowCount: { type: "integer" } },
  // The count is taken out of a filtered result whose catalog entry does not name it.
  required: ["rows"],
};

const ONE_RECORD: JsonObject = {
  type: "object",
  properties: { record: { type: "object" }, rowCount: { type: "integer" } },
};

function described(tool: CatalogTool, { scope, effect, table, sql }: CatalogAction): string {
  if (table !== undefined) return `${table.do} of the table ${table.name} (${scope}, ${effect})`;
  if (sql === undefined) return `runs one reviewed statement (${scope}, ${effect}) and answers its rows`;
  const tables = tool.tables.filter(({ name }) => sql.tables.includes(name)).map((each) => spelled(tool, each));
  return (
    `answers one SELECT (PostgreSQL) that you write over ${tables.join(", ")}; you see of each table the rows and columns that you may see. ` +
    `Values go to \`params\` as $1, $2, ...; at most ${String(sql.maxRows)} rows`
  );
}

function spelled(tool: CatalogTool, table: CatalogTable): string {
  return `${table.name}(${declaredColumns(tool, table)
    .map(({ name }) => name)
    .join(", ")})`;
}

/** JSON Schema (draft 2020-12) of a record of catalog fields; a trailing `?` marks an optional one. */
export function schemaOfFields(fields: Readonly<Record<string, FieldType>>): JsonObject {
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(fields).map(([name, type]) => [bareName(name), schemaOf(type)])),
    required: Object.keys(fields).filter((name) => !name.endsWith("?")),
    additionalProperties: false,
  };
}

function schemaOf(type: FieldType): JsonObject {
  switch (type) {
    case "string":
    case "integer":
    case "boolean":
      return { type };
    case "decimal":
      return { type: "number" };
    case "datetime":
      return { type: "string", format: "date-time" };
    case "email":
      return { type: "string", format: "email" };
    case "any":
      return {};
    default:
      return isList(type) ? { type: "array", items: schemaOf(type[0]) } : schemaOfFields(type);
  }
}

function isList(type: readonly [FieldType] | { readonly [key: string]: FieldType }): type is readonly [FieldType] {
  return Array.isArray(type);
}

function bareName(name: string): string {
  return name.endsWith("?") ? name.slice(0, -1) : name;
}
