import type { JsonObject, NextStep, RuleRef } from "@bailiwick/policy";
import type { CallAnswer } from "../../call/types.ts";

export type RefusedAnswer = Extract<CallAnswer, { kind: "refused" }>;

/** Three short lines: what, why, what to do next. */
export function refusalText(answer: RefusedAnswer): string {
  return [`refused: ${answer.message} (${answer.code})`, `why: ${whyOf(answer)}`, `next: ${nextOf(answer)}`].join("\n");
}

/** The same facts for programs. Kept in `_meta` or `data`, never in `structuredContent`, which a tool's output schema rules. */
export function refusalData(answer: RefusedAnswer): JsonObject {
  return {
    code: answer.code,
    ...(answer.callId === undefined ? {} : { callId: answer.callId }),
    rules: answer.rules.map(ruleData),
    next: answer.next.map((step) => ({ ...step })),
  };
}

function ruleData(rule: RuleRef): JsonObject {
  return { kind: rule.kind, id: rule.id, reason: rule.reason, file: rule.at.file, line: rule.at.line };
}

function whyOf(answer: RefusedAnswer): string {
  if (answer.rules.length === 0)
    return `the broker stopped the call before its effect${answer.callId === undefined ? "" : `; call ${answer.callId}`}`;
  return answer.rules.map((rule) => `${rule.reason} [${rule.kind} ${rule.id} at ${rule.at.file}:${rule.at.line}]`).join("; ");
}

function nextOf(answer: RefusedAnswer): string {
  if (answer.next.length > 0) return answer.next.map(stepText).join("; or ");
  return "do not repeat the call unchanged; tell the user, who can ask the owner of the policy";
}

function stepText(step: NextStep): string {
  switch (step.kind) {
    case "request_approval":
      return `a person can approve it at ${step.url}; then call approval_wait with ticket ${step.ticket}`;
    case "request_elevation":
      return `if this is needed, ask people for it: call request_elevation with {"scope": "${step.scope}", "reason": "<why>"}`;
    case "narrow":
      return `narrow \`${step.field}\` to ${step.allowed.map((value) => JSON.stringify(value)).join(", ")}`;
    case "retry_after":
      return `retry after ${Math.ceil(step.ms / 1000)} s`;
    case "use_instead":
      return `use ${step.action} instead`;
    case "reauthenticate":
      return step.scope === undefined
        ? "get a new session token and repeat the call"
        : `get a session token with scope ${step.scope} and repeat the call`;
    case "ask_owner":
      return `ask ${step.owner}: ${step.text}`;
  }
}
