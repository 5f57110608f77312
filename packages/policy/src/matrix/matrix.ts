import type { Entity } from "../cedar/entities.ts";
import { BUILTIN } from "../decide/builtin-rules.ts";
import { leastDemanding } from "../decide/demands.ts";
import { actionId } from "../engine/cedar-schema.ts";
import { Unreadable } from "../facts/shape.ts";
import { compiledOf } from "../load/compiled.ts";
import type { Compiled } from "../load/compiled.ts";
import type { AgentConfig, CatalogAction, Policy, RuleRef } from "../types.ts";
import { isAlways, isPlain, isUnasked } from "./always.ts";
import type { OpenGrant, OpenPlace } from "./place.ts";
import { openPlaceOf, principalOf } from "./place.ts";
import { standingOf } from "./possible.ts";
import { neverPermitted, noneApplies } from "./refusal.ts";
import type { Matrix, MatrixCell, MatrixOptions } from "./types.ts";
import { wayOf } from "./way.ts";

/**
 * Who may do what: every agent of the policy by every action of its catalog. Computed from the rules that decide calls, specialised
 * to what is known of the agent alone, so that no decision can say more than its cell. Pure.
 * @throws TypeError when the policy was not made by `load`.
 */
export function matrix(policy: Policy, options: MatrixOptions = {}): Matrix {
  const compiled = compiledOf(policy);
  const agents = policy.agents.filter(({ name }) => options.agents?.includes(name) !== false);
  const actions = policy.tools.filter(({ tool }) => options.tools?.includes(tool) !== false).flatMap((tool) => tool.actions);
  return {
    policyVersion: policy.version,
    rows: agents.map((agent) => ({ agent, cells: cellsOf(policy, compiled, agent, actions) })),
  };
}

function cellsOf(policy: Policy, compiled: Compiled, agent: AgentConfig, actions: readonly CatalogAction[]): readonly MatrixCell[] {
  const principal = readPrincipal(compiled, agent);
  if (principal instanceof Unreadable) {
    const reason = `no call of this agent can be judged: attribute \`${principal.path}\` ${principal.why}`;
    return actions.map((action) => denied(action, reason, [BUILTIN.typedArguments]));
  }
  return actions.map((action) => cellOf(policy, openPlaceOf(compiled, agent, principal, action)));
}

function readPrincipal(compiled: Compiled, agent: AgentConfig): Entity | Unreadable {
  try {
    return principalOf(compiled, agent);
  } catch (error) {
    if (error instanceof Unreadable) return error;
    throw error;
  }
}

function cellOf(policy: Policy, place: OpenPlace): MatrixCell {
  const { action } = place;
  const never = neverPermitted(place);
  if (never !== undefined) return denied(action, never.reason, never.rules);
  const standings = place.grants.map((grant) => ({ grant, standing: standingOf(place, grant) }));
  const possible = standings.flatMap(({ grant, standing }) => (standing.verdict === "never" ? [] : [{ grant, verdict: standing.verdict }]));
  if (possible.length === 0) {
    const impossible = standings.flatMap(({ grant, standing }) =>
      standing.verdict === "never" ? [{ grant, because: standing.because }] : [],
    );
    const { reason, rules } = noneApplies(place, impossible);
    return denied(action, reason, rules);
  }
  const verdict = possible.some((one) => one.verdict === "allow") ? "allow" : "ask";
  const ways = applying(place, possible).map((one) => wayOf(policy, place, one.grant, one.verdict));
  return {
    ...named(action),
    verdict,
    when: isAlways(policy, place, verdict) ? "always" : "sometimes",
    ways,
    rules: [...new Set(ways.flatMap((way) => way.rules))],
  };
}

interface Possible {
  readonly grant: OpenGrant;
  readonly verdict: "allow" | "ask";
}

/** Least demanding first. What stands behind a grant that permits every call without approval never applies. */
function applying(place: OpenPlace, grants: readonly Possible[]): readonly Possible[] {
  const first = leastDemanding(grants.map(({ grant }) => ({ rule: grant.rule, asks: !isUnasked(grant) }))).map(({ rule }) => rule);
  const head = grants
    .filter(({ grant }) => first.includes(grant.rule))
    .toSorted((a, b) => first.indexOf(a.grant.rule) - first.indexOf(b.grant.rule));
  const tail = grants.filter(({ grant }) => !first.includes(grant.rule));
  const settled = head.some(({ grant }) => isUnasked(grant) && isPlain(place, grant) && grant.rule.limits.records === undefined);
  return tail.length === 0 || settled ? head : [...head, ...applying(place, tail)];
}

function denied(action: CatalogAction, reason: string, rules: readonly RuleRef[]): MatrixCell {
  return { ...named(action), verdict: "deny", when: "always", reason, ways: [], rules };
}

function named({ operation, scope, effect }: CatalogAction): Pick<MatrixCell, "operation" | "action" | "scope" | "effect"> {
  return { operation, action: actionId(operation), scope, effect };
}
