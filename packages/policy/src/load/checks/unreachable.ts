import type { Expr } from "../../cedar/expression.ts";
import type { RoleFile } from "../../files/schemas.ts";
import type { Deny, Gate, Grant, RuleBook } from "../../rules/rule.ts";
import { coversScope } from "../../rules/scope.ts";
import type { AgentConfig, CatalogAction } from "../../types.ts";
import { reportWarning } from "../findings.ts";
import type { Shaped } from "../folder.ts";
import type { World } from "../world.ts";
import { dependsOnPlace } from "./depends.ts";
import type { Holders, Pair } from "./holders.ts";
import { conditionsOf, firstIfAll, isNever, letsThrough, sayFalse } from "./holders.ts";
import { conjunctsOf } from "./parts.ts";

/*
 * A rule that bears on nothing because of what surrounds it: nobody holds its role, ceilings cut it off, no agent has the attribute it
 * asks for. All of these are warnings. To narrow a ceiling, take a role from an agent or remove an agent must take effect at once, also
 * where it leaves rules behind that now reach nobody: an error would keep the wider version in force.
 */

export function warnUnusedRoles(world: World, holders: Holders, files: readonly Shaped<RoleFile>[]): void {
  for (const { source, value } of files) {
    if (holders.of(value.role).length > 0) continue;
    reportWarning(world.report, {
      code: "unused-role",
      at: source.at(["role"]),
      what: `no agent holds the role \`${value.role}\` or may ask for it, directly or by \`extends\``,
      why: "what it grants and denies applies to nobody",
      write: "the role in an agent's `roles` or `eligible`, or remove the file",
    });
  }
}

/** Warns of grants that permit no call of any holder. Returns their ids. */
export function warnUnreachableGrants(world: World, holders: Holders, grants: readonly Grant[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const grant of grants) {
    const agents = holders.of(grant.role);
    if (agents.length === 0) continue;
    const because = whyUnreachable(holders, grant, agents);
    if (because === undefined) continue;
    found.add(grant.ref.id);
    reportWarning(world.report, {
      code: "unreachable-rule",
      at: grant.ref.at,
      what: `grant \`${grant.ref.id}\` permits no call of ${whose(grant, agents)}: ${because}`,
      why: "a right that nobody can use only looks like one",
      write: "what its holders can meet, or remove the grant",
    });
  }
  return found;
}

function whyUnreachable(holders: Holders, grant: Grant, agents: readonly AgentConfig[]): string | undefined {
  const conditions = conditionsOf(grant).flatMap((expr) => conjunctsOf(expr));
  const bounded = [...conditions, ...atMost(grant.limits.records)];
  const partsFor = (agent: AgentConfig): readonly Expr[] => [
    ...bounded,
    ...holders.ceilingsOf(agent).flatMap(({ when }) => (when === undefined ? [] : conjunctsOf(when.expr))),
  ];
  const first = firstIfAll(holders.pairsOf(grant), ({ agent, action }) => isNever(partsFor(agent), holders.known(agent, action)));
  if (first === undefined) return holders.pairsOf(grant).next().done === true ? outsideOf(holders, grant, agents) : undefined;
  const known = holders.known(first.agent, first.action);
  // The fewest surroundings that suffice are the ones to look at.
  const [parts, beside] = isNever(conditions, known)
    ? [conditions, ""]
    : isNever(bounded, known)
      ? [bounded, " (`limits.records`)"]
      : [partsFor(first.agent), " (with the `when` of a ceiling)"];
  return `for \`${first.agent.name}\` ${sayFalse(parts, known)}${beside}`;
}

/** Ceilings beyond these only make a message longer. */
const MAX_NAMED = 3;

function outsideOf(holders: Holders, grant: Grant, agents: readonly AgentConfig[]): string {
  const [action] = holders.actionsOf(grant);
  const crossed = agents
    .flatMap((agent) => holders.ceilingsOf(agent))
    .filter((ceiling) => action !== undefined && !letsThrough(ceiling, action));
  const places = [...new Set(crossed.map(({ ref }) => `${ref.at.file}:${String(ref.at.line)}`))];
  const named = `${places.slice(0, MAX_NAMED).join(", ")}${places.length > MAX_NAMED ? " and others" : ""}`;
  return `\`${grant.scopeText}\` is outside ${places.length === 1 ? "the ceiling" : "the ceilings"} at ${named}`;
}

function whose({ role }: Grant | Deny, agents: readonly AgentConfig[]): string {
  if (role === undefined) return "any agent";
  return agents.length === 1 ? `\`${agents[0]?.name ?? ""}\`, the only holder of \`${role}\`` : `any holder of \`${role}\``;
}

/**
 * Warns of denies whose condition no holder can meet: one misspelt attribute value makes a protection out of nothing.
 * A deny without a grant to deny, outside a ceiling, or for a tenant or environment where no agent is yet, is a belt beside the
 * braces and no finding.
 */
export function warnIdleDenies(world: World, holders: Holders, denies: readonly Deny[]): void {
  const places = world.tenants.flatMap((tenant) => world.environments.map((environment) => ({ tenant, environment })));
  for (const deny of denies) {
    const parts = conditionsOf(deny).flatMap((expr) => conjunctsOf(expr));
    const agents = holders.of(deny.role);
    if (parts.length === 0 || agents.length === 0) continue;
    const actions = holders.actionsOf(deny);
    const elsewhere = parts.some((part) => dependsOnPlace(part)) ? places : [];
    const first = firstIfAll(
      everywhere(onceEach(agents), actions),
      ({ agent, action }) =>
        isNever(parts, holders.known(agent, action)) && elsewhere.every((place) => isNever(parts, holders.known(agent, action, place))),
    );
    if (first === undefined) continue;
    reportWarning(world.report, {
      code: "unreachable-rule",
      at: deny.ref.at,
      what: `deny \`${deny.ref.id}\` matches no call of ${whose(deny, agents)}: for \`${first.agent.name}\` ${sayFalse(parts, holders.known(first.agent, first.action))}`,
      why: "a deny that never applies looks like protection and is none",
      write: "a condition that some call of its holders meets, or remove the deny",
    });
  }
}

/** One identity of each agent, where tenant and environment make no difference. */
function onceEach(agents: readonly AgentConfig[]): readonly AgentConfig[] {
  return [...new Map(agents.toReversed().map((agent) => [`${agent.workflow}/${agent.agent} ${agent.roles.join()}`, agent])).values()];
}

function* everywhere(agents: readonly AgentConfig[], actions: readonly CatalogAction[]): Generator<Pair> {
  for (const agent of agents) for (const action of actions) yield { agent, action };
}

/** Warns of gates that match no agent: none is in their environments, or none can meet their condition. */
export function warnIdleGates(world: World, holders: Holders, { gates }: RuleBook): void {
  if (holders.agents.length === 0) return;
  for (const gate of gates) {
    const because = whyIdle(world, holders, gate);
    if (because === undefined) continue;
    reportWarning(world.report, {
      code: "unreachable-rule",
      at: gate.ref.at,
      what: `gate \`${gate.ref.id}\` applies to no call of any agent: ${because}`,
      why: "a gate that never applies looks like protection and is none",
      write: "what some agent's calls meet, or remove the gate",
    });
  }
}

function whyIdle(world: World, holders: Holders, gate: Gate): string | undefined {
  const agents = holders.standings.filter((agent) => gate.environments?.has(agent.environment) !== false);
  if (agents.length === 0) return `no agent is in ${[...(gate.environments ?? [])].map((name) => `\`${name}\``).join(", ")}`;
  // The default gates stand in every folder, also where no action of their kind is.
  if (gate.when === undefined && gate.scopes === undefined) return undefined;
  const actions = world.actions.filter(
    (action) =>
      (gate.scopes === undefined || gate.scopes.some((pattern) => coversScope(pattern, action.scope))) &&
      (gate.effects === undefined || gate.effects.has(action.effect)),
  );
  const parts = [...(gate.when === undefined ? [] : conjunctsOf(gate.when.expr)), ...moreThan(gate.recordsOver)];
  if (parts.length === 0) return undefined;
  const first = firstIfAll(everywhere(agents, actions), ({ agent, action }) => isNever(parts, holders.known(agent, action)));
  return first === undefined ? undefined : `for \`${first.agent.name}\` ${sayFalse(parts, holders.known(first.agent, first.action))}`;
}

const RECORDS: Expr = { op: "get", of: { op: "variable", name: "context" }, name: "records" };

function atMost(records: number | undefined): readonly Expr[] {
  return records === undefined ? [] : [{ op: "<=", left: RECORDS, right: { op: "value", value: records } }];
}

function moreThan(records: number | undefined): readonly Expr[] {
  return records === undefined ? [] : [{ op: ">", left: RECORDS, right: { op: "value", value: records } }];
}
