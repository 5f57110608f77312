import type { CatalogAction, JsonObject } from "@bailiwick/policy";
import { isObject, readPath } from "./paths.ts";
import { structuredOf } from "./structured.ts";

/**
 * The record as a call left it, where the tool answers with it: the one the call acted on, or a new one. Undefined for calls that change
 * nothing, for a delete (what comes back then is what was there before) and where the answer is of another type or holds several.
 */
export function recordAfter({ effect, returns, resource }: CatalogAction, body: JsonObject): JsonObject | undefined {
  if (effect === "read" || effect === "export" || effect === "delete" || body["isError"] === true) return undefined;
  if (returns === undefined || (resource !== undefined && resource.type !== returns.type)) return undefined;
  const found = readPath({ result: structuredOf(body) ?? null }, returns.at);
  return isObject(found) ? found : undefined;
}
