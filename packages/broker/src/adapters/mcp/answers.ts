import type { Json, JsonObject } from "@bailiwick/policy";
import { isElevationTicket, waitingOf } from "../../call/elevate.ts";
import type { CallAnswer, Waiting } from "../../call/types.ts";
import type { RpcError } from "../mcp-protocol/index.ts";
import { RPC, isObject } from "../mcp-protocol/index.ts";
import { refusalData, refusalText } from "./refusal-text.ts";

/** JSON-RPC code of a refused resource read or prompt: the broker's own, in the range that JSON-RPC leaves to servers. */
export const REFUSED = -32050;

export type WaitingAnswer = Extract<CallAnswer, { kind: "pending" | "pending_elevation" }>;
export type FinalAnswer = Exclude<CallAnswer, WaitingAnswer>;
export type Shaped = { readonly result: JsonObject } | { readonly error: RpcError };

/**
 * An answer in MCP's shape, the same for both eras. `tool` says whether the method answers with a `CallToolResult`.
 * INVARIANT: a refusal is a result or an error inside HTTP 200; clients drop their session on HTTP 4xx.
 */
export function shapeAnswer(answer: FinalAnswer, tool: boolean, name: string): Shaped {
  switch (answer.kind) {
    case "result":
      return { result: withoutOurNames(answer.body) };
    case "tool_error":
      return { error: { code: answer.code, message: answer.message, ...(answer.data === undefined ? {} : { data: answer.data }) } };
    case "refused": {
      if (tool) return { result: textResult(refusalText(answer), true, { "bailiwick/refusal": refusalData(answer) }) };
      const code = answer.code === "tool_unknown" ? RPC.invalidParams : REFUSED;
      return { error: { code, message: answer.message, data: { ...refusalData(answer), uri: name } } };
    }
    case "unknown": {
      const facts = { callId: answer.callId };
      if (tool) return { result: textResult(unknownText(answer), true, { "bailiwick/unknown": facts }) };
      return { error: { code: RPC.internal, message: unknownText(answer), data: { code: "outcome_unknown", ...facts } } };
    }
  }
}

export function isWaiting(answer: CallAnswer): answer is WaitingAnswer {
  return answer.kind === "pending" || answer.kind === "pending_elevation";
}

/** The question that an answer waits for. */
export function waitingIn(answer: WaitingAnswer): Waiting {
  return answer.kind === "pending" ? answer.approval : waitingOf(answer.elevation);
}

/** An upstream's result must not pass for a refusal or a ticket of the broker. */
function withoutOurNames(body: JsonObject): JsonObject {
  const meta = body["_meta"];
  if (!isObject(meta) || !Object.keys(meta).some(isOurs)) return body;
  return { ...body, _meta: Object.fromEntries(Object.entries(meta).filter(([key]) => !isOurs(key))) };
}

function isOurs(key: string): boolean {
  return key.startsWith("bailiwick/");
}

/** What a program reads of a held call. */
export interface PendingFacts extends JsonObject {
  readonly status: "pending_approval";
  readonly ticket: string;
  readonly approvalUrl: string;
  readonly retryAfterMs: number;
}

export function pendingFacts(waiting: Waiting, approvalUrl: string, retryAfterMs: number): PendingFacts {
  return { status: "pending_approval", ticket: waiting.id, approvalUrl, retryAfterMs };
}

/**
 * The answer of last resort to a held call. A tool with an output schema gets no `structuredContent`, which would violate it,
 * and `isError`, because clients reject a success without it; `_meta` carries the facts in every case.
 */
export function pendingResult(facts: PendingFacts, hasOutputSchema: boolean): JsonObject {
  const text = [
    `pending approval: a person must answer before this ${isElevationTicket(facts.ticket) ? "right is given" : "call runs"}; ticket ${facts.ticket}`,
    `answer at: ${facts.approvalUrl}`,
    `next: call approval_wait with {"ticket": "${facts.ticket}"} for the real result, or repeat the identical call later; do other work meanwhile`,
  ].join("\n");
  const meta = { "bailiwick/pending": facts };
  return hasOutputSchema ? textResult(text, true, meta) : { ...textResult(text, false, meta), structuredContent: facts };
}

/** A held resource read or prompt, for clients that cannot come back by `requestState`. */
export function pendingError(facts: PendingFacts): RpcError {
  return {
    code: REFUSED,
    message: `pending approval: answer at ${facts.approvalUrl}, then repeat the request`,
    data: { code: "pending_approval", ...facts },
  };
}

export function waitingText({ id, approvers }: Waiting): string {
  const who = approvers.length === 0 ? "a person" : approvers.join(" or ");
  return `waiting for ${who} to answer ${isElevationTicket(id) ? "elevation" : "approval"} ${id}`;
}

function unknownText(answer: Extract<CallAnswer, { kind: "unknown" }>): string {
  return [
    `outcome unknown: ${answer.message}`,
    `why: the request was sent to the tool and no answer came back; it may or may not have taken effect; call ${answer.callId}`,
    "next: do not retry blindly; read the current state first, and tell the user the call id",
  ].join("\n");
}

function textResult(text: string, isError: boolean, meta: { readonly [key: string]: Json }): JsonObject {
  return { content: [{ type: "text", text }], isError, _meta: meta };
}
