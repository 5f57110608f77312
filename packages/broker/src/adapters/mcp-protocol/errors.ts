/** Error codes of JSON-RPC 2.0 section 5.1 and of MCP. */
export const RPC = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** Legacy era only; the modern era answers `invalidParams` (SEP-2164). */
  resourceNotFound: -32002,
  /** The user declined or the capability is missing, as servers of the legacy era use it. */
  userRejected: -1,
  urlElicitationRequired: -32042,
  /** Modern: a routing header contradicts the body. HTTP 400. */
  headerMismatch: -32020,
  /** Modern: the client declared no capability that the request needs. HTTP 400; data.requiredCapabilities. */
  missingClientCapability: -32021,
  /** Modern: HTTP 400; data.supported and data.requested. */
  unsupportedVersion: -32022,
} as const;
