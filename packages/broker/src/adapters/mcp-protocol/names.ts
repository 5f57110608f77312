/** Keys of `_meta` that the modern era requires or reserves (MCP 2026-07-28, basic/lifecycle). */
export const META = {
  protocolVersion: "io.modelcontextprotocol/protocolVersion",
  clientCapabilities: "io.modelcontextprotocol/clientCapabilities",
  clientInfo: "io.modelcontextprotocol/clientInfo",
  serverInfo: "io.modelcontextprotocol/serverInfo",
  logLevel: "io.modelcontextprotocol/logLevel",
  subscriptionId: "io.modelcontextprotocol/subscriptionId",
  relatedTask: "io.modelcontextprotocol/related-task",
} as const;

/** Key of the tasks extension in `capabilities.extensions` (SEP-2663). */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** HTTP headers of the Streamable HTTP transport, lower case as Node delivers them. */
export const HEADER = {
  protocolVersion: "mcp-protocol-version",
  method: "mcp-method",
  name: "mcp-name",
  paramPrefix: "mcp-param-",
  session: "mcp-session-id",
  lastEventId: "last-event-id",
} as const;

export const JSON_TYPE = "application/json";
export const EVENT_STREAM_TYPE = "text/event-stream";

/** Caching hints on modern list and read results (SEP-2549): what an identity sees is never shared. */
export const PRIVATE_CACHE = { ttlMs: 0, cacheScope: "private" } as const;

/** Log levels of `logging/setLevel`, least severe first. */
export const LOG_LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const;
