import type { Effect } from "@bailiwick/policy";
import type { Approval, ArgumentOrigin } from "./approval.ts";

type Named = Pick<Approval, "agent" | "tenant" | "environment" | "resource" | "scope" | "effect" | "user">;

/** What would happen, in one sentence of ours; names in it come from the policy and the token, never from the agent's text. */
export function approvalSentence(approval: Named): string {
  const agent = approval.agent.split("/").at(-1) ?? approval.agent;
  const target =
    approval.resource === undefined
      ? quoted(approval.scope)
      : `${approval.resource.type} ${quoted(approval.resource.id)} (${quoted(approval.scope)})`;
  return `agent ${quoted(agent)} of ${approval.tenant}/${approval.environment} wants to ${verbOf(approval.effect)} ${target} for user ${quoted(approval.user)}`;
}

/** Other people's words in backticks, which are the only ones: who brings their own could go on in our voice. */
function quoted(name: string): string {
  return `\`${name.replaceAll("`", "'")}\``;
}

/** Whether what would happen can be taken back, in words. */
export function undoSentence({ effect, reach }: Pick<Approval, "effect" | "reach">): {
  readonly reversible: boolean;
  readonly words: string;
} {
  if (effect === "read") return { reversible: true, words: "changes nothing" };
  if (reach.undo !== undefined) return { reversible: true, words: `can be taken back with \`${reach.undo}\`` };
  return { reversible: false, words: "cannot be taken back by an action of the catalog" };
}

/** Where a value came from, in words. */
export function originSentence({ from, action, untrusted }: ArgumentOrigin): string {
  switch (from) {
    case "user":
      return "named by the session's task or data";
    case "result":
      return untrusted === true
        ? `first appeared in the answer of \`${action ?? "a call"}\`, in a field that holds somebody else's words`
        : `appeared in the answer of \`${action ?? "a call"}\` in this run`;
    case "agent":
      return "not seen in this run before: the agent supplied it itself";
  }
}

const VERBS: Readonly<Record<Effect, string>> = {
  read: "read",
  write: "change",
  delete: "delete",
  send: "send out through",
  pay: "pay through",
  export: "export through",
  grant: "change permissions through",
  execute: "run",
};

/** What an effect does, as a verb before the scope. */
export function verbOf(effect: string): string {
  return Object.entries(VERBS).find(([name]) => name === effect)?.[1] ?? "run";
}
