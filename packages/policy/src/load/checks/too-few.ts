import { namesOf } from "../../engine/cedar-schema.ts";
import type { Gate, RuleBook } from "../../rules/rule.ts";
import { coversScope } from "../../rules/scope.ts";
import type { AgentConfig, CatalogAction, PersonConfig, Span } from "../../types.ts";
import type { Asking } from "../approve.ts";
import { peopleOf, placesOf, seatedOf } from "../approvers.ts";
import { DEFAULT_GATES_FILE } from "../default-gates.ts";
import { reportWarning } from "../findings.ts";
import type { World } from "../world.ts";
import type { Holders } from "./holders.ts";

/**
 * Warns of approvals that cannot come about in a tenant where they are asked for: too few people there hold the roles, the agent's owner not
 * counted, who answers for nothing their own agent does. A warning, since to take a role from a person must take effect at once.
 */
export function warnTooFewApprovers(world: World, holders: Holders, { grants, gates }: RuleBook): void {
  for (const { ref, approve, ...grant } of grants) {
    if (approve === undefined) continue;
    const agents = holders.of(grant.role).filter((agent) => canCall(holders, agent, holders.actionsOf(grant)));
    warn(world, `the approval of \`${ref.id}\``, ref.at, approve, agents);
  }
  for (const gate of gates) {
    // One that ships on and is not changed stands in every folder, also where nobody answers for anything yet.
    if (gate.approve === undefined || gate.ref.at.file === DEFAULT_GATES_FILE) continue;
    const actions = world.actions.filter((action) => isOver(gate, action));
    const inPlace = holders.standings.filter(({ environment }) => gate.environments?.has(environment) !== false);
    const agents = inPlace.filter((agent) => canCall(holders, agent, actions));
    warn(world, `the approval of \`${gate.ref.id}\``, gate.ref.at, gate.approve, agents);
  }
  const byEntry = Map.groupBy(
    holders.agents.flatMap((agent) => agent.eligible.map((eligible) => ({ agent, eligible }))),
    ({ eligible: { at } }) => `${at.file}:${String(at.line)}`,
  );
  for (const entries of byEntry.values()) {
    const [first] = entries;
    if (first === undefined) continue;
    const { role, approve, at } = first.eligible;
    const agents = entries.map(({ agent }) => agent);
    warn(world, `the yes to an elevation to \`${role}\``, at, approve, agents);
  }
}

function isOver({ scopes, effects }: Gate, action: CatalogAction): boolean {
  return scopes?.some((pattern) => coversScope(pattern, action.scope)) !== false && effects?.has(action.effect) !== false;
}

function canCall(holders: Holders, agent: AgentConfig, actions: readonly CatalogAction[]): boolean {
  const { grants } = holders.rulesOf(agent);
  return actions.some((action) => holders.isInside(agent, action) && grants.find(namesOf(action)).length > 0);
}

function warn(world: World, what: string, at: Span, asking: Asking, agents: readonly AgentConfig[]): void {
  const places = placesOf(asking);
  const seated = agents.map((agent) => ({ agent, most: seatedOf(places, answering(world.people, agent)) }));
  const short = seated.filter(({ most }) => most < places.length);
  if (short.length === 0) return;
  const tenants = [...new Set(short.map(({ agent }) => `\`${agent.tenant}\``))].join(", ");
  const most = Math.min(...short.map((one) => one.most));
  const need = places.length === 1 ? "one person" : `${String(places.length)} different people`;
  reportWarning(world.report, {
    code: "too-few-approvers",
    at,
    what: `${what} takes ${need}, and in ${tenants} ${most === 0 ? "nobody" : `only ${String(most)}`} can answer`,
    why: "what waits for it there ends unanswered; an agent's owner does not answer for it, and an auditor answers nothing",
    write: "the roles for more people of that tenant, more roles, or fewer people",
  });
}

function answering(people: readonly PersonConfig[], { tenant, owner }: AgentConfig): readonly PersonConfig[] {
  return peopleOf(people, tenant).filter(({ id }) => id !== owner);
}
