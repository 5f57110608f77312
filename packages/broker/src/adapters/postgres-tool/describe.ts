import type { CatalogAction, FieldType, JsonObject } from "@bailiwick/policy";

/** One action in MCP's shape; its `inputSchema` comes from the catalog, without the arguments that the broker sets. */
export function describeStatement(action: CatalogAction): JsonObject {
  const visible = Object.fromEntries(Object.entries(action.args).filter(([name]) => !(bareName(name) in action.force)));
  return {
    name: action.operation.name,
    description: action.description ?? `runs one reviewed statement (${action.scope}, ${action.effect}) and answers its rows`,
    inputSchema: schemaOfFields(visible),
    outputSchema: {
      type: "object",
      properties: { rows: { type: "array", items: { type: "object" } }, rowCount: { type: "integer" } },
      required: ["rows", "rowCount"],
    },
    annotations: { readOnlyHint: action.effect === "read", openWorldHint: false },
  };
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
