import { Decimal } from "../cedar/decimal.ts";
import type { Expr } from "../cedar/expression.ts";
import { FALSE, TRUE } from "../cedar/expression.ts";
import { specialize } from "../cedar/specialize.ts";
import type { Known } from "../cedar/specialize.ts";
import { CedarRecord } from "../cedar/value.ts";
import type { Value } from "../cedar/value.ts";
import type { Asked } from "../decide/asked.ts";
import { isReached } from "../decide/bearing.ts";
import { countsResult } from "../decide/counts-result.ts";
import { agentPlace } from "../decide/place.ts";
import { declaredKey } from "../facts/field-path.ts";
import type { Compiled } from "../load/compiled.ts";
import type { ONE_CALL } from "../rules/limits.ts";
import type { Ceiling, Deny, Gate, Grant } from "../rules/rule.ts";
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
  /** Whether any number of records reaches it, or only more than `recordsOver`. */
  readonly reached: "always" | "sometimes";
}
export interface OpenCeiling {
  readonly rule: Ceiling;
  readonly when: Expr;
}

/** What decisions know of the agent's place, with these roles for a time, and with the constants of the action put in. */
export function openPlaceOf(compiled: Compiled, agent: AgentConfig, action: CatalogAction, elevated?: readonly string[]): OpenPlace {
  const { grants, denies, gates, ceilings } = agentPlace(compiled, agent, action, elevated);
  const known = constantsOf(action);
  const open = (asked: Asked | undefined, absent: Expr): Expr => (asked === undefined ? absent : simplify(specialize(asked.expr, known)));
  const opened = grants.map(({ rule, when, rows, unless }) => ({
    rule,
    when: open(when, TRUE),
    rows: open(rows, TRUE),
    unless: open(unless, FALSE),
  }));
  const records = most("records", opened);
  return {
    agent,
    action,
    grants: opened.filter((grant) => !isAnothers(grant)),
    denies: denies.map(({ rule, when, rows }) => ({ rule, when: open(when, TRUE), rows: open(rows, TRUE) })),
    gates: gates.flatMap(({ rule, when }): readonly OpenGate[] => {
      const reached = reachOf(rule, action, records);
      return reached === "never" ? [] : [{ rule, reached, when: open(when, TRUE) }];
    }),
    ceilings: ceilings.map(({ rule, when }) => ({ rule, when: open(when, TRUE) })),
    alwaysWritten: alwaysWritten(action),
  };
}

const OPEN_CONTEXT: readonly string[] = ["args", "now", "user", "session", "records", "cost"];

/** Without a list a call counts as one record, without an amount it costs nothing. */
function constantsOf(action: CatalogAction): Known {
  const context = new Map<string, Value>();
  if (action.batch === undefined) context.set("records", 1);
  if (action.cost === undefined) context.set("cost", new Decimal(0));
  return { context: new CedarRecord(context), openContext: new Set(OPEN_CONTEXT.filter((name) => !context.has(name))) };
}

/** A `permit` of a .cedar file names its principals in its condition: one for other roles is no grant of this agent. */
function isAnothers({ rule, when, rows }: OpenGrant): boolean {
  return rule.role === undefined && (isConstant(when, false) || isConstant(rows, false));
}

/** The most that some grant permits for one call. */
export function most(bound: (typeof ONE_CALL)[number], grants: readonly OpenGrant[]): number {
  return Math.max(...grants.map(({ rule }) => rule.limits[bound] ?? Number.POSITIVE_INFINITY));
}

/** A call with more records than any grant permits is refused for that, whatever the gate says. */
function reachOf(gate: Gate, action: CatalogAction, records: number): OpenGate["reached"] | "never" {
  if (gate.recordsOver === undefined) return "always";
  // Of a result more people are asked, and it is seen only afterwards how large it is.
  if (countsResult(action) && gate.approve !== undefined) return gate.recordsOver < records ? "sometimes" : "never";
  if (action.batch === undefined) return isReached(gate, action, 1) ? "always" : "never";
  return gate.recordsOver < records ? "sometimes" : "never";
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
