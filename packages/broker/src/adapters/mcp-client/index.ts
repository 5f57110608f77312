export { createConnection, type ConnectionOptions, type McpConnection } from "./connection.ts";
export { readChallenge } from "./challenge.ts";
export type { McpTarget } from "./live.ts";
export { requireBoundHost } from "./hosts.ts";
