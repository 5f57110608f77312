import type { JsonObject } from "@bailiwick/policy";

/** The broker's own tool, seen by every session. The surface shows an upstream's tool of this name under another one. */
export const APPROVAL_WAIT = "approval_wait";

export const APPROVAL_WAIT_TOOL: JsonObject = {
  name: APPROVAL_WAIT,
  title: "Wait for a person's approval",
  description:
    "Waits for the person who was asked about a held call and returns that call's real result, exactly once. " +
    "Use it when a call answered `status: pending_approval`; pass its `ticket`. " +
    "While nobody has answered it returns `pending_approval` again: call it again later. The held call itself needs no repetition.",
  inputSchema: {
    type: "object",
    properties: { ticket: { type: "string", description: "the `ticket` of the pending answer" } },
    required: ["ticket"],
    additionalProperties: false,
  },
  annotations: { title: "Wait for a person's approval", readOnlyHint: false, openWorldHint: false },
};

/** A resumed call may have been a resource read or a prompt; as a tool's result it needs content. */
export function asToolResult(body: JsonObject): JsonObject {
  if (Array.isArray(body["content"])) return body;
  return { content: [{ type: "text", text: JSON.stringify(body) }], structuredContent: body };
}
