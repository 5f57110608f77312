import type { Environment } from "./environment.ts";
import { EvaluationError } from "./evaluation-error.ts";
import type { Expr, Order, TestExpr, Variable } from "./expression.ts";
import { isTest } from "./expression.ts";
import { matcher } from "./like.ts";
import { add, multiply, negate, subtract } from "./long.ts";
import * as operators from "./operators.ts";
import { CedarRecord, CedarSet, equal, Uid } from "./value.ts";
import type { Value } from "./value.ts";

/** A compiled expression. @throws EvaluationError when it fails in Cedar's terms. */
export type Evaluate = (env: Environment) => Value;
/** A compiled condition: as `Evaluate`, and failing when the value is no bool. */
export type Test = (env: Environment) => boolean;

/**
 * Compiles an expression to closures (Cedar's evaluation semantics: https://docs.cedarpolicy.com/policies/syntax-operators.html).
 * What is constant is computed here; what remains is one call for each operator.
 */
export function compileExpression(expr: Expr): Evaluate {
  if (isTest(expr)) return compileOperator(expr);
  switch (expr.op) {
    case "value":
      return constant(expr.value);
    case "error":
      return failing(expr.message);
    case "variable":
      return VARIABLES[expr.name];
    case "neg": {
      const of = compileExpression(expr.of);
      return (env) => operators.noOverflow(negate(operators.needLong(of(env))));
    }
    case "+":
      return arithmetic(expr.left, expr.right, add);
    case "-":
      return arithmetic(expr.left, expr.right, subtract);
    case "*":
      return arithmetic(expr.left, expr.right, multiply);
    case "getTag": {
      const [left, right] = [compileExpression(expr.left), compileExpression(expr.right)];
      return (env) => operators.tagOf(env, left(env), right(env));
    }
    case "if": {
      const [test, yes, no] = [compileTest(expr.test), compileExpression(expr.yes), compileExpression(expr.no)];
      return (env) => (test(env) ? yes(env) : no(env));
    }
    case "get":
      return attribute(expr.of, expr.name);
    case "set": {
      const items = expr.items.map((item) => compileExpression(item));
      return (env) => new CedarSet(items.map((item) => item(env)));
    }
    case "record": {
      const fields = expr.fields.map(([name, field]) => [name, compileExpression(field)] as const);
      return (env) => new CedarRecord(new Map(fields.map(([name, field]) => [name, field(env)])));
    }
    case "call":
      return call(expr);
  }
}

/** Compiles a condition. The answer is a bool, or the evaluation fails. */
export function compileTest(expr: Expr): Test {
  if (isTest(expr)) return compileOperator(expr);
  const value = compileExpression(expr);
  return (env) => operators.needBoolean(value(env));
}

function compileOperator(expr: TestExpr): Test {
  switch (expr.op) {
    case "!": {
      const test = compileTest(expr.of);
      return (env) => !test(env);
    }
    case "&&": {
      const [left, right] = [compileTest(expr.left), compileTest(expr.right)];
      return (env) => left(env) && right(env);
    }
    case "||": {
      const [left, right] = [compileTest(expr.left), compileTest(expr.right)];
      return (env) => left(env) || right(env);
    }
    case "==":
      return equality(expr.left, expr.right);
    case "!=": {
      const same = equality(expr.left, expr.right);
      return (env) => !same(env);
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return comparison(expr.op, expr.left, expr.right);
    case "in":
      return membership(expr.left, expr.right);
    case "contains":
      return containment(expr.left, expr.right);
    case "containsAll":
    case "containsAny":
    case "hasTag":
      return relation(expr.op, expr.left, expr.right);
    case "isEmpty": {
      const of = compileExpression(expr.of);
      return (env) => operators.needSet(of(env)).items.length === 0;
    }
    case "has":
      return presence(expr.of, expr.name);
    case "like": {
      const [of, matches] = [compileExpression(expr.of), matcher(expr.pattern)];
      return (env) => matches(operators.needString(of(env)));
    }
    case "is": {
      const [of, type] = [compileExpression(expr.of), expr.type];
      return (env) => operators.needEntity(of(env)).type === type;
    }
  }
}

const VARIABLES: Readonly<Record<Variable, Evaluate>> = {
  principal: (env) => env.principal,
  action: (env) => env.action,
  resource: (env) => env.resource,
  context: (env) => env.context,
};

function constant(value: Value): Evaluate {
  return () => value;
}

function failing(message: string): Evaluate {
  return () => {
    throw new EvaluationError(message);
  };
}

function arithmetic(leftExpr: Expr, rightExpr: Expr, compute: typeof add): Evaluate {
  const [left, right] = [compileExpression(leftExpr), compileExpression(rightExpr)];
  return (env) => operators.noOverflow(compute(operators.needLong(left(env)), operators.needLong(right(env))));
}

function call(expr: Extract<Expr, { readonly op: "call" }>): Evaluate {
  const { apply } = expr.call;
  const [first, second] = expr.args.map((arg) => compileExpression(arg));
  if (first === undefined) return failing(`\`${expr.call.name}\` needs an argument`);
  if (second === undefined) {
    return (env) => {
      const value = first(env);
      return apply(value, value);
    };
  }
  return (env) => apply(first(env), second(env));
}

/** A scalar equals only itself, so a constant one needs no look at the other side's type. */
function equality(leftExpr: Expr, rightExpr: Expr): Test {
  const [left, right] = [compileExpression(leftExpr), compileExpression(rightExpr)];
  const scalar = scalarOf(rightExpr);
  if (scalar !== undefined) return (env) => left(env) === scalar;
  return (env) => equal(left(env), right(env));
}

function scalarOf(expr: Expr): Value | undefined {
  return expr.op === "value" && typeof expr.value !== "object" ? expr.value : undefined;
}

function comparison(op: Order, leftExpr: Expr, rightExpr: Expr): Test {
  const [left, right] = [compileExpression(leftExpr), compileExpression(rightExpr)];
  switch (op) {
    case "<":
      return (env) => operators.compare(left(env), right(env)) < 0;
    case "<=":
      return (env) => operators.compare(left(env), right(env)) <= 0;
    case ">":
      return (env) => operators.compare(left(env), right(env)) > 0;
    case ">=":
      return (env) => operators.compare(left(env), right(env)) >= 0;
  }
}

/** `principal in Role::"x"` and the like are one look into the ancestors. */
function membership(leftExpr: Expr, rightExpr: Expr): Test {
  const [left, right] = [compileExpression(leftExpr), compileExpression(rightExpr)];
  if (rightExpr.op !== "value" || !(rightExpr.value instanceof Uid)) return (env) => operators.isIn(env, left(env), right(env));
  const target = rightExpr.value;
  return (env) => operators.isWithin(env, operators.needEntity(left(env)), target);
}

function containment(setExpr: Expr, itemExpr: Expr): Test {
  const [set, item] = [compileExpression(setExpr), compileExpression(itemExpr)];
  return (env) => {
    const all = operators.needSet(set(env));
    return all.has(item(env));
  };
}

function relation(op: "containsAll" | "containsAny" | "hasTag", leftExpr: Expr, rightExpr: Expr): Test {
  const [left, right] = [compileExpression(leftExpr), compileExpression(rightExpr)];
  switch (op) {
    case "containsAll":
      return (env) => operators.containsAll(left(env), right(env));
    case "containsAny":
      return (env) => operators.containsAny(left(env), right(env));
    case "hasTag":
      return (env) => operators.hasTag(env, left(env), right(env));
  }
}

/** The request's own entities are at hand, so reading their attributes needs no search. */
function attribute(ofExpr: Expr, name: string): Evaluate {
  if (ofExpr.op === "variable") {
    if (ofExpr.name === "context") return (env) => env.context.fields.get(name) ?? operators.attributeOf(env, env.context, name);
    if (ofExpr.name === "resource")
      return (env) => env.resourceEntity?.attributes.get(name) ?? operators.attributeOf(env, env.resource, name);
    if (ofExpr.name === "principal")
      return (env) => env.principalEntity?.attributes.get(name) ?? operators.attributeOf(env, env.principal, name);
  }
  const of = compileExpression(ofExpr);
  return (env) => operators.attributeOf(env, of(env), name);
}

function presence(ofExpr: Expr, name: string): Test {
  const of = compileExpression(ofExpr);
  return (env) => operators.hasAttribute(env, of(env), name);
}
