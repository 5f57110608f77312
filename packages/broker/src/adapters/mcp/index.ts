export type { McpEndpoint } from "./endpoint.ts";
export { createMcpEndpoint } from "./endpoint.ts";
export type { Durations, McpEndpointOptions } from "./settings.ts";
