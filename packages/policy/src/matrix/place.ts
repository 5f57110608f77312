import { Decimal } from "../cedar/decimal.ts";
import type { Entity } from "../cedar/entities.ts";
import { flatEntity } from "../cedar/entities.ts";
import type { Expr } from "../cedar/expression.ts";
import { FALSE, TRUE } from "../cedar/expression.ts";
import { specialize } from "../cedar/specialize.ts";
import type { Known } from "../cedar/specialize.ts";
import { CedarRecord, EMPTY_RECORD, Uid } from "../cedar/value.ts";
import type { Value } from "../cedar/value.ts";
import { bearingOf, isReached } from "../decide/bearing.ts";
import { actionId, scopeGroups } from "../engine/cedar-schema.ts";
import { declaredKey } from "../facts/field-path.ts";
import { readRecord } from "../facts/shape.ts";
import type { Compiled } from "../load/compiled.ts";
import type { Ceiling, Condition, Deny, Gate, Grant } from "../rules/rule.ts";
import type { AgentConfig, CatalogAction } from "../types.ts";
import { isConstant, simplify } from "./simplify.ts";

/**
 * The rules that bear on one action of one agent, each condition as far as agent, action and environment leave it open.
 * An absent condition is TRUE, an absent `unless` FALSE.
 */
export interface OpenPlace {
  readonly agent: AgentConfig;
  readonly action: CatalogAction;
  readonly grants: readonly OpenGrant[];
  readonly denies: readonly OpenDeny[];
  /** Without those that no number of records reaches. */
  readonly gates: readonly OpenGate[];
  readonly ceilings: readonly OpenCeiling[];
  /** Fields that every call sets. */
  readonly alwaysWritten: readonly string[];
}

export interface OpenGrant {
  readonly rule: Grant;
  readonly when: Expr;
  readonly rows: Expr;
  readonly unless: Expr;
}
export interface OpenDeny {
  readonly rule: Deny;
  readonly when: Expr;
  readonly rows: Expr;
}
export interface OpenGate {
  readonly rule: Gate;
  readonly when: Expr;
  readonly unless: Expr;
  /** Whether any number of records reaches it, or only more than `recordsOver`. */
  readonly reached: "always" | "sometimes";
}
export interface OpenCeiling {
  readonly rule: Ceiling;
  readonly when: Expr;
}

/** @throws Unreadable when the agent's attributes do not fit their types; then no call of it can be judged. */
export function principalOf(compiled: Compiled, agent: AgentConfig): Entity {
  const { tenant, environment, workflow, name } = agent;
  const { fields } = readRecord(agent.attributes, compiled.attributeShape, "drop");
  const attributes = new Map<string, Value>([...fields, ...Object.entries({ tenant, environment, workflow, name })]);
  const roles = compiled.book.agentRoles.get(name) ?? new Set<string>();
  return flatEntity(
    new Uid("Agent", name),
    attributes,
    Array.from(roles, (role) => new Uid("Role", role)),
  );
}

export function openPlaceOf(compiled: Compiled, agent: AgentConfig, principal: Entity, action: CatalogAction): OpenPlace {
  const known = knownOf(agent, principal, action);
  const open = (condition: Condition | undefined, absent: Expr): Expr =>
    condition === undefined ? absent : simplify(specialize(condition.expr, known));
  const { grants, denies, gates, ceilings } = bearingOf(compiled, agent, action);
  const opened = grants.map((rule) => ({
    rule,
    when: open(rule.when, TRUE),
    rows: open(rule.rows, TRUE),
    unless: open(rule.approve?.unless, FALSE),
  }));
  return {
    agent,
    action,
    grants: opened.filter((grant) => !isAnothers(grant)),
    denies: denies.map((rule) => ({ rule, when: open(rule.when, TRUE), rows: open(rule.rows, TRUE) })),
    gates: gates.flatMap((rule): readonly OpenGate[] => {
      const reached = reachOf(rule, action, mostRecords(grants));
      return reached === "never" ? [] : [{ rule, reached, when: open(rule.when, TRUE), unless: open(rule.approve?.unless, FALSE) }];
    }),
    ceilings: ceilings.map((rule) => ({ rule, when: open(rule.when, TRUE) })),
    alwaysWritten: alwaysWritten(action),
  };
}

/** What comes with sessions and calls. */
const OPEN_CONTEXT: readonly string[] = ["args", "now", "user", "session", "records", "cost"];

function knownOf(agent: AgentConfig, principal: Entity, action: CatalogAction): Known {
  const uid = new Uid("Action", actionId(action.operation));
  const groups = scopeGroups(action.scope).map((group) => new Uid("Action", group));
  const context = new Map<string, Value>([["environment", agent.environment]]);
  // Without a list a call counts as one record, without an amount it costs nothing.
  if (action.batch === undefined) context.set("records", 1);
  if (action.cost === undefined) context.set("cost", new Decimal(0));
  return {
    principal: { uid: principal.uid, entity: principal },
    action: { uid, entity: flatEntity(uid, EMPTY_RECORD.fields, groups) },
    context: new CedarRecord(context),
    openContext: new Set(OPEN_CONTEXT.filter((name) => !context.has(name))),
  };
}

/** A `permit` of a .cedar file names its principals in its condition: one for other roles is no grant of this agent. */
function isAnothers({ rule, when, rows }: OpenGrant): boolean {
  return rule.role === undefined && (isConstant(when, false) || isConstant(rows, false));
}

/** The most records that some grant permits for one call. */
function mostRecords(grants: readonly Grant[]): number {
  return Math.max(...grants.map((grant) => grant.limits.records ?? Number.POSITIVE_INFINITY));
}

/** A call with more records than any grant permits is refused for that, whatever the gate says. */
function reachOf(gate: Gate, action: CatalogAction, most: number): OpenGate["reached"] | "never" {
  if (gate.recordsOver === undefined) return "always";
  if (action.batch === undefined) return isReached(gate, action, 1) ? "always" : "never";
  return gate.recordsOver < most ? "sometimes" : "never";
}

/** The required arguments that count as written fields. One of type `any` may be left out. */
function alwaysWritten(action: CatalogAction): readonly string[] {
  if (action.effect === "read" || action.resource?.fields !== undefined) return [];
  const id = action.resource?.id.split(".")[1];
  return Object.entries(action.args).flatMap(([key, type]) => {
    const { name, optional } = declaredKey(key);
    return optional || type === "any" || name === id || Object.hasOwn(action.force, name) ? [] : [name];
  });
}
