import type { Json, JsonObject } from "./json.ts";
import { isObject } from "./json.ts";
import type { NextStep, RefusalCode } from "./refusal.ts";
import { nextSteps, refusalCode } from "./refusal.ts";

/** A rule that decided, with its place in the policy files. */
export interface Rule {
  readonly kind: string;
  readonly id: string;
  readonly reason: string;
  readonly file: string;
  readonly line: number;
}

/** The tool answered. `isError` is the tool's own failure. `body` is MCP's result (`CallToolResult`, `ReadResourceResult`). */
export interface ResultOutcome {
  readonly kind: "result";
  readonly isError: boolean;
  readonly text: string;
  readonly body: JsonObject;
}

/** The broker stopped it; nothing happened. `next` says what can be done. */
export interface RefusedOutcome {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly message: string;
  readonly rules: readonly Rule[];
  readonly next: readonly NextStep[];
  readonly callId: string | undefined;
}

/** A person was asked. Go on with `waitForApproval(ticket)`. */
export interface PendingOutcome {
  readonly kind: "pending";
  readonly ticket: string;
  readonly approvalUrl: string;
  readonly retryAfterMs: number;
}

/** It was sent and may have happened. Look before repeating. */
export interface UnknownOutcome {
  readonly kind: "unknown";
  readonly message: string;
  readonly callId: string | undefined;
}

/** The tool rejected the request itself (a JSON-RPC error). */
export interface ToolErrorOutcome {
  readonly kind: "toolError";
  readonly code: number;
  readonly message: string;
  readonly data: Json | undefined;
}

/** What became of a call: exactly one of these. */
export type CallOutcome = ResultOutcome | RefusedOutcome | PendingOutcome | UnknownOutcome | ToolErrorOutcome;

/** How long to wait before the same call is of use again, in ms; undefined when waiting does not help. */
export function retryAfter(outcome: CallOutcome): number | undefined {
  if (outcome.kind === "pending") return outcome.retryAfterMs;
  if (outcome.kind !== "refused") return undefined;
  return outcome.next.find((step) => step.kind === "retry_after")?.ms;
}

/** Where a person can say yes; undefined when none was asked and none can be. */
export function needsApproval(outcome: CallOutcome): { readonly ticket: string; readonly url: string } | undefined {
  if (outcome.kind === "pending") return { ticket: outcome.ticket, url: outcome.approvalUrl };
  if (outcome.kind !== "refused") return undefined;
  const step = outcome.next.find(({ kind }) => kind === "request_approval");
  return step?.kind === "request_approval" ? { ticket: step.ticket, url: step.url } : undefined;
}

/** Reads a JSON-RPC answer of the broker. */
export function outcomeOf(answer: JsonObject): CallOutcome {
  const { result, error } = answer;
  if (isObject(result)) return outcomeOfResult(result);
  if (!isObject(error)) return { kind: "unknown", message: "the broker's answer is no JSON-RPC answer", callId: undefined };
  const message = textOf(error["message"]);
  const { data } = error;
  if (isObject(data)) {
    const pending = pendingIn(data);
    if (pending !== undefined) return pending;
    if (data["code"] === "outcome_unknown") return { kind: "unknown", message, callId: optionalText(data["callId"]) };
    if (Array.isArray(data["rules"])) return refusedBy(data, message);
  }
  return { kind: "toolError", code: typeof error["code"] === "number" ? error["code"] : 0, message, data };
}

function outcomeOfResult(result: JsonObject): CallOutcome {
  const meta = isObject(result["_meta"]) ? result["_meta"] : {};
  const text = textIn(result);
  const pending = pendingIn(meta["bailiwick/pending"]);
  if (pending !== undefined) return pending;
  const refusal = meta["bailiwick/refusal"];
  if (isObject(refusal)) return refusedBy(refusal, firstLine(text).replace(/^refused: /, ""));
  const unknown = meta["bailiwick/unknown"];
  if (isObject(unknown))
    return { kind: "unknown", message: firstLine(text).replace(/^outcome unknown: /, ""), callId: optionalText(unknown["callId"]) };
  return { kind: "result", isError: result["isError"] === true, text, body: result };
}

function pendingIn(facts: Json | undefined): PendingOutcome | undefined {
  if (!isObject(facts)) return undefined;
  const { ticket, approvalUrl, retryAfterMs } = facts;
  if (typeof ticket !== "string" || typeof approvalUrl !== "string") return undefined;
  return { kind: "pending", ticket, approvalUrl, retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : 0 };
}

function refusedBy(facts: JsonObject, message: string): RefusedOutcome {
  const rules = Array.isArray(facts["rules"]) ? facts["rules"].filter(isObject) : [];
  const code = refusalCode(facts["code"]);
  return {
    kind: "refused",
    code,
    message,
    rules: rules.map(ruleIn),
    next: nextSteps(facts["next"]),
    callId: optionalText(facts["callId"]),
  };
}

function ruleIn(rule: JsonObject): Rule {
  const { kind, id, reason, file, line } = rule;
  return { kind: textOf(kind), id: textOf(id), reason: textOf(reason), file: textOf(file), line: typeof line === "number" ? line : 0 };
}

function textIn(result: JsonObject): string {
  const content = result["content"] ?? result["contents"];
  if (!Array.isArray(content)) return "";
  return content
    .filter(isObject)
    .map((part) => textOf(part["text"]))
    .filter((text) => text !== "")
    .join("\n");
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function optionalText(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
