/**
 * Names of OpenTelemetry's semantic conventions for generative AI and MCP. Both have the status "Development" and are renamed now and then:
 * they are written down here once, as they stood in November 2026, and come from no package.
 */
export const GEN_AI = {
  operation: "gen_ai.operation.name",
  executeTool: "execute_tool",
  tool: "gen_ai.tool.name",
  prompt: "gen_ai.prompt.name",
} as const;

export const MCP_METHOD = "mcp.method.name";

/** Stable names, except the status code (release candidate). */
export const GENERAL = {
  errorType: "error.type",
  responseStatus: "rpc.response.status_code",
  transport: "network.transport",
  serverAddress: "server.address",
  serverPort: "server.port",
  serviceName: "service.name",
  serviceVersion: "service.version",
  serviceInstance: "service.instance.id",
} as const;

/** Our own. */
export const BAILIWICK = {
  callId: "bailiwick.call.id",
  code: "bailiwick.code",
  verdict: "bailiwick.verdict",
  /** The catalog's name of the tool, which is a server with many operations. */
  tool: "bailiwick.tool",
  record: "bailiwick.record.kind",
} as const;

/**
 * Members of a record that a span may carry, and the names it carries them under. What is not listed never reaches a trace: neither people nor
 * tasks, nor the operation as an agent named it, which may be any text.
 */
export const FROM_RECORD: Readonly<Record<string, string>> = {
  tenant: "bailiwick.tenant",
  environment: "bailiwick.environment",
  workflow: "bailiwick.workflow",
  agent: "bailiwick.agent",
  session: "bailiwick.session",
  run: "bailiwick.run",
  tool: BAILIWICK.tool,
  action: "bailiwick.action",
  effect: "bailiwick.effect",
  verdict: BAILIWICK.verdict,
  policyVersion: "bailiwick.policy.version",
  status: "bailiwick.status",
};
