export type { McpEndpoint } from "./endpoint.ts";
export { createMcpEndpoint } from "./endpoint.ts";
export type { Durations, McpEndpointOptions } from "./settings.ts";
export { DEFAULT_DURATIONS, MAX_BODY_BYTES } from "./settings.ts";
export { APPROVAL_WAIT } from "./approval-wait.ts";
