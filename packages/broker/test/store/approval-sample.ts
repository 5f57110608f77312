import { randomBytes } from "node:crypto";
import type { ApprovalTerms } from "@bailiwick/policy";
import type { Approval, ApprovalAnswer } from "../../src/domain/approval.ts";

/** One yes of anybody who is asked, and for one call. */
export const PLAIN_TERMS: ApprovalTerms = { count: 1, also: [], stepUp: false };

/** What one person says, as the people's interface writes it down. */
export function answerOf(verdict: "approve" | "deny", more: Partial<ApprovalAnswer> = {}): ApprovalAnswer {
  return { verdict, by: "dana", at: new Date(), via: "passkey", roles: ["support-lead"], ...more };
}

/** The first and only answer to a question, which decides it. */
export function decided(
  verdict: "approve" | "deny",
  more: Partial<ApprovalAnswer> = {},
): { readonly answer: ApprovalAnswer; readonly seen: 0; readonly state: "approved" | "denied" } {
  return { answer: answerOf(verdict, more), seen: 0, state: verdict === "approve" ? "approved" : "denied" };
}

/** A held call that waits for an answer for an hour. */
export function approvalOf(overrides: Partial<Approval>): Approval {
  return {
    id: `apr_${randomBytes(16).toString("base64url")}`,
    tenant: "acme",
    environment: "prod",
    callId: "call_1",
    agent: "bailiwick://acme/prod/helpdesk/support",
    user: "ada",
    session: "s1",
    actors: [],
    run: "r1",
    task: "ticket-4711",
    operation: { tool: "tickets", kind: "tool", name: "update_ticket" },
    scope: "tickets:update",
    effect: "write",
    args: { id: 1 },
    argsDigest: `sha256:${randomBytes(8).toString("hex")}`,
    fingerprint: "sha256:f",
    policyVersion: "sha256:p",
    diff: [],
    rules: [{ kind: "gate", id: "big-change", at: { file: "gates.yaml", line: 3 }, reason: "big" }],
    approvers: ["support-lead"],
    terms: PLAIN_TERMS,
    reach: { records: 1, destinations: [] },
    origins: [],
    state: "pending",
    createdAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
    answers: [],
    ...overrides,
  };
}
