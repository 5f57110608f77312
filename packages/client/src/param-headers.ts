import type { Json, JsonObject } from "./json.ts";
import { isObject } from "./json.ts";
import { headerValue } from "./wire.ts";

/** Headers that mirror arguments, for a tool whose input schema declares them with `x-mcp-header`. */
export function paramHeaders(inputSchema: Json | undefined, args: JsonObject): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  collect(inputSchema, args, headers, 0);
  return headers;
}

/** Levels of a schema that are searched. */
const MAX_DEPTH = 16;

function collect(schema: Json | undefined, value: Json | undefined, headers: Record<string, string>, depth: number): void {
  if (!isObject(schema) || value === undefined || value === null || depth > MAX_DEPTH) return;
  const name = schema["x-mcp-header"];
  if (typeof name === "string" && (typeof value === "string" || typeof value === "number" || typeof value === "boolean")) {
    headers[`mcp-param-${name.toLowerCase()}`] = headerValue(String(value));
  }
  const { properties } = schema;
  if (!isObject(properties) || !isObject(value)) return;
  for (const [key, child] of Object.entries(properties)) collect(child, value[key], headers, depth + 1);
}
