import type { JsonObject } from "@bailiwick/policy";
import { encodeHeaderValue, HEADER, isObject, objectAt, stringAt } from "../mcp-protocol/index.ts";

/** Which arguments of a tool travel in headers as well: argument name to header name. */
export type ParamHeaders = ReadonlyMap<string, string>;

/**
 * Reads the `x-mcp-header` annotations of a tool (SEP-2243). Undefined when they break its rules:
 * such a tool must not be offered, because an intermediary could be made to see another value than the server.
 */
export function paramHeaders(tool: JsonObject): ParamHeaders | undefined {
  const properties = objectAt(objectAt(tool, "inputSchema"), "properties");
  const headers = new Map<string, string>();
  const taken = new Set<string>();
  for (const [argument, schema] of Object.entries(properties)) {
    if (!isObject(schema) || !("x-mcp-header" in schema)) continue;
    const name = stringAt(schema, "x-mcp-header") ?? "";
    const lower = name.toLowerCase();
    if (!TOKEN.test(name) || taken.has(lower) || !PRIMITIVES.has(stringAt(schema, "type") ?? "")) return undefined;
    taken.add(lower);
    headers.set(argument, HEADER.paramPrefix + lower);
  }
  return headers;
}

/** Null and absent arguments have no header. */
export function mirrored(headers: ParamHeaders, args: JsonObject): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [argument, header] of headers) {
    const value = args[argument];
    if (typeof value === "string" || typeof value === "boolean" || typeof value === "number")
      values[header] = encodeHeaderValue(String(value));
  }
  return values;
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Numbers with fractions have no single text form and may not be mirrored. */
const PRIMITIVES: ReadonlySet<string> = new Set(["string", "integer", "boolean"]);
