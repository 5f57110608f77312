import type { CallToolResult } from "@modelcontextprotocol/server";

/** A structured result, and the same JSON as text for clients that read no structured content. */
export function answer(record: Record<string, unknown>): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(record) }], structuredContent: record };
}

/** The one record asked for, or the tool's own error. */
export function answerOne(found: readonly Record<string, unknown>[], what: string): CallToolResult {
  const [record] = found;
  return record === undefined ? failure(`there is no ${what}`) : answer(record);
}

export function failure(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

export const READS = { readOnlyHint: true, openWorldHint: false } as const;
export const WRITES = { readOnlyHint: false, destructiveHint: false, openWorldHint: false } as const;
export const DESTROYS = { readOnlyHint: false, destructiveHint: true, openWorldHint: false } as const;
