import type { Expr } from "../cedar/expression.ts";
import type { ApprovalTerms } from "../approval-terms.ts";
import type { ContentRules } from "../content-rules.ts";
import type { Effect, Mask, RuleRef, Span } from "../types.ts";
import type { Limits } from "./limits.ts";
import type { ScopePattern } from "./scope.ts";

/** One Cedar text that is true, false or fails for a call. INVARIANT: `id` is unique within a policy. */
export interface Condition {
  readonly id: string;
  /** `expression` is wrapped into a policy for the validator; `policy` is a whole permit of a .cedar file. */
  readonly form: "expression" | "policy";
  readonly text: string;
  /** Line of the first character of `text`. */
  readonly at: Span;
  /** Scope and clauses as one expression. */
  readonly expr: Expr;
  /** Whether its answer can depend on the record acted on. */
  readonly usesResource: boolean;
}

export interface Approve extends ApprovalTerms {
  readonly by: readonly string[];
  readonly expiresMs: number;
  readonly unless?: Condition | undefined;
}

export interface FieldRules {
  readonly hide: readonly string[];
  readonly mask: ReadonlyMap<string, Mask>;
}

/** Complete in itself: its condition, rows, fields, limits and approval apply together. */
export interface Grant {
  readonly ref: RuleRef;
  /** Undefined for a grant of a .cedar file whose principal is not a role. */
  readonly role: string | undefined;
  /** What it covers: scopes, `tool:*`, ids of operations; `*` stands for every action. */
  readonly on: readonly string[];
  readonly scopeText: string;
  readonly when?: Condition | undefined;
  readonly rows?: Condition | undefined;
  readonly fields: FieldRules;
  /** Fields a writing call may set; undefined means all. */
  readonly write?: readonly string[] | undefined;
  readonly limits: Limits;
  readonly hours?: Hours | undefined;
  readonly content?: ContentRules | undefined;
  readonly approve?: Approve | undefined;
}

export interface Deny {
  readonly ref: RuleRef;
  readonly role: string | undefined;
  readonly on: readonly string[];
  /** In the field form only calls that set this field are denied. */
  readonly field?: string | undefined;
  readonly when?: Condition | undefined;
  readonly rows?: Condition | undefined;
}

/** When something is open, by the clock on the wall of `zone`. */
export interface Hours {
  /** On which days it opens. 0 is Sunday, as in JavaScript. */
  readonly days: ReadonlySet<number>;
  readonly fromMinute: number;
  /** Not more than `fromMinute`: on the day after. */
  readonly toMinute: number;
  readonly zone: string;
}

/** Never grants; adds demands to calls that the grants permit. Absent parts of `on` match everything. */
export interface Gate {
  readonly ref: RuleRef;
  readonly scopes?: readonly ScopePattern[] | undefined;
  readonly effects?: ReadonlySet<Effect> | undefined;
  readonly environments?: ReadonlySet<string> | undefined;
  readonly recordsOver?: number | undefined;
  readonly when?: Condition | undefined;
  /** Without `unless`: a gate's own `when` says where it asks. */
  readonly approve?: Approve | undefined;
  readonly fields: FieldRules;
  readonly limits: Limits;
  readonly hours?: Hours | undefined;
  readonly content?: ContentRules | undefined;
}

/** A bound an agent cannot leave, whatever its roles say. */
export interface Ceiling {
  readonly ref: RuleRef;
  readonly scopes?: readonly ScopePattern[] | undefined;
  readonly effects?: ReadonlySet<Effect> | undefined;
  readonly when?: Condition | undefined;
  readonly hours?: Hours | undefined;
}

/** Everything that decides, compiled from the files and indexed by name. */
export interface RuleBook {
  readonly grants: readonly Grant[];
  readonly denies: readonly Deny[];
  readonly gates: readonly Gate[];
  /** By environment name. */
  readonly environmentCeilings: ReadonlyMap<string, Ceiling>;
  /** By agent identity. */
  readonly agentCeilings: ReadonlyMap<string, Ceiling>;
  /** Own and inherited roles by agent identity. */
  readonly agentRoles: ReadonlyMap<string, ReadonlySet<string>>;
  /** Each role with those it extends, by its name. */
  readonly closure: ReadonlyMap<string, ReadonlySet<string>>;
}
