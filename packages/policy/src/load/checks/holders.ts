import { Decimal } from "../../cedar/decimal.ts";
import type { Entity } from "../../cedar/entities.ts";
import { flatEntity } from "../../cedar/entities.ts";
import type { Expr } from "../../cedar/expression.ts";
import { specialize } from "../../cedar/specialize.ts";
import type { Known } from "../../cedar/specialize.ts";
import { CedarRecord, EMPTY_RECORD, Uid } from "../../cedar/value.ts";
import type { Value } from "../../cedar/value.ts";
import { withinScopes } from "../../decide/bearing.ts";
import { principalOf } from "../../decide/place.ts";
import { actionId, namesOf, scopeGroups } from "../../engine/cedar-schema.ts";
import { RuleIndex } from "../../rules/rule-index.ts";
import type { Ceiling, Deny, Grant } from "../../rules/rule.ts";
import type { AgentConfig, CatalogAction } from "../../types.ts";
import type { Compiled } from "../compiled.ts";
import { filtersResults, loadsRecord } from "../condition-place.ts";
import { dependsOnAction, dependsOnPlace } from "./depends.ts";
import { isImpossible, quote, sayConflict } from "./parts.ts";

/** One agent that could make one call. */
export interface Pair {
  readonly agent: AgentConfig;
  readonly action: CatalogAction;
}

/** Where an agent is put that runs elsewhere, to ask what would be there. */
export interface Elsewhere {
  readonly tenant: string;
  readonly environment: string;
}

/**
 * Who holds which rule, or may ask to for a time, and what is known of each holder before any call: what the checks across files
 * ask over and over. An agent that may ask for a role stands for a holder of its own, with its own roles and that one.
 */
export class Holders {
  readonly agents: readonly AgentConfig[];
  readonly #compiled: Compiled;
  readonly #byRole = new Map<string, AgentConfig[]>();
  readonly #byName = new Map<string, CatalogAction[]>();
  readonly #elevated = new Map<AgentConfig, ReadonlySet<string>>();
  readonly #principals = new Map<AgentConfig, Entity>();
  readonly #rules = new Map<string, HeldRules>();
  readonly #dependence = new Map<Grant, Dependence>();
  readonly #grants: ReadonlyMap<string | undefined, readonly Grant[]>;
  readonly #denies: ReadonlyMap<string | undefined, readonly Deny[]>;

  constructor(compiled: Compiled) {
    this.#compiled = compiled;
    this.agents = [...compiled.agents.values()];
    for (const agent of this.agents) for (const role of this.rolesOf(agent)) push(this.#byRole, role, agent);
    for (const agent of this.agents) this.#elevate(agent);
    for (const action of compiled.actions.values()) for (const name of namesOf(action)) push(this.#byName, name, action);
    this.#grants = Map.groupBy(compiled.book.grants, (grant) => grant.role);
    this.#denies = Map.groupBy(compiled.book.denies, (deny) => deny.role);
  }

  get grants(): readonly Grant[] {
    return this.#compiled.book.grants;
  }

  rolesOf(agent: AgentConfig): ReadonlySet<string> {
    return this.#elevated.get(agent) ?? this.#compiled.book.agentRoles.get(agent.name) ?? NO_ROLES;
  }

  /** Agents as they are, and as they are with each role that they may ask for. */
  get standings(): readonly AgentConfig[] {
    return [...this.agents, ...this.#elevated.keys()];
  }

  /** Who holds the role, directly, by `extends` or for a time; everybody for a rule of a .cedar file. */
  of(role: string | undefined): readonly AgentConfig[] {
    return role === undefined ? this.standings : (this.#byRole.get(role) ?? []);
  }

  #elevate(agent: AgentConfig): void {
    const own = this.rolesOf(agent);
    for (const { role } of agent.eligible) {
      const given = [...(this.#compiled.book.closure.get(role) ?? [])].filter((one) => !own.has(one));
      if (given.length === 0) continue;
      const standing: AgentConfig = { ...agent, roles: [...agent.roles, role] };
      this.#elevated.set(standing, new Set([...own, ...given]));
      for (const one of given) push(this.#byRole, one, standing);
    }
  }

  actionsOf(rule: { readonly on: readonly string[] }): readonly CatalogAction[] {
    return [...new Set(rule.on.flatMap((name) => this.#byName.get(name) ?? []))];
  }

  /** Each holder of the rule with each of its actions that both ceilings let through, leaving their conditions aside. */
  pairsOf(rule: Grant | Deny): Generator<Pair> {
    return this.pairs(this.of(rule.role), this.actionsOf(rule));
  }

  *pairs(agents: readonly AgentConfig[], actions: readonly CatalogAction[]): Generator<Pair> {
    for (const agent of agents) for (const action of actions) if (this.isInside(agent, action)) yield { agent, action };
  }

  ceilingsOf(agent: AgentConfig): readonly Ceiling[] {
    const { environmentCeilings, agentCeilings } = this.#compiled.book;
    return [environmentCeilings.get(agent.environment), agentCeilings.get(agent.name)].filter((ceiling) => ceiling !== undefined);
  }

  isInside(agent: AgentConfig, action: CatalogAction): boolean {
    return this.ceilingsOf(agent).every((ceiling) => letsThrough(ceiling, action));
  }

  /** The rules that agents of these roles are judged by. Agents with the same roles share them. */
  rulesOf(agent: AgentConfig): HeldRules {
    const roles = [...this.rolesOf(agent)].toSorted();
    const key = roles.join();
    const known = this.#rules.get(key);
    if (known !== undefined) return known;
    const all = [undefined, ...roles];
    const grants = all.flatMap((role) => this.#grants.get(role) ?? []);
    const denies = new RuleIndex(all.flatMap((role) => this.#denies.get(role) ?? []));
    const held = { grants: new RuleIndex(grants), denies };
    this.#rules.set(key, held);
    return held;
  }

  /** What makes a difference to the conditions of a grant. */
  dependenceOf(grant: Grant): Dependence {
    const known = this.#dependence.get(grant);
    if (known !== undefined) return known;
    const conditions = conditionsOf(grant);
    const found = { place: conditions.some((expr) => dependsOnPlace(expr)), action: conditions.some((expr) => dependsOnAction(expr)) };
    this.#dependence.set(grant, found);
    return found;
  }

  /** What a condition can be told before a call: the agent, the action, the environment; and what an action without list or cost counts as. */
  known(agent: AgentConfig, action: CatalogAction, elsewhere?: Elsewhere): Known {
    const principal = elsewhere === undefined ? this.#principalOf(agent) : this.#makePrincipal({ ...agent, ...elsewhere }, agent);
    const context = new Map<string, Value>([["environment", elsewhere?.environment ?? agent.environment]]);
    if (action.batch === undefined) context.set("records", 1);
    if (action.cost === undefined) context.set("cost", new Decimal(0));
    return {
      ...actionKnown(action),
      principal: { uid: principal.uid, entity: principal },
      context: new CedarRecord(context),
      openContext: new Set(["args", "now", "user", "session", "records", "cost"].filter((name) => !context.has(name))),
    };
  }

  #principalOf(agent: AgentConfig): Entity {
    const known = this.#principals.get(agent) ?? this.#makePrincipal(agent, agent);
    this.#principals.set(agent, known);
    return known;
  }

  /** `agent` may be put elsewhere; its roles are those of `real`. */
  #makePrincipal(agent: AgentConfig, real: AgentConfig): Entity {
    const { tenant, environment, workflow } = agent;
    const name = `bailiwick://${tenant}/${environment}/${workflow}/${agent.agent}`;
    return principalOf(this.#compiled, { ...agent, name }, this.rolesOf(real));
  }
}

const NO_ROLES: ReadonlySet<string> = new Set();

export interface Dependence {
  readonly place: boolean;
  readonly action: boolean;
}

/** Whether scopes and effects of a ceiling leave room for some call of the action. */
export function letsThrough({ scopes, effects }: Ceiling, action: CatalogAction): boolean {
  return (scopes === undefined || withinScopes(scopes, action, undefined)) && (effects === undefined || effects.has(action.effect));
}

export interface HeldRules {
  readonly grants: RuleIndex<Grant>;
  readonly denies: RuleIndex<Deny>;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The action, and the type of the record where there is only one it can be. */
export function actionKnown(action: CatalogAction): Known {
  const uid = new Uid("Action", actionId(action.operation));
  const groups = scopeGroups(action.scope).map((group) => new Uid("Action", group));
  const seen = loadsRecord(action) || filtersResults(action) ? [action.resource?.type, action.returns?.type] : [];
  const types = new Set(seen.filter((type) => type !== undefined));
  const [type] = types;
  return { action: { uid, entity: flatEntity(uid, EMPTY_RECORD.fields, groups) }, resourceType: types.size === 1 ? type : undefined };
}

/** Conditions of one rule, `when` before `rows`. */
export function conditionsOf(rule: Pick<Deny, "when" | "rows">): readonly Expr[] {
  return [rule.when, rule.rows].flatMap((condition) => (condition === undefined ? [] : [condition.expr]));
}

export function put(parts: readonly Expr[], known: Known): readonly Expr[] {
  return parts.map((part) => specialize(part, known));
}

/** Whether parts can never hold together once what is known is put in. */
export function isNever(parts: readonly Expr[], known: Known): boolean {
  const open: Expr[] = [];
  for (const part of parts) {
    const left = specialize(part, known);
    if (left.op === "error" || (left.op === "value" && left.value !== true)) return true;
    if (left.op !== "value") open.push(left);
  }
  return open.length > 0 && isImpossible(open);
}

/** Why parts cannot hold once what is known is put in: the part that fails by itself as it is written, or those that contradict each other. */
export function sayFalse(parts: readonly Expr[], known: Known): string {
  const alone = parts.find((part) => isImpossible([specialize(part, known)]));
  return alone === undefined ? sayConflict(put(parts, known)) : `${quote(alone)} is never true`;
}

/** Pairs looked at for one rule. A rule that holds for none of so many is taken to hold for another. */
const MAX_PAIRS = 500;

/** The first pair, when the test holds for every one; undefined when there is none, it does not, or there are too many to know. */
export function firstIfAll(pairs: Iterable<Pair>, test: (pair: Pair) => boolean): Pair | undefined {
  let first: Pair | undefined;
  let looked = 0;
  for (const pair of pairs) {
    looked += 1;
    if (looked > MAX_PAIRS || !test(pair)) return undefined;
    first ??= pair;
  }
  return first;
}
