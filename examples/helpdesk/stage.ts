import type { AgentLines } from "./agent-lines.ts";
import type { Approvers } from "./approvers.ts";
import type { Observed } from "./observed.ts";

/** Where a run plays: who acts, who answers, and where it is told. */
export interface Stage {
  readonly agents: AgentLines;
  readonly approvers: Approvers;
  readonly json: boolean;
  readonly print: (line: string) => void;
}

/** Empty when the call waits for a person. */
export function notHeld(seen: Observed): readonly string[] {
  return seen.kind === "pending" && seen.ticket !== undefined ? [] : [`kind is ${seen.kind}: it was not held for a person`];
}
