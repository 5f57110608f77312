import { randomBytes } from "node:crypto";
import type { ApprovalAnswer } from "../../src/domain/approval.ts";
import type { Elevation } from "../../src/domain/elevation.ts";

/** A right that the support agent asked for, for ada, an hour long. */
export function elevationOf(overrides: Partial<Elevation> = {}): Elevation {
  const createdAt = overrides.createdAt ?? new Date();
  return {
    id: `elv_${randomBytes(16).toString("base64url")}`,
    tenant: "acme",
    agent: "bailiwick://acme/prod/helpdesk/support",
    environment: "prod",
    role: "refunds",
    scope: [],
    forMs: 3_600_000,
    reason: "billing is down and customers wait",
    askedBy: { agent: "bailiwick://acme/prod/helpdesk/support", user: "ada", session: "s1" },
    approvers: ["support-lead"],
    terms: { count: 1, also: [], stepUp: false },
    policyVersion: "sha256:p",
    state: "pending",
    createdAt,
    askEndsAt: new Date(createdAt.getTime() + 1_800_000),
    answers: [],
    ...overrides,
  };
}

export function yesOf(overrides: Partial<ApprovalAnswer> = {}): ApprovalAnswer {
  return { verdict: "approve", by: "lena", at: new Date(), via: "login-link", roles: ["support-lead"], ...overrides };
}
