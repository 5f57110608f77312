import type { ApprovalDemand, Decision, LimitDemand, Policy, RuleRef } from "../types.ts";
import { refuse } from "./answer.ts";
import { mergeDelegated } from "./approvals.ts";
import { bothContents } from "./content.ts";
import { findAction } from "./find-action.ts";
import { stricter } from "./large-results.ts";

type Above = NonNullable<Decision["delegator"]>;

/**
 * The decision for a delegate: its own and its delegator's together. What either is refused is refused, what either needs a person for waits
 * for one, and both draw from their counters. INVARIANT: allowed(delegate) implies allowed(delegator), for the very same request.
 */
export function attenuate(policy: Policy, agent: string, own: Decision, above: Above): Decision {
  const { decision } = above;
  if (decision.refusal !== undefined) return outsideDelegation(policy, agent, above, decision.refusal);
  const approve = bothApprove(own.approve, decision.approve);
  const large = stricter(own.asksOver, decision.asksOver);
  const rules = unique([...own.rules, ...decision.rules]);
  const content = bothContents(own.content, decision.content);
  const elevations = [...new Set([...(own.elevations ?? []), ...(decision.elevations ?? [])])];
  return {
    ...own,
    verdict: approve === undefined ? "allow" : "ask",
    rules,
    ...(approve === undefined ? {} : { approve }),
    limits: bothLimits(own.limits, decision.limits),
    ...(content === undefined ? {} : { content }),
    maxRecords: Math.min(own.maxRecords, decision.maxRecords),
    ...(large === undefined ? {} : { asksOver: large }),
    ...(elevations.length === 0 ? {} : { elevations }),
    delegator: above,
  };
}

function outsideDelegation(
  policy: Policy,
  agent: string,
  { request, decision }: Above,
  refusal: NonNullable<Decision["refusal"]>,
): Decision {
  const { caller, operation } = request;
  const refused = refuse(policy, findAction(policy, operation), {
    code: "outside_delegation",
    message: `this session was delegated by \`${caller.agent}\` (session ${caller.session}), which may not do this itself: ${refusal.message}`,
    rules: decision.rules,
    // An elevation is asked for by the agent that lacks the right; one of another agent would change nothing.
    next: refusal.next.filter(({ kind }) => kind !== "request_elevation" || caller.agent === agent),
  });
  return { ...refused, delegator: { request, decision } };
}

/** One approval for both, with the rules of both. */
function bothApprove(own: ApprovalDemand | undefined, above: ApprovalDemand | undefined): ApprovalDemand | undefined {
  if (own === undefined || above === undefined) return own ?? above;
  return { ...mergeDelegated(own, above), rules: unique([...own.rules, ...above.rules]) };
}

/** One draw from each counter; where both bound the same one, the smaller bound. */
function bothLimits(own: readonly LimitDemand[], above: readonly LimitDemand[]): readonly LimitDemand[] {
  const demands = new Map<string, LimitDemand>();
  for (const demand of [...own, ...above]) {
    const known = demands.get(demand.key);
    if (known === undefined || known.max > demand.max) demands.set(demand.key, demand);
  }
  return [...demands.values()];
}

function unique(rules: readonly RuleRef[]): readonly RuleRef[] {
  const seen = new Set<string>();
  return rules.filter(({ kind, id, at }) => {
    const key = `${kind} ${id} ${at.file}:${String(at.line)}`;
    return seen.size !== seen.add(key).size;
  });
}
