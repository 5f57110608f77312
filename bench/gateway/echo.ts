import type { JsonObject } from "@bailiwick/policy";

type Message = Readonly<Record<string, unknown>>;

const RECORD = { id: "c-1042", name: "Ada Example", email: "ada@customer.example", tier: 1, region: "emea" };

export const ECHO_TOOL: JsonObject = {
  name: "echo",
  description: "Returns the text and a customer record",
  inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  annotations: { readOnlyHint: true },
};

/** What the echo server answers to one JSON-RPC message; undefined for notifications. Shared by the HTTP and the stdio form. */
export function echoAnswer(message: Message): Message | undefined {
  if (message["id"] === undefined) return undefined;
  const answer = (result: Message): Message => ({ jsonrpc: "2.0", id: message["id"], result });
  const params = asMessage(message["params"]);
  switch (message["method"]) {
    case "initialize":
      return answer({
        protocolVersion: typeof params["protocolVersion"] === "string" ? params["protocolVersion"] : "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "echo", version: "1.0.0" },
      });
    case "ping":
      return answer({});
    case "tools/list":
      return answer({ tools: [ECHO_TOOL] });
    case "tools/call": {
      const record = { ...RECORD, text: asMessage(params["arguments"])["text"] };
      return answer({ content: [{ type: "text", text: JSON.stringify(record) }], structuredContent: record });
    }
    default:
      return { jsonrpc: "2.0", id: message["id"], error: { code: -32601, message: "method not found" } };
  }
}

export function asMessage(value: unknown): Message {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
