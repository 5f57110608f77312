import type { Expr, Variable } from "./expression.ts";
import { extensionNamed } from "./extensions.ts";
import { folded } from "./fold.ts";
import { BadData } from "./bad-data.ts";
import { readValue } from "./read-data.ts";

/** Deeper trees could overflow the stack of whoever walks them. Nobody writes such; no text that is accepted has more operators. */
export const MAX_EXPRESSION_DEPTH = 600;
/** Names in the path of one `has`. */
const MAX_PATH = 100;

/**
 * Reads an expression of Cedar's JSON policy form (https://docs.cedarpolicy.com/policies/json-format.html).
 * Extension values written as constants are computed here, once.
 * @throws BadData when it is none, names an unknown operator or function, or is nested too deep.
 */
export function readExpression(json: unknown, depth = 0): Expr {
  if (depth > MAX_EXPRESSION_DEPTH) throw new BadData(`the expression is nested more than ${String(MAX_EXPRESSION_DEPTH)} deep`);
  const [entry, ...others] = typeof json === "object" && json !== null ? Object.entries(json) : [];
  if (entry === undefined || others.length > 0) throw new BadData("an expression is an object with one key, its operator");
  const [operator, operand]: readonly [string, unknown] = entry;
  const inner = (value: unknown): Expr => readExpression(value, depth + 1);
  const part = (name: string): Expr => inner(memberOf(operand, name));
  switch (operator) {
    case "Value":
      return { op: "value", value: readValue(operand) };
    case "Var":
      return { op: "variable", name: variableOf(operand) };
    case "Slot":
      throw new BadData("slots stand only in the scope of a policy");
    case "!":
    case "neg":
    case "isEmpty":
      return { op: operator, of: part("arg") };
    case "&&":
    case "||":
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "+":
    case "-":
    case "*":
    case "in":
    case "contains":
    case "containsAll":
    case "containsAny":
    case "getTag":
    case "hasTag":
      return { op: operator, left: part("left"), right: part("right") };
    case "if-then-else":
      return { op: "if", test: part("if"), yes: part("then"), no: part("else") };
    case ".":
      return { op: "get", of: part("left"), name: textOf(memberOf(operand, "attr")) };
    case "has":
      return presence(part("left"), memberOf(operand, "attr"));
    case "like":
      return { op: "like", of: part("left"), pattern: patternOf(memberOf(operand, "pattern")) };
    case "is":
      return typeTest(part("left"), textOf(memberOf(operand, "entity_type")), memberOf(operand, "in"), inner);
    case "Set":
      return { op: "set", items: listOf(operand).map((item) => inner(item)) };
    case "Record":
      return { op: "record", fields: entriesOf(operand).map(([name, field]) => [name, inner(field)] as const) };
    default:
      return extensionCall(
        operator,
        listOf(operand).map((item) => inner(item)),
      );
  }
}

function variableOf(name: unknown): Variable {
  if (name === "principal" || name === "action" || name === "resource" || name === "context") return name;
  throw new BadData("a variable is `principal`, `action`, `resource` or `context`");
}

/** `x has a.b` is `x has a && x.a has b`. */
function presence(of: Expr, attribute: unknown): Expr {
  const [first, ...rest] = Array.isArray(attribute) ? attribute.map((name: unknown) => textOf(name)) : [textOf(attribute)];
  if (first === undefined || rest.length >= MAX_PATH) throw new BadData(`\`has\` takes a path of 1 to ${String(MAX_PATH)} names`);
  let reached: Expr = of;
  let name = first;
  let test: Expr = { op: "has", of, name };
  for (const next of rest) {
    reached = { op: "get", of: reached, name };
    name = next;
    test = { op: "&&", left: test, right: { op: "has", of: reached, name } };
  }
  return test;
}

/** `x is T in y` is `x is T && x in y`. */
function typeTest(of: Expr, type: string, within: unknown, inner: (json: unknown) => Expr): Expr {
  const test: Expr = { op: "is", of, type };
  return within === undefined ? test : { op: "&&", left: test, right: { op: "in", left: of, right: inner(within) } };
}

function patternOf(elements: unknown): readonly string[] {
  const pieces = [""];
  for (const element of listOf(elements)) {
    if (element === "Wildcard") pieces.push("");
    else pieces.push(`${pieces.pop() ?? ""}${textOf(memberOf(element, "Literal"))}`);
  }
  return pieces;
}

function extensionCall(name: string, args: readonly Expr[]): Expr {
  const call = extensionNamed(name);
  if (call === undefined) throw new BadData(`\`${name}\` is no operator and no function of Cedar`);
  // Cedar parses such a call and fails when it evaluates it.
  if (call.arity !== args.length)
    return { op: "error", message: `\`${name}\` takes ${String(call.arity)} arguments and got ${String(args.length)}` };
  const expr: Expr = { op: "call", call, args };
  return args.every((arg) => arg.op === "value") ? folded(expr) : expr;
}

function memberOf(json: unknown, name: string): unknown {
  return typeof json === "object" && json !== null && Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined;
}

function textOf(json: unknown): string {
  if (typeof json === "string") return json;
  throw new BadData("a name in the expression is no text");
}

function listOf(json: unknown): readonly unknown[] {
  // A hole of a sparse list becomes undefined, which is refused like anything that is no expression.
  if (Array.isArray(json)) return Array.from<unknown>(json);
  throw new BadData("the expression needs a list here");
}

function entriesOf(json: unknown): readonly (readonly [string, unknown])[] {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return Object.entries(json);
  throw new BadData("the expression needs a record here");
}
