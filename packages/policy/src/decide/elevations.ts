import type { ScopePattern } from "../rules/scope.ts";
import type { ActiveElevation, AgentConfig, Caller, CatalogAction } from "../types.ts";
import { sessionPatterns, withinScopes } from "./bearing.ts";

/** A right for a time that the agent may have. */
export interface Elevated {
  readonly elevation: ActiveElevation;
  /** Undefined: all of the role. A text that is no scope covers nothing. */
  readonly scope: readonly ScopePattern[] | undefined;
}

const NOT_ELEVATED: readonly Elevated[] = [];

/** The elevations that the policy in force lets its agent have: one to a role that is not among `eligible` any more counts for nothing. */
export function elevationsOf(agent: AgentConfig, elevations: Caller["elevations"]): readonly Elevated[] {
  if (elevations === undefined || elevations.length === 0) return NOT_ELEVATED;
  return elevations
    .filter(({ role }) => agent.eligible.some((eligible) => eligible.role === role))
    .map((elevation) => ({ elevation, scope: elevation.scope.length === 0 ? undefined : sessionPatterns(elevation.scope) }));
}

/** Those that count for a call: in time, and the call is within their scope. Of several to one role the one that ends last. */
export function inForce(
  held: readonly Elevated[],
  action: CatalogAction,
  written: readonly string[] | undefined,
  now: Date,
): readonly Elevated[] {
  if (held.length === 0) return held;
  const byRole = new Map<string, Elevated>();
  for (const one of covering(held, action, written)) {
    const { role, until } = one.elevation;
    const other = byRole.get(role)?.elevation.until;
    if (now < until && (other === undefined || other < until)) byRole.set(role, one);
  }
  return byRole.size === 0 ? NOT_ELEVATED : [...byRole.values()];
}

/** `written` undefined asks for any call. */
export function covering(held: readonly Elevated[], action: CatalogAction, written: readonly string[] | undefined): readonly Elevated[] {
  return held.filter(({ scope }) => scope === undefined || withinScopes(scope, action, written));
}

/** The roles, each once, in an order that does not depend on that of the elevations. */
export function rolesOf(elevated: readonly Elevated[]): readonly string[] {
  return [...new Set(elevated.map(({ elevation }) => elevation.role))].toSorted();
}

/** An elevation to a role as if it had been given, to ask what it would change. */
export function supposed(role: string): Elevated {
  return { elevation: { id: "", role, scope: [], until: NEVER_ENDS }, scope: undefined };
}

const NEVER_ENDS = new Date(8_640_000_000_000_000);
