import type { NextStep, PolicyRefusalCode, RuleRef } from "@bailiwick/policy";

/** The closed list of reasons for which a call does not run. */
export type RefusalCode =
  | PolicyRefusalCode
  | "unauthenticated"
  | "token_expired"
  | "session_revoked"
  | "agent_stopped"
  | "proof_invalid"
  | "proof_replayed"
  | "wrong_tenant"
  | "malformed_request"
  | "body_too_large"
  | "origin_refused"
  | "method_unknown"
  | "tool_unknown"
  | "tool_unreviewed"
  | "tool_unavailable"
  | "statement_refused"
  | "content_refused"
  | "record_changed"
  | "rate_limited"
  | "too_many_at_once"
  | "call_repeated"
  | "budget_spent"
  | "approval_denied"
  | "approval_expired"
  | "approval_used"
  | "approval_stale"
  | "approval_unknown"
  | "elevation_ended"
  | "elevation_denied"
  | "elevation_not_eligible"
  | "policy_changed"
  | "permit_invalid"
  | "credential_unavailable"
  | "log_unavailable"
  | "store_unavailable"
  | "cancelled"
  | "internal_fault";

/**
 * Thrown to stop a call before its effect; a forgotten check cannot let a call through.
 * INVARIANT: never thrown after the request was sent to the tool.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly rules: readonly RuleRef[];
  readonly next: readonly NextStep[];
  /** Set once the refusal is recorded. */
  callId: string | undefined;
  constructor(code: RefusalCode, message: string, facts: { rules?: readonly RuleRef[]; next?: readonly NextStep[] } = {}) {
    super(message);
    this.code = code;
    this.rules = facts.rules ?? [];
    this.next = facts.next ?? [];
  }
}

/** A refusal whose record is already durable. */
export class RecordedRefusal extends Refusal {}
