import { actionId } from "../engine/cedar-schema.ts";
import type { Ceiling, Condition, Deny, Gate, Grant } from "../rules/rule.ts";
import { coversScope, parseScope } from "../rules/scope.ts";
import type { ScopePattern } from "../rules/scope.ts";
import type { CatalogAction } from "../types.ts";
import type { Situation } from "./situation.ts";

type Place = Pick<Situation, "compiled" | "roles" | "action" | "agent">;

/** Grants of the agent's roles that cover the action, whatever their conditions. */
export function grantsFor({ compiled, roles, action }: Place): readonly Grant[] {
  const id = actionId(action.operation);
  return compiled.book.grants.filter((grant) => (grant.role === undefined || roles.has(grant.role)) && grant.covers(action.scope, id));
}

export function deniesFor({ compiled, roles, action }: Place): readonly Deny[] {
  const id = actionId(action.operation);
  return compiled.book.denies.filter((deny) => (deny.role === undefined || roles.has(deny.role)) && deny.covers(action.scope, id));
}

/** Gates that cover the action in this environment; `records` undefined asks for any number. */
export function gatesFor({ compiled, action, agent }: Place, records: number | undefined): readonly Gate[] {
  return compiled.book.gates.filter(
    (gate) =>
      (gate.scopes === undefined || gate.scopes.some((pattern) => coversScope(pattern, action.scope))) &&
      (gate.effects === undefined || gate.effects.has(action.effect)) &&
      (gate.environments === undefined || gate.environments.has(agent.environment)) &&
      (gate.recordsOver === undefined || (records === undefined ? action.batch !== undefined : records > gate.recordsOver)),
  );
}

export function ceilingsFor({ compiled, agent }: Place): readonly Ceiling[] {
  return [compiled.book.environmentCeilings.get(agent.environment), compiled.book.agentCeilings.get(agent.name)].filter(
    (ceiling) => ceiling !== undefined,
  );
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

export function conditionsOf(rules: {
  readonly grants: readonly Grant[];
  readonly denies: readonly Deny[];
  readonly gates: readonly Gate[];
  readonly ceilings: readonly Ceiling[];
}): readonly Condition[] {
  const all = [
    ...rules.denies.flatMap((deny) => [deny.when, deny.rows]),
    ...rules.ceilings.map((ceiling) => ceiling.when),
    ...rules.gates.flatMap((gate) => [gate.when, gate.approve?.unless]),
    ...rules.grants.flatMap((grant) => [grant.when, grant.rows, grant.approve?.unless]),
  ];
  return all.filter((condition) => condition !== undefined);
}
