import { canonicalize } from "@bailiwick/ledger";
import type { Approval } from "./approval.ts";

/**
 * What approvals must share to be counted, compared and answered together: the same agent in the same place asks for the same operation with the
 * same arguments by name, to write the same fields, for the same rules.
 */
export function shapeOf(approval: Pick<Approval, "agent" | "operation" | "args" | "diff" | "rules">): string {
  const { agent, operation, args, diff, rules } = approval;
  return canonicalize([
    agent,
    operation.tool,
    operation.kind,
    operation.name,
    Object.keys(args).toSorted(),
    diff.map(({ path }) => path).toSorted(),
    rules.map(({ id }) => id).toSorted(),
  ]);
}
