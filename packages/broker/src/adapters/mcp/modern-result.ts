import type { JsonObject } from "@bailiwick/policy";
import { META, PRIVATE_CACHE, isObject } from "../mcp-protocol/index.ts";
import type { Settings } from "./settings.ts";

/**
 * What revision 2026-07-28 requires of each result: `resultType`, the server's identity, and on cacheable results a cache hint.
 * The hint is always private and stale at once: what a session sees depends on who it is and on a policy that may change any second.
 */
export function finishModern(settings: Settings, method: string, result: JsonObject): JsonObject {
  const meta = result["_meta"];
  const resultType = result["resultType"] ?? "complete";
  return {
    ...result,
    resultType,
    ...(resultType === "complete" && CACHEABLE.has(method) ? PRIVATE_CACHE : {}),
    _meta: { ...(isObject(meta) ? meta : {}), [META.serverInfo]: settings.serverInfo },
  };
}

const CACHEABLE: ReadonlySet<string> = new Set([
  "server/discover",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
]);

/** The same result for a client of the older revisions, which do not know these members. */
export function finishLegacy(result: JsonObject): JsonObject {
  if (result["resultType"] === undefined && result["cacheScope"] === undefined && result["ttlMs"] === undefined) return result;
  const { resultType: _type, cacheScope: _scope, ttlMs: _ttl, ...rest } = result;
  return rest;
}
