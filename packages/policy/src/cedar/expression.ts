import type { ExtensionCall } from "./extensions.ts";
import type { Uid, Value } from "./value.ts";

/** A Cedar expression, checked and with its constants read. Everything that compiles, evaluates, prints or judges one walks this tree. */
export type Expr =
  | { readonly op: "value"; readonly value: Value }
  /** Known to fail whenever it is evaluated. */
  | { readonly op: "error"; readonly message: string }
  | { readonly op: "variable"; readonly name: Variable }
  | { readonly op: "neg"; readonly of: Expr }
  | { readonly op: Arithmetic | "getTag"; readonly left: Expr; readonly right: Expr }
  | { readonly op: "if"; readonly test: Expr; readonly yes: Expr; readonly no: Expr }
  | { readonly op: "get"; readonly of: Expr; readonly name: string }
  | { readonly op: "set"; readonly items: readonly Expr[] }
  | { readonly op: "record"; readonly fields: readonly (readonly [string, Expr])[] }
  | { readonly op: "call"; readonly call: ExtensionCall; readonly args: readonly Expr[] }
  | TestExpr;

/** Expressions that are true or false whenever they do not fail. */
export type TestExpr =
  | { readonly op: "!" | "isEmpty"; readonly of: Expr }
  | { readonly op: Connective | Order | Relation; readonly left: Expr; readonly right: Expr }
  | { readonly op: "has"; readonly of: Expr; readonly name: string }
  | { readonly op: "like"; readonly of: Expr; readonly pattern: Pattern }
  | { readonly op: "is"; readonly of: Expr; readonly type: string };

export type Variable = "principal" | "action" | "resource" | "context";
export type Arithmetic = "+" | "-" | "*";
export type Connective = "&&" | "||";
export type Order = "<" | "<=" | ">" | ">=";
export type Relation = "==" | "!=" | "in" | "contains" | "containsAll" | "containsAny" | "hasTag";

/** Texts between wildcards; one more than there are wildcards. */
export type Pattern = readonly string[];

export const TRUE: Expr = { op: "value", value: true };
export const FALSE: Expr = { op: "value", value: false };

const TEST_OPS: ReadonlySet<string> = new Set<TestExpr["op"]>([
  "!",
  "isEmpty",
  "&&",
  "||",
  "<",
  "<=",
  ">",
  ">=",
  "==",
  "!=",
  "in",
  "contains",
  "containsAll",
  "containsAny",
  "hasTag",
  "has",
  "like",
  "is",
]);

export function isTest(expr: Expr): expr is TestExpr {
  return TEST_OPS.has(expr.op);
}

/** Whether the expression, when it does not fail, is surely true or false. */
export function isBoolean(expr: Expr): boolean {
  if (expr.op === "value") return typeof expr.value === "boolean";
  if (expr.op === "if") return isBoolean(expr.yes) && isBoolean(expr.no);
  if (expr.op === "call") return expr.call.returnsBoolean;
  return expr.op === "error" || isTest(expr);
}

/** All must hold, from left to right. */
export function allOf(parts: readonly Expr[]): Expr {
  const [first, ...rest] = parts;
  return first === undefined ? TRUE : rest.reduce<Expr>((left, right) => ({ op: "&&", left, right }), first);
}

/** The direct parts of an expression, in the order in which they are evaluated. */
export function childrenOf(expr: Expr): readonly Expr[] {
  if ("left" in expr) return [expr.left, expr.right];
  if ("of" in expr) return [expr.of];
  switch (expr.op) {
    case "value":
    case "error":
    case "variable":
      return [];
    case "if":
      return [expr.test, expr.yes, expr.no];
    case "set":
      return expr.items;
    case "record":
      return expr.fields.map(([, field]) => field);
    case "call":
      return expr.args;
  }
}

/** The same expression with each direct part replaced. */
export function mapChildren(expr: Expr, change: (child: Expr) => Expr): Expr {
  if ("left" in expr) return { op: expr.op, left: change(expr.left), right: change(expr.right) };
  if ("of" in expr) return { ...expr, of: change(expr.of) };
  switch (expr.op) {
    case "value":
    case "error":
    case "variable":
      return expr;
    case "if":
      return { op: "if", test: change(expr.test), yes: change(expr.yes), no: change(expr.no) };
    case "set":
      return { op: "set", items: expr.items.map((item) => change(item)) };
    case "record":
      return { op: "record", fields: expr.fields.map(([name, field]) => [name, change(field)] as const) };
    case "call":
      return { ...expr, args: expr.args.map((arg) => change(arg)) };
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
