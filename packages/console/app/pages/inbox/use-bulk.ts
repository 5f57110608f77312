import { useState } from "react";
import type { Approval } from "../../api/approvals.ts";
import { say } from "../../ui/toast.tsx";

/** What the broker takes in one request. */
export const MAX_BULK = 100;

export interface Bulk {
  readonly chosen: ReadonlyMap<string, Approval>;
  /** Adds or takes away one; only questions of one shape stand together. */
  toggle(approval: Approval): void;
  /** Adds every question like those chosen, as far as they are loaded. */
  allAlike(): void;
  clear(): void;
}

/** Approvals that are to be answered together. What is no longer pending is no longer among them. */
export function useBulk(approvals: readonly Approval[]): Bulk {
  const [ids, setIds] = useState<readonly string[]>([]);
  const chosen = new Map(approvals.filter(({ id }) => ids.includes(id)).map((approval) => [approval.id, approval]));
  const [first] = chosen.values();
  return {
    chosen,
    toggle: (approval) => {
      const problem = whyNot(approval, first, chosen.size);
      if (chosen.has(approval.id)) setIds([...chosen.keys()].filter((id) => id !== approval.id));
      else if (problem === undefined) setIds([...chosen.keys(), approval.id]);
      else say(problem, "failed");
    },
    allAlike: () => {
      if (first === undefined) return;
      const alike = approvals.filter((approval) => whyNot(approval, first, 0) === undefined);
      setIds(alike.slice(0, MAX_BULK).map(({ id }) => id));
    },
    clear: () => setIds([]),
  };
}

function whyNot(approval: Approval, first: Approval | undefined, count: number): string | undefined {
  if (!approval.mayAnswer) return `You cannot answer this: ${approval.mayNotBecause ?? "it is not asked of you"}`;
  if (approval.stepUp) return "Each of these is signed with a passkey for itself.";
  if (first !== undefined && (first.shape !== approval.shape || first.tenant !== approval.tenant))
    return "Only questions of the same agent, operation and rules are answered together.";
  return count >= MAX_BULK ? `${MAX_BULK} is the most that is answered at once.` : undefined;
}
