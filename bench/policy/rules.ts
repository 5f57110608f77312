/** A policy in terms that all contenders can express: who, which actions, on what, and comparisons that must all hold. */
export interface Rule {
  readonly id: string;
  readonly effect: "permit" | "forbid";
  /** Everybody when absent. */
  readonly role?: string;
  readonly tool: number;
  /** A group of actions such as `tickets0:read`. */
  readonly scope: string;
  readonly when: readonly Comparison[];
}

/** A field of the record or of the call's context against a literal or a field of the principal. */
export interface Comparison {
  readonly of: "resource" | "context";
  readonly field: string;
  readonly is: Operator;
  readonly to: { readonly principal: string } | { readonly value: Scalar };
}

export type Operator = "==" | "!=" | "<=" | ">";
export type Scalar = string | number | boolean;

/** What each scope of a tool stands for. */
export const ACTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  read: ["get", "list", "search"],
  write: ["update", "assign"],
  send: ["reply"],
  close: ["close_one", "close_many"],
  delete: ["remove"],
};

export function typeOf(tool: number): string {
  return `Ticket${tool}`;
}

/** How many policies a tool brings. */
export const TOOL_RULES = 10;

/** The policies of one tool and its two roles; thresholds differ from tool to tool, so that no two policies are alike. */
export function rulesOf(tool: number, random: () => number): readonly Rule[] {
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low));
  const support = { role: `support${tool}` };
  const lead = { role: `lead${tool}` };
  const everybody = {};
  const ownTenant = same("tenant");
  const parts: readonly (readonly [Rule["effect"], { readonly role?: string }, string, readonly Comparison[]])[] = [
    ["permit", support, "read", [ownTenant, record("tier", "<=", 2)]],
    ["permit", support, "write", [ownTenant, same("region")]],
    ["permit", support, "send", [ownTenant, context("recipients", "<=", between(3, 6))]],
    ["permit", support, "close", [ownTenant, context("records", "<=", between(8, 12))]],
    ["permit", lead, "read", [ownTenant]],
    ["permit", lead, "write", [ownTenant, context("amount", "<=", between(8_000, 30_000))]],
    ["permit", lead, "delete", [ownTenant, record("tier", "<=", 2), context("approved", "==", true)]],
    ["forbid", everybody, "write", [context("amount", ">", between(10_000, 18_000))]],
    [
      "forbid",
      support,
      "read",
      [{ of: "resource", field: "region", is: "!=", to: { principal: "region" } }, record("restricted", "==", true)],
    ],
    ["forbid", everybody, "delete", [context("channel", "==", "chat")]],
  ];
  return parts.map(([effect, who, scope, when], index) => ({
    id: `t${tool}-${index}`,
    effect,
    ...who,
    tool,
    scope: `tickets${tool}:${scope}`,
    when,
  }));
}

/** The actions a scope such as `tickets0:read` stands for. */
export function actionsIn(scope: string): readonly string[] {
  const [tool = "", name = ""] = scope.split(":");
  return (ACTIONS_OF[name] ?? []).map((action) => `${tool}:${action}`);
}

function same(field: string): Comparison {
  return { of: "resource", field, is: "==", to: { principal: field } };
}

function record(field: string, is: Operator, value: Scalar): Comparison {
  return { of: "resource", field, is, to: { value } };
}

function context(field: string, is: Operator, value: Scalar): Comparison {
  return { of: "context", field, is, to: { value } };
}
