import type { CatalogAction, Decision, NextStep, Policy, PolicyRefusalCode, RuleRef } from "../types.ts";

/** A refusal under construction. */
export interface No {
  readonly code: PolicyRefusalCode;
  readonly message: string;
  readonly rules: readonly RuleRef[];
  readonly next: readonly NextStep[];
  /** What is said instead when a role for which the agent is eligible would permit the call. */
  readonly elevating?: string | undefined;
}

export function refuse(policy: Policy, action: CatalogAction | undefined, no: No): Decision {
  return {
    verdict: "deny",
    scope: action?.scope ?? "",
    effect: action?.effect ?? "execute",
    rules: no.rules,
    policyVersion: policy.version,
    grants: [],
    limits: [],
    maxRecords: 0,
    refusal: { code: no.code, message: no.message, next: no.next },
  };
}

/** `roles/support.yaml:7`, for sentences. */
export function place(rule: RuleRef): string {
  return `${rule.at.file}:${String(rule.at.line)}`;
}
