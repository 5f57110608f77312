import type { z } from "zod";
import type { approvalSchema } from "../rest-contract/approvals.ts";
import { inline, labelled, printable, relative } from "./text.ts";

export type ApprovalView = z.output<typeof approvalSchema>;

/** One approval as it is read aloud: the sentence, what changes, the agent's words marked as such, what is at stake, the rule, who must say yes, the deadline. */
export function describeApproval(approval: ApprovalView, now: Date): string {
  const rules = approval.rules.map((rule) => `${rule.kind} ${rule.id}, ${rule.at.file}:${rule.at.line}: ${rule.reason}`);
  const reason = approval.statedReason === undefined ? "(none given)" : `"${printable(approval.statedReason)}"`;
  const lines: [string, string][] = [
    ["agent says", `${reason}  (untrusted: in the agent's own words)`],
    ...several("held by", rules),
    ["at stake", [approval.stakes.level, ...approval.stakes.because].map(printable).join("; ")],
    ["undo", printable(approval.undo)],
    ...several(
      "goes to",
      approval.reach.destinations.map(({ argument, value, external }) => `${argument} ${value}${external ? " (outside)" : ""}`),
    ),
    ...several(
      "comes from",
      approval.origins.map(({ argument, words }) => `${argument}: ${words}`),
    ),
    ...several("answered by", approval.quorum.groups.map(groupText)),
    ...(approval.stepUp ? ([["signed", "each yes with a passkey, in the console"]] satisfies [string, string][]) : []),
    ...(approval.bounded === undefined
      ? []
      : ([["bounded", `up to ${approval.bounded.uses} calls, ${minutes(approval.bounded.forMs)}`]] satisfies [string, string][])),
    ["task", printable(approval.task)],
    ["call", approval.callId],
    ["check", approval.check],
    ["state", stateText(approval, now)],
    ...several("answers", approval.answers.map(answerText)),
  ];
  const before = approval.supersedes === undefined ? "" : `${supersedesText(approval.supersedes)}\n`;
  return `${printable(approval.sentence)}\n\n${changesText(approval)}\n${before}${labelled(lines)}${approval.state === "pending" ? nextCommands(approval) : ""}`;
}

function several(label: string, texts: readonly string[]): [string, string][] {
  return texts.map((text, at): [string, string] => [at === 0 ? label : "", printable(text)]);
}

function groupText({ by, count, yes }: ApprovalView["quorum"]["groups"][number]): string {
  const who = by.join(" or ") || "(nobody may answer)";
  return `${count === 1 ? who : `${count} of ${who}`}${yes.length === 0 ? "" : `; yes from ${yes.join(", ")}`}`;
}

function answerText({ verdict, by, at, onDutyFor, reason, signed, bounds }: ApprovalView["answers"][number]): string {
  const parts = [
    `${verdict === "approve" ? "yes" : "no"} from ${by}${onDutyFor === undefined ? "" : ` for ${onDutyFor}`} at ${at}`,
    ...(signed ? ["signed"] : []),
    ...(bounds === undefined ? [] : [`for ${bounds.uses} calls until ${bounds.until}`]),
    ...(reason === undefined ? [] : [`"${reason}"`]),
  ];
  return parts.join(", ");
}

function minutes(ms: number): string {
  return ms >= 3_600_000 ? `${Math.round(ms / 360_000) / 10} h` : `${Math.round(ms / 60_000)} min`;
}

function supersedesText({ id, because, changes }: NonNullable<ApprovalView["supersedes"]>): string {
  const since = changes.map((change) => [`  ${printable(change.path)}`, `${inline(change.before)} -> ${inline(change.after)}`] as const);
  return `asked again: the ${because.join(" and the ")} changed since ${id}\n${since.length === 0 ? "" : labelled(since)}`;
}

function changesText(approval: ApprovalView): string {
  if (approval.diff.length === 0)
    return labelled(Object.entries(approval.args).map(([name, value]) => [`  ${printable(name)}`, inline(value)] as const));
  return labelled(
    approval.diff.map(
      (change) =>
        [
          `  ${printable(change.path)}`,
          `${inline(change.before)} -> ${inline(change.after)}${change.masked === true ? "  (masked)" : ""}`,
        ] as const,
    ),
  );
}

function stateText(approval: ApprovalView, now: Date): string {
  if (approval.state === "pending") return `pending, expires ${relative(new Date(approval.expiresAt), now)} (${approval.expiresAt})`;
  return approval.drill === true ? `${approval.state}; it was a drill` : approval.state;
}

function nextCommands({ id }: ApprovalView): string {
  return `\nbailiwick approvals approve ${id} --as <person>\nbailiwick approvals deny ${id} --as <person> --reason "..."\n`;
}
