import type { ExtensionCall } from "./extensions.ts";
import type { Uid, Value } from "./value.ts";

/** A Cedar expression, checked and with its constants read. Everything that compiles, evaluates, prints or judges one walks this tree. */
export type Expr =
  | { readonly op: "value"; readonly value: Value }
  /** Known to fail whenever it is evaluated. */
  | { readonly op: "error"; readonly message: string }
  | { readonly op: "variable"; readonly name: Variable }
  | { readonly op: UnaryOp; readonly of: Expr }
  | { readonly op: BinaryOp; readonly left: Expr; readonly right: Expr }
  | { readonly op: "if"; readonly test: Expr; readonly then: Expr; readonly else: Expr }
  | { readonly op: "get" | "has"; readonly of: Expr; readonly name: string }
  | { readonly op: "like"; readonly of: Expr; readonly pattern: Pattern }
  | { readonly op: "is"; readonly of: Expr; readonly type: string }
  | { readonly op: "set"; readonly items: readonly Expr[] }
  | { readonly op: "record"; readonly fields: readonly (readonly [string, Expr])[] }
  | { readonly op: "call"; readonly call: ExtensionCall; readonly args: readonly Expr[] };

export type Variable = "principal" | "action" | "resource" | "context";
export type UnaryOp = "!" | "neg" | "isEmpty";
export type BinaryOp =
  | "&&"
  | "||"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "+"
  | "-"
  | "*"
  | "in"
  | "contains"
  | "containsAll"
  | "containsAny"
  | "getTag"
  | "hasTag";

/** Texts between wildcards; one more than there are wildcards. */
export type Pattern = readonly string[];

export const TRUE: Expr = { op: "value", value: true };
export const FALSE: Expr = { op: "value", value: false };

const BOOLEAN_OPS: ReadonlySet<Expr["op"]> = new Set<Expr["op"]>([
  "!",
  "isEmpty",
  "&&",
  "||",
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "in",
  "contains",
  "containsAll",
  "containsAny",
  "hasTag",
  "has",
  "like",
  "is",
]);

/** Whether the expression, when it does not fail, is surely true or false. */
export function isBoolean(expr: Expr): boolean {
  if (expr.op === "value") return typeof expr.value === "boolean";
  if (expr.op === "error") return true;
  if (expr.op === "if") return isBoolean(expr.then) && isBoolean(expr.else);
  return expr.op === "call" ? expr.call.returnsBoolean : BOOLEAN_OPS.has(expr.op);
}

/** All must hold, from left to right. */
export function allOf(parts: readonly Expr[]): Expr {
  const [first, ...rest] = parts;
  return first === undefined ? TRUE : rest.reduce<Expr>((left, right) => ({ op: "&&", left, right }), first);
}

/** The direct parts of an expression, in the order in which they are evaluated. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.op) {
    case "value":
    case "error":
    case "variable":
      return [];
    case "!":
    case "neg":
    case "isEmpty":
    case "get":
    case "has":
    case "like":
    case "is":
      return [expr.of];
    case "if":
      return [expr.test, expr.then, expr.else];
    case "set":
      return expr.items;
    case "record":
      return expr.fields.map(([, field]) => field);
    case "call":
      return expr.args;
    default:
      return [expr.left, expr.right];
  }
}

/** The same expression with each direct part replaced. */
export function mapChildren(expr: Expr, change: (child: Expr) => Expr): Expr {
  switch (expr.op) {
    case "value":
    case "error":
    case "variable":
      return expr;
    case "!":
    case "neg":
    case "isEmpty":
    case "get":
    case "has":
    case "like":
    case "is":
      return { ...expr, of: change(expr.of) };
    case "if":
      return { op: "if", test: change(expr.test), then: change(expr.then), else: change(expr.else) };
    case "set":
      return { op: "set", items: expr.items.map((item) => change(item)) };
    case "record":
      return { op: "record", fields: expr.fields.map(([name, field]) => [name, change(field)] as const) };
    case "call":
      return { ...expr, args: expr.args.map((arg) => change(arg)) };
    default:
      return { op: expr.op, left: change(expr.left), right: change(expr.right) };
  }
}

/** Which principals or resources a policy's scope covers. */
export type Scope =
  | { readonly op: "all" }
  | { readonly op: "==" | "in"; readonly uid: Uid }
  | { readonly op: "is"; readonly type: string }
  | { readonly op: "is in"; readonly type: string; readonly uid: Uid };

export type ActionScope =
  | { readonly op: "all" }
  | { readonly op: "=="; readonly uid: Uid }
  | { readonly op: "in"; readonly uids: readonly Uid[] };

/** One policy, with slots filled in. */
export interface PolicyTree {
  readonly id: string;
  readonly effect: "permit" | "forbid";
  readonly principal: Scope;
  readonly action: ActionScope;
  readonly resource: Scope;
  /** All `when` and `unless` clauses joined. */
  readonly condition: Expr;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A policy's whole scope and condition as one expression. */
export function wholeCondition(policy: Pick<PolicyTree, "principal" | "action" | "resource" | "condition">): Expr {
  const parts = [scopeExpr("principal", policy.principal), actionExpr(policy.action), scopeExpr("resource", policy.resource)];
  return allOf([...parts.filter((part) => part !== TRUE), policy.condition]);
}

function scopeExpr(name: Variable, scope: Scope): Expr {
  const of: Expr = { op: "variable", name };
  switch (scope.op) {
    case "all":
      return TRUE;
    case "==":
    case "in":
      return { op: scope.op, left: of, right: { op: "value", value: scope.uid } };
    case "is":
      return { op: "is", of, type: scope.type };
    case "is in":
      return allOf([
        { op: "is", of, type: scope.type },
        { op: "in", left: of, right: { op: "value", value: scope.uid } },
      ]);
  }
}

function actionExpr(scope: ActionScope): Expr {
  const left: Expr = { op: "variable", name: "action" };
  switch (scope.op) {
    case "all":
      return TRUE;
    case "==":
      return { op: "==", left, right: { op: "value", value: scope.uid } };
    case "in":
      return { op: "in", left, right: { op: "set", items: scope.uids.map((value) => ({ op: "value", value })) } };
  }
}
