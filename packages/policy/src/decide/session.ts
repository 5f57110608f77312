import type { Entity } from "../cedar/entities.ts";
import { flatEntity } from "../cedar/entities.ts";
import type { Known } from "../cedar/specialize.ts";
import { CedarRecord, EMPTY_RECORD, Uid } from "../cedar/value.ts";
import type { Value } from "../cedar/value.ts";
import { actionId, scopeGroups } from "../engine/cedar-schema.ts";
import { readRecord, Unreadable } from "../facts/shape.ts";
import { findForbidden } from "../facts/reserved-keys.ts";
import type { Compiled } from "../load/compiled.ts";
import { compiledOf } from "../load/compiled.ts";
import type { Ceiling, Deny, Gate, Grant } from "../rules/rule.ts";
import type { ScopePattern } from "../rules/scope.ts";
import type { AgentConfig, Caller, CatalogAction, Policy } from "../types.ts";
import type { No } from "./answer.ts";
import { askedOf } from "./asked.ts";
import type { Asked } from "./asked.ts";
import { bearingOf, sessionPatterns } from "./bearing.ts";
import { BUILTIN } from "./builtin-rules.ts";

/** A caller as policy knows it. What depends on it alone is computed once, and again only for another caller or policy. */
export interface PolicySession {
  readonly policy: Policy;
  readonly compiled: Compiled;
  readonly caller: Caller;
  readonly agent: AgentConfig;
  readonly scope: readonly ScopePattern[];
  readonly principal: Entity;
  /** `user`, `session` and `environment` of the context. */
  readonly context: ReadonlyMap<string, Value>;
  /** Why no call of this session can be judged, when its data or its agent's attributes do not fit their types. */
  readonly unreadable: { readonly path: string; readonly why: string } | undefined;
  readonly places: Map<CatalogAction, Place>;
}

/** The rules that bear on one action, as far as the session leaves them open. */
export interface Place {
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
  readonly unless: Asked | undefined;
}
export interface AskedCeiling {
  readonly rule: Ceiling;
  readonly when: Asked | undefined;
}

/** The session of a caller, kept with the caller object: pass the same one for the calls of one session. A caller that is not exactly a known identity is refused. */
export function sessionOf(policy: Policy, caller: Caller): PolicySession | No {
  const compiled = compiledOf(policy);
  const known = compiled.sessions.get(caller);
  if (known !== undefined) return known;
  const opened = open(policy, compiled, caller);
  if (!("code" in opened)) compiled.sessions.set(caller, opened);
  return opened;
}

function open(policy: Policy, compiled: Compiled, caller: Caller): PolicySession | No {
  const agent = compiled.agents.get(caller.agent);
  if (agent === undefined) {
    return {
      code: "no_grant",
      message: `no agent \`${caller.agent}\` is declared; add it to a file in agents/`,
      rules: [BUILTIN.denyByDefault],
      next: [],
    };
  }
  if (agent.tenant !== caller.tenant || agent.environment !== caller.environment || agent.workflow !== caller.workflow) {
    return {
      code: "cross_tenant",
      message: `\`${caller.agent}\` acts only for its own tenant, environment and workflow; open a session for those`,
      rules: [BUILTIN.tenantIsolation],
      next: [{ kind: "reauthenticate" }],
    };
  }
  const facts = readFacts(compiled, agent, caller);
  return { policy, compiled, caller, agent, scope: sessionPatterns(caller.scope), ...facts, places: new Map() };
}

function readFacts(compiled: Compiled, agent: AgentConfig, caller: Caller): Pick<PolicySession, "principal" | "context" | "unreadable"> {
  const roles = compiled.book.agentRoles.get(agent.name) ?? new Set<string>();
  const uid = new Uid("Agent", agent.name);
  const parents = Array.from(roles, (role) => new Uid("Role", role));
  try {
    const { tenant, environment, workflow, name } = agent;
    const own = under("principal", () => readRecord(agent.attributes, compiled.attributeShape, "drop")).fields;
    const attributes = new Map<string, Value>([...own, ...Object.entries({ tenant, environment, workflow, name })]);
    return {
      principal: flatEntity(uid, attributes, parents),
      context: contextOf(compiled, caller),
      unreadable: undefined,
    };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { path, why } = error;
    return {
      principal: flatEntity(uid, EMPTY_RECORD.fields, parents),
      context: new Map(),
      unreadable: { path, why },
    };
  }
}

function contextOf(compiled: Compiled, caller: Caller): ReadonlyMap<string, Value> {
  const forbidden = findForbidden(caller.data, "session.data");
  if (forbidden !== undefined) throw new Unreadable(forbidden.path, forbidden.why);
  for (const [path, text] of Object.entries({ user: caller.user, session: caller.session, task: caller.task })) {
    if (!text.isWellFormed()) throw new Unreadable(path, "is not well-formed Unicode");
  }
  const data = under("session.data", () => readRecord(caller.data, compiled.sessionShape, "drop"));
  return new Map<string, Value>([
    ["user", new CedarRecord(new Map([["id", caller.user]]))],
    [
      "session",
      new CedarRecord(
        new Map<string, Value>([
          ["id", caller.session],
          ["task", caller.task],
          ["data", data],
        ]),
      ),
    ],
    ["environment", caller.environment],
  ]);
}

/** The same failure with the whole path. */
function under<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Unreadable ? new Unreadable(`${path}.${error.path}`, error.why) : error;
  }
}

/** What comes with each call. */
const OPEN_CONTEXT: ReadonlySet<string> = new Set(["args", "now", "records", "cost"]);

export function placeOf(session: PolicySession, action: CatalogAction): Place {
  const known = session.places.get(action);
  if (known !== undefined) return known;
  const place = compilePlace(session, action);
  session.places.set(action, place);
  return place;
}

function compilePlace(session: PolicySession, action: CatalogAction): Place {
  const uid = new Uid("Action", actionId(action.operation));
  const groups = scopeGroups(action.scope).map((group) => new Uid("Action", group));
  const entity = flatEntity(uid, EMPTY_RECORD.fields, groups);
  const known: Known = {
    principal: { uid: session.principal.uid, entity: session.principal },
    action: { uid, entity },
    context: new CedarRecord(session.context),
    openContext: OPEN_CONTEXT,
  };
  const { grants, denies, gates, ceilings } = bearingOf(session.compiled, session.agent, action);
  return {
    action: entity,
    grants: grants.map((rule) => ({
      rule,
      when: askedOf(rule.when, known),
      rows: askedOf(rule.rows, known),
      unless: askedOf(rule.approve?.unless, known),
    })),
    denies: denies.map((rule) => ({ rule, when: askedOf(rule.when, known), rows: askedOf(rule.rows, known) })),
    gates: gates.map((rule) => ({ rule, when: askedOf(rule.when, known), unless: askedOf(rule.approve?.unless, known) })),
    ceilings: ceilings.map((rule) => ({ rule, when: askedOf(rule.when, known) })),
  };
}
