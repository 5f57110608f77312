import type { Json, JsonObject } from "./json.ts";
import { isObject } from "./json.ts";

/** The broker's closed list of refusals, as docs/spec/refusals.md has it; a test keeps both equal. */
export const REFUSAL_CODES = [
  "unauthenticated",
  "token_expired",
  "session_revoked",
  "agent_stopped",
  "proof_invalid",
  "proof_replayed",
  "wrong_tenant",
  "malformed_request",
  "body_too_large",
  "origin_refused",
  "method_unknown",
  "tool_unknown",
  "tool_unreviewed",
  "tool_unavailable",
  "no_grant",
  "denied_by_rule",
  "outside_ceiling",
  "outside_session_scope",
  "outside_delegation",
  "row_not_permitted",
  "field_not_permitted",
  "cross_tenant",
  "records_exceeded",
  "outside_hours",
  "argument_invalid",
  "rule_error",
  "rate_limited",
  "budget_spent",
  "approval_denied",
  "approval_expired",
  "approval_used",
  "approval_stale",
  "statement_refused",
  "content_refused",
  "record_changed",
  "too_many_at_once",
  "call_repeated",
  "approval_unknown",
  "elevation_not_eligible",
  "elevation_denied",
  "elevation_ended",
  "policy_changed",
  "permit_invalid",
  "credential_unavailable",
  "log_unavailable",
  "store_unavailable",
  "cancelled",
  "internal_fault",
] as const;

/** `unlisted`: a newer broker's code that this version does not know; the message names it. */
export type RefusalCode = (typeof REFUSAL_CODES)[number] | "unlisted";

/** What a program can do about a refusal, as docs/spec/refusals.md lists it. `other` is a newer broker's step. */
export type NextStep =
  | { readonly kind: "request_approval"; readonly ticket: string; readonly url: string }
  | { readonly kind: "request_elevation"; readonly scope: string }
  | { readonly kind: "narrow"; readonly field: string; readonly allowed: readonly Json[] }
  | { readonly kind: "retry_after"; readonly ms: number }
  | { readonly kind: "use_instead"; readonly action: string }
  | { readonly kind: "reauthenticate"; readonly scope?: string }
  | { readonly kind: "ask_owner"; readonly owner: string; readonly text: string }
  | { readonly kind: "other"; readonly step: JsonObject };

const KNOWN: ReadonlySet<string> = new Set(REFUSAL_CODES);

function isRefusalCode(code: string): code is (typeof REFUSAL_CODES)[number] {
  return KNOWN.has(code);
}

export function refusalCode(code: Json | undefined): RefusalCode {
  return typeof code === "string" && isRefusalCode(code) ? code : "unlisted";
}

/** What is no list of steps is none: a refusal without a way on. */
export function nextSteps(value: Json | undefined): readonly NextStep[] {
  return Array.isArray(value) ? value.filter(isObject).map(nextStep) : [];
}

function nextStep(step: JsonObject): NextStep {
  const { kind, ticket, url, scope, field, allowed, ms, action, owner, text } = step;
  if (kind === "request_approval" && isText(ticket) && isText(url)) return { kind, ticket, url };
  if (kind === "request_elevation" && isText(scope)) return { kind, scope };
  if (kind === "narrow" && isText(field) && Array.isArray(allowed)) return { kind, field, allowed };
  if (kind === "retry_after" && typeof ms === "number") return { kind, ms };
  if (kind === "use_instead" && isText(action)) return { kind, action };
  if (kind === "reauthenticate") return isText(scope) ? { kind, scope } : { kind };
  if (kind === "ask_owner" && isText(owner) && isText(text)) return { kind, owner, text };
  return { kind: "other", step };
}

function isText(value: Json | undefined): value is string {
  return typeof value === "string";
}

/** A person or the policy ended these: to open another session at once would undo what they did. */
const FINAL: ReadonlySet<string> = new Set(["session_revoked", "agent_stopped", "wrong_tenant"]);

/** Whether the broker's answer to a whole request (HTTP 401) says that another token will not help. */
export function isFinal(message: Json | undefined): boolean {
  const error = isObject(message) ? message["error"] : undefined;
  const data = isObject(error) ? error["data"] : undefined;
  return isObject(data) && FINAL.has(String(data["code"]));
}
