import type { JsonObject } from "@bailiwick/policy";
import type { ConnectionKey, ToolConnection, ToolListing } from "../domain/tool.ts";
import { ToolError } from "../domain/tool.ts";

/** JSON-RPC 2.0, section 5.1: the method does not exist. */
const METHOD_NOT_FOUND = -32601;

/** What an adapter that speaks no MCP itself must bring; the rest of a connection is the same for all of them. */
export interface BuiltInTool {
  readonly key: ConnectionKey;
  readonly tools: readonly JsonObject[];
  readonly instructions: string;
  readonly invoke: ToolConnection["invoke"];
  readonly close: () => Promise<void>;
}

/**
 * A connection whose list is fixed by the catalog: it offers tools only, and its list changes with the policy alone,
 * so `onChange` never calls. `complete` and `subscribe` throw ToolError -32601.
 */
export function builtInTool(tool: BuiltInTool): ToolConnection {
  const listing: ToolListing = {
    tools: tool.tools,
    resources: [],
    resourceTemplates: [],
    prompts: [],
    capabilities: { tools: {} },
    instructions: tool.instructions,
  };
  return {
    key: tool.key,
    listing: () => Promise.resolve(listing),
    invoke: tool.invoke,
    complete: () => Promise.reject(unsupported(tool.key, "completion")),
    setLogLevel: () => Promise.resolve(),
    subscribe: () => Promise.reject(unsupported(tool.key, "resource subscriptions")),
    onChange: () => () => {},
    close: tool.close,
  };
}

/** A structured result in MCP's shape; the same JSON as text for clients that read no structured content. */
export function structuredResult(structuredContent: JsonObject): JsonObject {
  return { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent };
}

function unsupported(key: ConnectionKey, what: string): ToolError {
  return new ToolError(METHOD_NOT_FOUND, `\`${key.tool}\` offers no ${what}; call its tools instead`);
}
