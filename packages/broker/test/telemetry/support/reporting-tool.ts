import type { IncomingHttpHeaders } from "node:http";
import { createInterface } from "node:readline";
import type { Json, JsonObject } from "@bailiwick/policy";
import { type Era, META, MODERN_VERSION, isObject, parseJson } from "../../../src/adapters/mcp-protocol/index.ts";

// A tool server whose one tool tells what came with the call. Usage: node reporting-tool.ts <era>, over its pipes; or `answer` over HTTP.

export const REPORT = { name: "report", description: "tells what came with the call", inputSchema: { type: "object" } } as const;

/** The answer to one JSON-RPC message; undefined for a notification. */
export function answer(era: Era, message: Json | undefined, headers: IncomingHttpHeaders): JsonObject | undefined {
  if (!isObject(message) || message["id"] === undefined) return undefined;
  const params = isObject(message["params"]) ? message["params"] : {};
  const result = resultOf(era, String(message["method"]), params, headers);
  const head = { jsonrpc: "2.0", id: message["id"] };
  return result === undefined ? { ...head, error: { code: -32_601, message: "there is no such method" } } : { ...head, result };
}

function resultOf(era: Era, method: string, params: JsonObject, headers: IncomingHttpHeaders): JsonObject | undefined {
  const complete = era === "modern" ? { resultType: "complete", _meta: { [META.serverInfo]: { name: "report", version: "1" } } } : {};
  switch (method) {
    case "server/discover":
      return era === "modern" ? { supportedVersions: [MODERN_VERSION], capabilities: { tools: {} }, ...complete } : undefined;
    case "initialize":
      return era === "legacy"
        ? { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "report", version: "1" } }
        : undefined;
    case "tools/list":
      return { tools: [REPORT], ...complete };
    case "tools/call": {
      const got = { headers: JSON.stringify(headers), meta: params["_meta"] ?? {} };
      return { content: [{ type: "text", text: JSON.stringify(got) }], structuredContent: got, ...complete };
    }
    default:
      return undefined;
  }
}

if (process.argv[1] === import.meta.filename) {
  const era = process.argv[2] === "modern" ? "modern" : "legacy";
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = answer(era, parseJson(line), {});
    if (reply !== undefined) process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}
