import { BUILTIN } from "../decide/builtin-rules.ts";
import { leastDemanding } from "../decide/demands.ts";
import { covering, elevationsOf } from "../decide/elevations.ts";
import { agentFacts } from "../decide/place.ts";
import { actionId } from "../engine/cedar-schema.ts";
import { compiledOf } from "../load/compiled.ts";
import type { Compiled } from "../load/compiled.ts";
import type { ActiveElevation, AgentConfig, CatalogAction, Eligible, Policy, RuleRef } from "../types.ts";
import { isAlways, isPlain, isUnasked } from "./always.ts";
import type { OpenGrant, OpenPlace } from "./place.ts";
import { openPlaceOf } from "./place.ts";
import { standingOf } from "./possible.ts";
import { isConstant } from "./simplify.ts";
import { neverPermitted, noneApplies } from "./refusal.ts";
import type { Matrix, MatrixCell, MatrixElevation, MatrixOptions } from "./types.ts";
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
    rows: agents.map((agent) => ({ agent, cells: cellsOf(policy, compiled, agent, actions, options.elevations?.get(agent.name) ?? []) })),
  };
}

function cellsOf(
  policy: Policy,
  compiled: Compiled,
  agent: AgentConfig,
  actions: readonly CatalogAction[],
  inForce: readonly ActiveElevation[],
): readonly MatrixCell[] {
  const { unreadable } = agentFacts(compiled, agent);
  if (unreadable !== undefined) {
    const reason = `no call of this agent can be judged: \`${unreadable.path}\` ${unreadable.why}`;
    return actions.map((action) => ({ ...denied(action, reason, [BUILTIN.typedArguments]), elevations: [] }));
  }
  const active = elevationsOf(agent, inForce);
  return actions.map((action) => {
    const cell = cellOf(policy, openPlaceOf(compiled, agent, action));
    const elevations = agent.eligible.flatMap((eligible): readonly MatrixElevation[] => {
      const then = cellOf(policy, openPlaceOf(compiled, agent, action, [eligible.role]));
      const covers = covering(active, action, undefined).map(({ elevation }) => elevation);
      return elevationOf(
        cell,
        then,
        eligible,
        covers.filter(({ role }) => role === eligible.role),
      );
    });
    return { ...cell, elevations };
  });
}

/** Nothing where the role would change nothing for the better. */
function elevationOf(now: Cell, then: Cell, eligible: Eligible, active: readonly ActiveElevation[]): readonly MatrixElevation[] {
  if (then.verdict === "deny") return [];
  const ways = then.ways.filter(({ grant }) => now.ways.every((way) => way.grant.id !== grant.id));
  const isBetter = now.verdict === "deny" || (now.verdict === "ask" && then.verdict === "allow");
  return isBetter || ways.length > 0 ? [{ eligible, active, verdict: then.verdict, when: then.when, ways }] : [];
}

type Cell = Omit<MatrixCell, "elevations">;

function cellOf(policy: Policy, place: OpenPlace): Cell {
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

/** Least demanding first. Behind a grant that permits every call without approval only those apply that demand no more once their own is spared. */
function applying(place: OpenPlace, grants: readonly Possible[]): readonly Possible[] {
  const first = leastDemanding(grants.map(({ grant }) => ({ rule: grant.rule, asks: !isUnasked(grant) }))).map(({ rule }) => rule);
  const rank = ({ grant }: Possible): number => first.indexOf(grant.rule);
  const head = grants.filter((one) => rank(one) >= 0).toSorted((a, b) => rank(a) - rank(b));
  const tail = grants.filter((one) => rank(one) < 0);
  const settling = head.find(({ grant }) => isUnasked(grant) && isPlain(place, grant) && grant.rule.limits.records === undefined);
  const rest = settling === undefined ? tail : tail.filter(({ grant }) => canPrecede(grant, settling.grant));
  return rest.length === 0 ? head : [...head, ...applying(place, rest)];
}

/** Whether a call that spares the grant's approval makes it apply before the unasked one or together with it. */
function canPrecede(grant: OpenGrant, unasked: OpenGrant): boolean {
  const least = leastDemanding([grant, unasked].map(({ rule }) => ({ rule, asks: false })));
  return !isConstant(grant.unless, false) && least.some(({ rule }) => rule === grant.rule);
}

function denied(action: CatalogAction, reason: string, rules: readonly RuleRef[]): Cell {
  return { ...named(action), verdict: "deny", when: "always", reason, ways: [], rules };
}

function named({ operation, scope, effect }: CatalogAction): Pick<MatrixCell, "operation" | "action" | "scope" | "effect"> {
  return { operation, action: actionId(operation), scope, effect };
}
