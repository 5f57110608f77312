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

/** `text[]`: as for the lists below, the driver does not name its identifier, which never changes (pg_type.dat). */
const TEXT_LIST = 1009;

const driverParser: (oid: number) => Parse = types.getTypeParser;

type Parse = (text: string) => Json;

const bytes: Parse = (text) => Buffer.from(text.slice("\\x".length), "hex").toString("base64");
const asItIs: Parse = (text) => text;
const local: Parse = (text) => text.replace(" ", "T");

/**
 * How column values become JSON: numbers only when a double holds them exactly and JSON has them (otherwise their text), times as RFC 3339,
 * bytes as base64, intervals as the server writes them. The driver's own parsers would shift dates by the machine's time zone, and lose
 * digits, `NaN` and intervals. INVARIANT: a list of a type is read as the type is.
 */
const PARSERS: ReadonlyMap<number, Parse> = new Map<number, Parse>(
  [
    { of: types.builtins.INT8, list: 1016, parse: exactNumber },
    { of: types.builtins.NUMERIC, list: 1231, parse: exactNumber },
    { of: types.builtins.FLOAT4, list: 1021, parse: roughNumber },
    { of: types.builtins.FLOAT8, list: 1022, parse: roughNumber },
    { of: types.builtins.DATE, list: 1182, parse: asItIs },
    { of: types.builtins.TIMESTAMP, list: 1115, parse: local },
    { of: types.builtins.TIMESTAMPTZ, list: 1185, parse: moment },
    { of: types.builtins.INTERVAL, list: 1187, parse: asItIs },
    { of: types.builtins.BYTEA, list: 1001, parse: bytes },
  ].flatMap(({ of, list, parse }): readonly (readonly [number, Parse])[] => [
    [of, parse],
    [list, listOf(parse)],
  ]),
);

/** A list as the driver takes it apart, of texts, nulls and lists of such. */
function listOf(parse: Parse): Parse {
  const textsIn = driverParser(TEXT_LIST);
  const each = (item: Json): Json =>
    Array.isArray(item) ? item.map((inner: Json) => each(inner)) : typeof item === "string" ? parse(item) : null;
  return (text) => each(textsIn(text));
}

export const JSON_TYPES: CustomTypesConfig = {
  getTypeParser: (oid: Parameters<typeof types.getTypeParser>[0], format?: "text" | "binary") =>
    PARSERS.get(oid) ?? types.getTypeParser(oid, format),
};

/** `infinity` and what lies before the year 1 or after 9999 stay as PostgreSQL writes them. */
function moment(text: string): string {
  const time = new Date(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}

/** `NaN` and `Infinity` are no numbers of JSON. */
function roughNumber(text: string): number | string {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

/** `12.50` is exact as 12.5; 2^63 is not exact as a double and stays text. */
function exactNumber(text: string): number | string {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  const plain = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return String(number) === plain ? number : text;
}
