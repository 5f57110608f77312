import { namesOf } from "../engine/cedar-schema.ts";
import type { Compiled } from "../load/compiled.ts";
import type { Ceiling, Deny, Gate, Grant } from "../rules/rule.ts";
import { coversScope, parseScope } from "../rules/scope.ts";
import type { ScopePattern } from "../rules/scope.ts";
import type { AgentConfig, CatalogAction } from "../types.ts";
import { countsResult } from "./counts-result.ts";

/** Rules that bear on one action of one agent, whatever their conditions. */
export interface Bearing {
  readonly grants: readonly Grant[];
  readonly denies: readonly Deny[];
  /** Those of its environment; each still asks how many records a call touches. */
  readonly gates: readonly Gate[];
  readonly ceilings: readonly Ceiling[];
}

/** `roles`: those it holds, its own and those it has for a time. */
export function bearingOf(
  { book, grants, denies }: Compiled,
  agent: AgentConfig,
  roles: ReadonlySet<string>,
  action: CatalogAction,
): Bearing {
  const names = namesOf(action);
  const isHeld = (rule: Grant | Deny): boolean => rule.role === undefined || roles.has(rule.role);
  return {
    grants: grants.find(names).filter(isHeld),
    denies: denies.find(names).filter(isHeld),
    gates: book.gates.filter(
      (gate) =>
        (gate.scopes === undefined || gate.scopes.some((pattern) => coversScope(pattern, action.scope))) &&
        (gate.effects === undefined || gate.effects.has(action.effect)) &&
        (gate.environments === undefined || gate.environments.has(agent.environment)),
    ),
    ceilings: [book.environmentCeilings.get(agent.environment), book.agentCeilings.get(agent.name)].filter(
      (ceiling) => ceiling !== undefined,
    ),
  };
}

/** Whether a gate's `recordsOver` lets it bear on a call that touches so many; undefined asks for any number. */
export function isReached(gate: Gate, action: CatalogAction, records: number | undefined): boolean {
  if (gate.recordsOver === undefined) return true;
  return records === undefined ? action.batch !== undefined || countsResult(action) : records > gate.recordsOver;
}

/** Whether patterns cover the action and, where only its field forms do, every written field. `written` undefined asks for any call. */
export function withinScopes(patterns: readonly ScopePattern[], action: CatalogAction, written: readonly string[] | undefined): boolean {
  const covering = patterns.filter((pattern) => coversScope(pattern, action.scope));
  if (covering.length === 0) return false;
  if (written === undefined || covering.some((pattern) => pattern.field === undefined)) return true;
  return action.effect !== "read" && written.every((field) => covering.some((pattern) => pattern.field === field));
}

/** Scopes of a session; a text that is no scope matches nothing. */
export function sessionPatterns(scope: readonly string[]): readonly ScopePattern[] {
  return scope.flatMap((text) => parseScope(text) ?? []);
}
