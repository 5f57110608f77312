import type { CatalogAction, Json, JsonObject } from "@bailiwick/policy";
import { types, type CustomTypesConfig } from "pg";
import { ToolError } from "../../domain/tool.ts";

/** JSON-RPC 2.0, section 5.1. */
const INVALID_PARAMS = -32602;

/**
 * The bind values of one call, in the order of the statement's placeholders; an absent optional argument is NULL.
 * Values never become SQL text: objects travel as JSON, everything else as itself.
 * @throws ToolError -32602 when the catalog names a path outside `args`.
 */
export function bindValues(action: CatalogAction, args: JsonObject): readonly unknown[] {
  return (action.statement?.params ?? []).map((path) => bindable(valueAt(path, args)));
}

function valueAt(path: string, args: JsonObject): Json {
  const [root, ...keys] = path.split(".");
  if (root !== "args" || keys.length === 0) {
    throw new ToolError(INVALID_PARAMS, `\`${path}\` is no argument; write \`args.<name>\` in the statement's \`params\``);
  }
  let value: Json = args;
  for (const key of keys) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return null;
    value = value[key] ?? null;
  }
  return value;
}

function bindable(value: Json): unknown {
  return isRecord(value) ? JSON.stringify(value) : value;
}

function isRecord(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * How column values become JSON: numbers only when a double holds them exactly (otherwise their text), times as RFC 3339,
 * bytes as base64. The driver's own parsers would shift dates by the machine's time zone.
 */
const PARSERS: ReadonlyMap<number, (text: string) => Json> = new Map<number, (text: string) => Json>([
  [types.builtins.INT8, exactNumber],
  [types.builtins.NUMERIC, exactNumber],
  [types.builtins.DATE, (text) => text],
  [types.builtins.TIMESTAMP, (text) => text.replace(" ", "T")],
  [types.builtins.TIMESTAMPTZ, moment],
  [types.builtins.BYTEA, (text) => Buffer.from(text.slice("\\x".length), "hex").toString("base64")],
]);

export const JSON_TYPES: CustomTypesConfig = {
  getTypeParser: (oid: Parameters<typeof types.getTypeParser>[0], format?: "text" | "binary") =>
    PARSERS.get(oid) ?? types.getTypeParser(oid, format),
};

/** `infinity` and what lies before the year 1 or after 9999 stay as PostgreSQL writes them. */
function moment(text: string): string {
  const time = new Date(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}

/** `12.50` is exact as 12.5; 2^63 is not exact as a double and stays text. */
function exactNumber(text: string): number | string {
  const number = Number(text);
  const plain = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return String(number) === plain ? number : text;
}
