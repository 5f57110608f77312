export type { AgentKey } from "./agent-key.ts";
export { loadAgentKey } from "./agent-key.ts";
export type { SessionRequest, SessionToken } from "./session-token.ts";
export { getSessionToken } from "./session-token.ts";
export type { AgentConnection, CallOptions, TokenSource } from "./connection.ts";
export { connect, createTokenSource } from "./connection.ts";
export type { CallOutcome, Rule } from "./outcome.ts";
export type { Json, JsonObject } from "./json.ts";
export { paramHeaders } from "./param-headers.ts";
