import { compiledOf } from "../load/compiled.ts";
import type { Caller, Operation, Policy, Reach } from "../types.ts";
import { ceilingsFor, deniesFor, gatesFor, grantsFor, sessionPatterns, withinScopes } from "./applicable.ts";
import { findAction } from "./find-action.ts";

/**
 * Whether this session can ever be allowed the operation. `never` is certain; `always` means that nothing about
 * arguments, records, time or people can refuse it (limits still can); everything else `depends`.
 */
export function reach(policy: Policy, caller: Caller, operation: Operation): Reach {
  const compiled = compiledOf(policy);
  const agent = policy.agents.find((candidate) => candidate.name === caller.agent);
  const action = findAction(policy, operation);
  if (agent === undefined || action === undefined) return "never";
  if (agent.tenant !== caller.tenant || agent.environment !== caller.environment || agent.workflow !== caller.workflow) return "never";
  const place = { compiled, action, agent, roles: compiled.book.agentRoles.get(agent.name) ?? new Set<string>() };
  const session = sessionPatterns(caller.scope);
  const ceilings = ceilingsFor(place);
  const [grants, denies, gates] = [grantsFor(place), deniesFor(place), gatesFor(place, undefined)];
  const inside = ceilings.every(
    (ceiling) =>
      (ceiling.scopes === undefined || withinScopes(ceiling.scopes, action, undefined)) &&
      (ceiling.effects === undefined || ceiling.effects.has(action.effect)),
  );
  if (!inside || !withinScopes(session, action, undefined) || grants.length === 0) return "never";
  if (denies.some((deny) => deny.when === undefined && deny.rows === undefined && deny.field === undefined)) return "never";
  const plain = grants.some(
    (grant) => grant.when === undefined && grant.rows === undefined && grant.write === undefined && grant.approve === undefined,
  );
  const bounded =
    [...ceilings.flatMap((ceiling) => ceiling.scopes ?? []), ...session].some((pattern) => pattern.field !== undefined) ||
    ceilings.some((ceiling) => ceiling.when !== undefined);
  const gated = gates.some((gate) => gate.approve !== undefined || gate.hours !== undefined || gate.when !== undefined);
  const isolated = policy.tools.some((tool) => Object.hasOwn(tool.tenantField, action.resource?.type ?? ""));
  return plain && !bounded && !gated && !isolated && denies.length === 0 ? "always" : "depends";
}

/** Scopes of the agent's own ceiling: what a session gets when it asks for no narrower scope. Empty for an unknown agent. */
export function ceilingScopes(policy: Policy, agent: string): readonly string[] {
  return (
    compiledOf(policy)
      .book.agentCeilings.get(agent)
      ?.scopes?.map((pattern) => pattern.text) ?? []
  );
}
