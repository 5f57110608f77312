import type { Policy } from "@bailiwick/policy";
import type { Undoing } from "./undo.ts";

/**
 * People who never answer a question, whatever roles they hold: whom it is asked for, who had an undo asked, and who owns one of the agents that ask. The token names the
 * one and the policy the others, so none can be talked away in a request.
 */
export function barredFrom(
  policy: Pick<Policy, "people" | "agents">,
  question: { readonly people: readonly string[]; readonly agents: readonly string[] },
): readonly string[] {
  const named = new Set(question.people.map((name) => name.trim().toLowerCase()));
  const asking = policy.people.filter(({ id, email }) => named.has(id.toLowerCase()) || named.has(email.toLowerCase())).map(({ id }) => id);
  return [...new Set([...asking, ...ownersOf(policy, question.agents)])];
}

/** The person who had a call taken back, as a list of none or one. */
export function undoerOf({ undo }: { readonly undo?: Undoing | undefined }): readonly string[] {
  return undo !== undefined && "person" in undo.by ? [undo.by.person] : [];
}

/** Owners of these agents. */
export function ownersOf({ agents }: Pick<Policy, "agents">, names: readonly string[]): readonly string[] {
  return agents.filter(({ name }) => names.includes(name)).map(({ owner }) => owner);
}
