import type { AgentFile, MainFile } from "../files/schemas.ts";
import { durationMs } from "../files/duration.ts";
import type { Source } from "../files/source.ts";
import type { Ceiling } from "../rules/rule.ts";
import type { Json } from "../json.ts";
import type { AgentConfig, Effect, FieldType, RuleRef } from "../types.ts";
import { readEligible } from "./eligible.ts";
import { reportError, reportWarning } from "./findings.ts";
import type { Shaped } from "./folder.ts";
import { readHours } from "./hours.ts";
import { checkKnown } from "./known.ts";
import { checkPeopleRole, READ_ONLY_ROLE } from "./parts.ts";
import { checkScope } from "./scopes.ts";
import { readCondition } from "./world.ts";
import type { World } from "./world.ts";

export interface AgentRules {
  readonly agents: readonly AgentConfig[];
  /** By agent identity. */
  readonly ceilings: ReadonlyMap<string, Ceiling>;
}

/** One identity for each tenant and environment of each agent file. */
export function readAgents(
  world: World,
  files: readonly Shaped<AgentFile>[],
  closure: ReadonlyMap<string, ReadonlySet<string>>,
): AgentRules {
  const agents = new Map<string, AgentConfig>();
  const ceilings = new Map<string, Ceiling>();
  for (const { source, value } of files) {
    checkNames(world, source, value);
    const id = `${value.workflow}/${value.agent}/ceiling`;
    const eligible = readEligible(world, source, value, closure);
    const ceiling = readCeiling(world, source, ["ceiling"], id, `what agent \`${value.agent}\` may do at most`, value.ceiling);
    for (const [tenant, environment] of value.tenants.flatMap((one) => value.environments.map((other) => [one, other] as const))) {
      const name = `bailiwick://${tenant}/${environment}/${value.workflow}/${value.agent}`;
      const other = agents.get(name);
      if (other !== undefined && other.at.file !== source.path) reportDuplicate(world, source, name, other.at.file);
      const { agent, workflow, roles, owner, attributes, clients } = value;
      const about = { name, agent, tenant, environment, workflow, roles, owner, attributes, eligible, at: source.at(["agent"]) };
      agents.set(name, { ...about, ...(clients === undefined ? {} : { clients }), ...sessionOf(value) });
      ceilings.set(name, ceiling);
    }
  }
  return { agents: [...agents.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)), ceilings };
}

function sessionOf({ session }: AgentFile): Pick<AgentConfig, "session"> {
  if (session === undefined) return {};
  const { maxTtl, limits } = session;
  return { session: { ...(maxTtl === undefined ? {} : { maxTtlMs: durationMs(maxTtl) }), limits } };
}

/** Ceilings of `bailiwick.yaml`, by environment. */
export function readEnvironmentCeilings(world: World, { source, value }: Shaped<MainFile>): ReadonlyMap<string, Ceiling> {
  const ceilings = new Map<string, Ceiling>();
  for (const [name, environment] of Object.entries(value.environments)) {
    if (environment.ceiling === undefined) continue;
    const path = ["environments", name, "ceiling"];
    ceilings.set(
      name,
      readCeiling(world, source, path, `environment/${name}`, `what is possible at most in \`${name}\``, environment.ceiling),
    );
  }
  for (const [id, person] of Object.entries(value.people)) {
    for (const [index, tenant] of person.tenants.entries()) {
      checkKnown(world, "tenant", tenant, world.tenants, source.at(["people", id, "tenants", index]));
    }
    if (person.roles.includes(READ_ONLY_ROLE) && person.roles.length > 1) {
      reportWarning(world.report, {
        code: "auditor-reads-only",
        at: source.at(["people", id, "roles"]),
        what: `\`${id}\` holds the role \`${READ_ONLY_ROLE}\` and others, which give nothing beside it`,
        why: "who checks the books does not write them",
        write: `either \`${READ_ONLY_ROLE}\` or the other roles`,
      });
    }
  }
  return ceilings;
}

function readCeiling(
  world: World,
  source: Source,
  path: readonly PropertyKey[],
  id: string,
  reason: string,
  entry: {
    readonly allow?: readonly string[] | undefined;
    readonly effects?: readonly Effect[] | undefined;
    readonly when?: string | undefined;
    readonly hours?: Parameters<typeof readHours>[1];
  },
): Ceiling {
  const checked = entry.allow?.map((text, index) => checkScope(world, text, source.at([...path, "allow", index])));
  const scopes = checked?.flatMap((scope) => (scope === undefined ? [] : [scope.pattern]));
  const actions = checked === undefined ? world.actions : [...new Set(checked.flatMap((scope) => scope?.actions ?? []))];
  const reachable = actions.filter((action) => entry.effects === undefined || entry.effects.includes(action.effect));
  const when =
    entry.when === undefined
      ? undefined
      : readCondition(world, {
          id: `${id}#when`,
          text: entry.when,
          at: source.at([...path, "when"], "value"),
          asked: "call",
          actions: reachable,
        });
  const ref: RuleRef = { kind: "ceiling", id, at: source.at(path), reason };
  const hours = readHours(world, entry.hours, (rest) => source.at([...path, "hours", ...rest]));
  return { ref, scopes, effects: entry.effects === undefined ? undefined : new Set(entry.effects), when, ...hours };
}

function checkNames(world: World, source: Source, agent: AgentFile): void {
  for (const [index, name] of agent.tenants.entries()) checkKnown(world, "tenant", name, world.tenants, source.at(["tenants", index]));
  for (const [index, name] of agent.environments.entries())
    checkKnown(world, "environment", name, world.environments, source.at(["environments", index]));
  for (const [index, name] of agent.roles.entries()) checkKnown(world, "role", name, world.roleNames, source.at(["roles", index]));
  const ids = world.people.map((person) => person.id);
  checkKnown(world, "person", agent.owner, ids, source.at(["owner"]));
  // Deny by default: without `clients` no OAuth client acts as this agent.
  for (const [index, role] of (agent.clients?.people ?? []).entries())
    checkPeopleRole(world, role, source.at(["clients", "people", index]), "nobody could let a client act as this agent");
}

function reportDuplicate(world: World, source: Source, name: string, other: string): void {
  reportError(world.report, {
    code: "duplicate-id",
    at: source.at(["agent"]),
    what: `\`${name}\` is already described in \`${other}\``,
    why: "one identity with two ceilings has none",
    write: "another agent or workflow name",
  });
}

/** Types of `principal`'s attributes over all agents; required when every agent has it. Reports attributes that differ in type. */
export function attributeTypes(world: World, agents: readonly AgentConfig[]): Readonly<Record<string, FieldType>> {
  const found = new Map<string, { readonly type: FieldType; readonly agents: Set<string> }>();
  for (const agent of agents) {
    for (const [key, value] of Object.entries(agent.attributes)) {
      const type = typeOf(value);
      const known = found.get(key);
      if (known === undefined) found.set(key, { type, agents: new Set([agent.name]) });
      else if (JSON.stringify(known.type) === JSON.stringify(type)) known.agents.add(agent.name);
      else reportAttribute(world, agent, key);
      if (["tenant", "environment", "workflow", "name"].includes(key)) reportAttribute(world, agent, key);
    }
  }
  return Object.fromEntries([...found].map(([key, entry]) => [entry.agents.size === agents.length ? key : `${key}?`, entry.type]));
}

function typeOf(value: Json): FieldType {
  if (Array.isArray(value)) return [typeof value[0] === "number" ? "integer" : "string"];
  if (typeof value === "number") return "integer";
  return typeof value === "boolean" ? "boolean" : "string";
}

function reportAttribute(world: World, agent: AgentConfig, key: string): void {
  reportError(world.report, {
    code: "attribute-type",
    at: agent.at,
    what: `attribute \`${key}\` of \`${agent.agent}\` is reserved or has another type than at other agents`,
    why: "a condition on `principal` could not be checked",
    write: "the same type everywhere; not `tenant`, `environment`, `workflow` or `name`",
  });
}
