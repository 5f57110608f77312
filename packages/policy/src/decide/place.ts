import type { Entity } from "../cedar/entities.ts";
import { flatEntity } from "../cedar/entities.ts";
import type { Known } from "../cedar/specialize.ts";
import { CedarRecord, EMPTY_RECORD, Uid } from "../cedar/value.ts";
import type { Value } from "../cedar/value.ts";
import { actionId, scopeGroups } from "../engine/cedar-schema.ts";
import { readRecord, under, Unreadable } from "../facts/shape.ts";
import type { Compiled } from "../load/compiled.ts";
import type { Ceiling, Condition, Deny, Gate, Grant } from "../rules/rule.ts";
import type { AgentConfig, CatalogAction } from "../types.ts";
import { askedOf } from "./asked.ts";
import type { Asked } from "./asked.ts";
import { bearingOf } from "./bearing.ts";

/** The rules that bear on one action, as far as what is known leaves their conditions open. */
export interface Place {
  readonly principal: Entity;
  readonly action: Entity;
  readonly grants: readonly AskedGrant[];
  readonly denies: readonly AskedDeny[];
  readonly gates: readonly AskedGate[];
  readonly ceilings: readonly AskedCeiling[];
}

export interface AskedGrant {
  readonly rule: Grant;
  readonly when: Asked | undefined;
  readonly rows: Asked | undefined;
  readonly unless: Asked | undefined;
}
export interface AskedDeny {
  readonly rule: Deny;
  readonly when: Asked | undefined;
  readonly rows: Asked | undefined;
}
export interface AskedGate {
  readonly rule: Gate;
  readonly when: Asked | undefined;
}
export interface AskedCeiling {
  readonly rule: Ceiling;
  readonly when: Asked | undefined;
}

/** What is known of an agent whoever it works for, with its own roles or with others for a time. */
export interface AgentFacts {
  readonly principal: Entity;
  readonly roles: ReadonlySet<string>;
  /** Why no call of this agent can be judged, when its attributes do not fit their types. */
  readonly unreadable: { readonly path: string; readonly why: string } | undefined;
  readonly places: Map<CatalogAction, Place>;
}

/** `elevated`: roles beside its own. Policy says which these can be, so that there are only so many. */
export function agentFacts(compiled: Compiled, agent: AgentConfig, elevated: readonly string[] = NO_ROLES): AgentFacts {
  const key = elevated.length === 0 ? "" : elevated.join();
  const all = compiled.agentFacts.get(agent) ?? new Map<string, AgentFacts>();
  const known = all.get(key);
  if (known !== undefined) return known;
  const facts = readAgent(compiled, agent, elevated);
  compiled.agentFacts.set(agent, all.set(key, facts));
  return facts;
}

export const NO_ROLES: readonly string[] = [];

function readAgent(compiled: Compiled, agent: AgentConfig, elevated: readonly string[]): AgentFacts {
  const { agentRoles, closure } = compiled.book;
  const roles = new Set([...(agentRoles.get(agent.name) ?? []), ...elevated.flatMap((role) => [...(closure.get(role) ?? [])])]);
  try {
    return { principal: principalOf(compiled, agent, roles), roles, unreadable: undefined, places: new Map() };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { path, why } = error;
    const principal = flatEntity(new Uid("Agent", agent.name), EMPTY_RECORD.fields, []);
    return { principal, roles, unreadable: { path, why }, places: new Map() };
  }
}

/**
 * An agent as conditions see it.
 * @throws Unreadable when its attributes do not fit their types.
 */
export function principalOf(compiled: Compiled, agent: AgentConfig, roles: ReadonlySet<string>): Entity {
  const { tenant, environment, workflow, name } = agent;
  const own = under("principal", () => readRecord(agent.attributes, compiled.attributeShape, "drop")).fields;
  const attributes = new Map<string, Value>([...own, ...Object.entries({ tenant, environment, workflow, name })]);
  return flatEntity(
    new Uid("Agent", name),
    attributes,
    Array.from(roles, (role) => new Uid("Role", role)),
  );
}

/** What comes with each call, and what each session has of its own. */
const CALL_CONTEXT: readonly string[] = ["args", "now", "records", "cost"];
const SESSION_CONTEXT: readonly string[] = ["user", "session"];

/** The place of an action for every session of the agent. Found once; agents and actions are of one policy, so there are only so many. */
export function agentPlace(compiled: Compiled, agent: AgentConfig, action: CatalogAction, elevated: readonly string[] = NO_ROLES): Place {
  const facts = agentFacts(compiled, agent, elevated);
  const kept = facts.places.get(action);
  if (kept !== undefined) return kept;
  const place = compilePlace(compiled, agent, action, facts);
  facts.places.set(action, place);
  return place;
}

function compilePlace(compiled: Compiled, agent: AgentConfig, action: CatalogAction, { principal, roles }: AgentFacts): Place {
  const groups = scopeGroups(action.scope).map((group) => new Uid("Action", group));
  const entity = flatEntity(new Uid("Action", actionId(action.operation)), EMPTY_RECORD.fields, groups);
  const context = new CedarRecord(new Map<string, Value>([["environment", agent.environment]]));
  const known = knowing(principal, entity, context, new Set([...CALL_CONTEXT, ...SESSION_CONTEXT]));
  const asked = (condition: Condition | undefined): Asked | undefined =>
    condition === undefined ? undefined : askedOf(condition, condition.expr, known);
  const { grants, denies, gates, ceilings } = bearingOf(compiled, agent, roles, action);
  return {
    principal,
    action: entity,
    grants: grants.map((rule) => ({ rule, when: asked(rule.when), rows: asked(rule.rows), unless: asked(rule.approve?.unless) })),
    denies: denies.map((rule) => ({ rule, when: asked(rule.when), rows: asked(rule.rows) })),
    gates: gates.map((rule) => ({ rule, when: asked(rule.when) })),
    ceilings: ceilings.map((rule) => ({ rule, when: asked(rule.when) })),
  };
}

/**
 * The place with what a session knows put in. What the session does not change is shared with all sessions of the agent, so that
 * thousands of sessions cost what their differences cost.
 */
export function sessionPlace(place: Place, context: CedarRecord): Place {
  const { principal } = place;
  const known = knowing(principal, place.action, context, new Set(CALL_CONTEXT));
  const narrowed = (asked: Asked | undefined): Asked | undefined =>
    asked?.usesSession === true ? askedOf(asked.condition, asked.expr, known) : asked;
  const all = [...place.grants, ...place.denies, ...place.gates, ...place.ceilings];
  const isShared = all.every((rule) =>
    Object.values(rule).every((part: { readonly usesSession?: boolean } | undefined) => part?.usesSession !== true),
  );
  if (isShared) return place;
  return {
    principal,
    action: place.action,
    grants: place.grants.map(({ rule, when, rows, unless }) => ({
      rule,
      when: narrowed(when),
      rows: narrowed(rows),
      unless: narrowed(unless),
    })),
    denies: place.denies.map(({ rule, when, rows }) => ({ rule, when: narrowed(when), rows: narrowed(rows) })),
    gates: place.gates.map(({ rule, when }) => ({ rule, when: narrowed(when) })),
    ceilings: place.ceilings.map(({ rule, when }) => ({ rule, when: narrowed(when) })),
  };
}

function knowing(principal: Entity, action: Entity, context: CedarRecord, openContext: ReadonlySet<string>): Known {
  return { principal: { uid: principal.uid, entity: principal }, action: { uid: action.uid, entity: action }, context, openContext };
}
