import type { RuleRef } from "../types.ts";

/** Where the rules that hold without being written are documented. */
const DOCUMENT = "docs/spec/policy-files.md";

const builtin = (id: string, line: number, reason: string): RuleRef => ({ kind: "builtin", id, at: { file: DOCUMENT, line }, reason });

/** INVARIANT: each line is where the document names the rule; a test compares them. */
export const BUILTIN = {
  denyByDefault: builtin("deny-by-default", 30, "what no grant permits is refused"),
  tenantIsolation: builtin("tenant-isolation", 31, "a record of another tenant is never shown or touched"),
  sessionScope: builtin("session-scope", 32, "a session can do no more than it was opened for"),
  typedArguments: builtin("typed-arguments", 33, "an argument that policy cannot read exactly cannot be judged"),
  failClosed: builtin("fail-closed", 34, "a rule that fails refuses"),
} as const;
