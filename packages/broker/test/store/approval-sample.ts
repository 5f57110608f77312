import { randomBytes } from "node:crypto";
import type { Approval } from "../../src/domain/approval.ts";

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
    state: "pending",
    createdAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
    ...overrides,
  };
}
