import { CedarRecord } from "../cedar/value.ts";
import type { Value } from "../cedar/value.ts";
import { readRecord, under, Unreadable } from "../facts/shape.ts";
import { findForbidden } from "../facts/reserved-keys.ts";
import type { Compiled } from "../load/compiled.ts";
import { compiledOf } from "../load/compiled.ts";
import type { ScopePattern } from "../rules/scope.ts";
import type { AgentConfig, Caller, CatalogAction, Policy } from "../types.ts";
import type { No } from "./answer.ts";
import { sessionPatterns } from "./bearing.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { elevationsOf, rolesOf } from "./elevations.ts";
import type { Elevated } from "./elevations.ts";
import type { Place } from "./place.ts";
import { agentFacts, agentPlace, sessionPlace } from "./place.ts";

/** A caller as policy knows it. What depends on it alone is computed once, and again only for another caller or policy. */
export interface PolicySession {
  readonly policy: Policy;
  readonly compiled: Compiled;
  readonly caller: Caller;
  readonly agent: AgentConfig;
  readonly scope: readonly ScopePattern[];
  /** Rights for a time, those over as well: what counts is asked with each call. */
  readonly elevations: readonly Elevated[];
  /** `user`, `session` and `environment` of the context. */
  readonly context: ReadonlyMap<string, Value>;
  /** Why no call of this session can be judged, when its data or its agent's attributes do not fit their types. */
  readonly unreadable: { readonly path: string; readonly why: string } | undefined;
  readonly places: Map<CatalogAction, Place>;
  /** By the roles it has for a time. */
  readonly elevatedPlaces: Map<string, Map<CatalogAction, Place>>;
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
  const { unreadable } = agentFacts(compiled, agent);
  const own = readContext(compiled, caller);
  const scope = sessionPatterns(caller.scope);
  return {
    policy,
    compiled,
    caller,
    agent,
    scope,
    elevations: elevationsOf(agent, caller.elevations),
    context: own.context,
    unreadable: unreadable ?? own.unreadable,
    places: new Map(),
    elevatedPlaces: new Map(),
  };
}

function readContext(compiled: Compiled, caller: Caller): Pick<PolicySession, "context" | "unreadable"> {
  try {
    return { context: contextOf(compiled, caller), unreadable: undefined };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { context: new Map(), unreadable: { path: error.path, why: error.why } };
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

/** The place of an action for this session, without elevations or with these. */
export function placeOf(session: PolicySession, action: CatalogAction, elevated?: readonly Elevated[]): Place {
  if (elevated !== undefined && elevated.length > 0) return elevatedPlace(session, action, rolesOf(elevated));
  const known = session.places.get(action);
  if (known !== undefined) return known;
  const place = sessionPlace(agentPlace(session.compiled, session.agent, action), new CedarRecord(session.context));
  session.places.set(action, place);
  return place;
}

function elevatedPlace(session: PolicySession, action: CatalogAction, roles: readonly string[]): Place {
  const { compiled, agent, context, elevatedPlaces } = session;
  const places = elevatedPlaces.get(roles.join()) ?? new Map<CatalogAction, Place>();
  const known = places.get(action);
  if (known !== undefined) return known;
  const place = sessionPlace(agentPlace(compiled, agent, action, roles), new CedarRecord(context));
  elevatedPlaces.set(roles.join(), places.set(action, place));
  return place;
}
