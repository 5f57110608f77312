import type { Json, JsonObject } from "@bailiwick/policy";

/** The structured value of an MCP tool result: `structuredContent`, else the first text block that is JSON. Undefined when there is neither. */
export function structuredOf(result: JsonObject): Json | undefined {
  const structured = result["structuredContent"];
  if (structured !== undefined) return structured;
  const content = result["content"];
  if (!Array.isArray(content)) return undefined;
  for (const block of content) {
    const parsed = jsonOfBlock(block);
    if (parsed !== undefined) return parsed;
  }
  return undefined;
}

/** The JSON value a text block holds, or undefined when it is not a text block or not a JSON object or array. */
export function jsonOfBlock(block: Json): Json | undefined {
  if (typeof block !== "object" || block === null || Array.isArray(block)) return undefined;
  const { type, text } = block as JsonObject;
  if (type !== "text" || typeof text !== "string" || !/^\s*[[{]/u.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
