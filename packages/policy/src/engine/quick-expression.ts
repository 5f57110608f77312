import type { CedarValueJson, Expr, PatternElem } from "@cedar-policy/cedar-wasm/nodejs";
import { matcher } from "./like.ts";

/** What an expression reads. Values were built from declared types, so strings, booleans, safe integers, lists and records are all there is beside extension values. */
export interface QuickFacts {
  readonly principal: Attributes;
  readonly resource: Attributes;
  readonly context: Attributes;
}

type Attributes = Readonly<Record<string, CedarValueJson>>;
type Term = (facts: QuickFacts) => CedarValueJson;

/** Thrown when the quick way is not sure: an error in Cedar's terms, an unexpected type. The interpreter answers then. */
export class Unsure extends Error {}

/**
 * Compiles the part of Cedar that most conditions are made of to closures: literals, attributes, `has`, comparisons, `like`,
 * membership in sets, logic. Undefined when the expression holds anything else.
 * A compiled expression answers only what is beyond doubt; whatever would be an error in Cedar throws Unsure, so that Cedar's own
 * interpreter has the last word on errors.
 */
export function quickExpression(expression: Expr): ((facts: QuickFacts) => boolean) | undefined {
  const term = termOf(expression);
  return term === undefined ? undefined : (facts) => truth(term(facts));
}

function termOf(expression: Expr): Term | undefined {
  const [entry, ...others] = Object.entries(expression);
  if (entry === undefined || others.length > 0) return undefined;
  const [operator, operand]: [string, unknown] = entry;
  const make = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  return make?.(operand);
}

/** How each operator of Cedar's JSON form is made; what is not here is not compiled. */
const OPERATORS: Readonly<Record<string, (operand: unknown) => Term | undefined>> = {
  Value: literal,
  Var: variable,
  "!": (operand) => unary(operand, (value) => !truth(value)),
  isEmpty: (operand) => unary(operand, (value) => list(value).length === 0),
  "==": (operand) => binary(operand, same),
  "!=": (operand) => binary(operand, (left, right) => !same(left, right)),
  "<": (operand) => binary(operand, (left, right) => integer(left) < integer(right)),
  "<=": (operand) => binary(operand, (left, right) => integer(left) <= integer(right)),
  ">": (operand) => binary(operand, (left, right) => integer(left) > integer(right)),
  ">=": (operand) => binary(operand, (left, right) => integer(left) >= integer(right)),
  contains: (operand) => binary(operand, (set, item) => includes(list(set), item)),
  containsAll: (operand) => binary(operand, (set, items) => list(items).every((item) => includes(list(set), item))),
  containsAny: (operand) => binary(operand, (set, items) => list(items).some((item) => includes(list(set), item))),
  "&&": (operand) => shortCircuit(operand, false),
  "||": (operand) => shortCircuit(operand, true),
  "if-then-else": choice,
  ".": attribute,
  has: presence,
  like,
  Set: setLiteral,
};

function literal(value: unknown): Term | undefined {
  if (typeof value === "string" || typeof value === "boolean") return () => value;
  // Cedar's JSON form loses digits beyond 2^53, so only what surely kept them counts.
  return typeof value === "number" && Number.isSafeInteger(value) ? () => value : undefined;
}

function variable(name: unknown): Term | undefined {
  switch (name) {
    case "principal":
      return (facts) => facts.principal;
    case "resource":
      return (facts) => facts.resource;
    case "context":
      return (facts) => facts.context;
    default:
      return undefined;
  }
}

function unary(operand: unknown, apply: (value: CedarValueJson) => CedarValueJson): Term | undefined {
  const term = operandOf(operand, "arg");
  return term === undefined ? undefined : (facts) => apply(term(facts));
}

function binary(operand: unknown, apply: (left: CedarValueJson, right: CedarValueJson) => CedarValueJson): Term | undefined {
  const [left, right] = [operandOf(operand, "left"), operandOf(operand, "right")];
  return left === undefined || right === undefined ? undefined : (facts) => apply(left(facts), right(facts));
}

/** The right side is looked at only when the left one leaves the answer open. */
function shortCircuit(operand: unknown, decisive: boolean): Term | undefined {
  const [left, right] = [operandOf(operand, "left"), operandOf(operand, "right")];
  if (left === undefined || right === undefined) return undefined;
  return (facts) => (truth(left(facts)) === decisive ? decisive : truth(right(facts)));
}

function choice(operand: unknown): Term | undefined {
  const [test, yes, no] = [operandOf(operand, "if"), operandOf(operand, "then"), operandOf(operand, "else")];
  if (test === undefined || yes === undefined || no === undefined) return undefined;
  return (facts) => (truth(test(facts)) ? yes(facts) : no(facts));
}

function attribute(operand: unknown): Term | undefined {
  const left = operandOf(operand, "left");
  const name = memberOf(operand, "attr");
  if (left === undefined || typeof name !== "string") return undefined;
  return (facts) => {
    const record = recordOf(left(facts));
    const value = Object.hasOwn(record, name) ? record[name] : undefined;
    if (value === undefined) throw new Unsure();
    return value;
  };
}

function presence(operand: unknown): Term | undefined {
  const left = operandOf(operand, "left");
  const names = [memberOf(operand, "attr")].flat();
  if (left === undefined || names.length === 0) return undefined;
  const path: string[] = [];
  for (const name of names) {
    if (typeof name !== "string") return undefined;
    path.push(name);
  }
  return (facts) => {
    let value = left(facts);
    for (const name of path) {
      const record = recordOf(value);
      const next = Object.hasOwn(record, name) ? record[name] : undefined;
      if (next === undefined) return false;
      value = next;
    }
    return true;
  };
}

function like(operand: unknown): Term | undefined {
  const left = operandOf(operand, "left");
  const pattern = memberOf(operand, "pattern");
  if (left === undefined || !isPattern(pattern)) return undefined;
  const matches = matcher(pattern);
  return (facts) => {
    const value = left(facts);
    if (typeof value !== "string") throw new Unsure();
    return matches(value);
  };
}

function setLiteral(operand: unknown): Term | undefined {
  if (!Array.isArray(operand)) return undefined;
  const items: Term[] = [];
  for (const each of operand) {
    const item = isExpression(each) ? termOf(each) : undefined;
    if (item === undefined) return undefined;
    items.push(item);
  }
  return (facts) => items.map((item) => item(facts));
}

function operandOf(operand: unknown, name: string): Term | undefined {
  const expression = memberOf(operand, name);
  return isExpression(expression) ? termOf(expression) : undefined;
}

function memberOf(operand: unknown, name: string): unknown {
  return typeof operand === "object" && operand !== null && Object.hasOwn(operand, name) ? Reflect.get(operand, name) : undefined;
}

function isExpression(value: unknown): value is Expr {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPattern(value: unknown): value is readonly PatternElem[] {
  return (
    Array.isArray(value) &&
    value.every((each) => each === "Wildcard" || (isExpression(each) && typeof memberOf(each, "Literal") === "string"))
  );
}

function truth(value: CedarValueJson): boolean {
  if (typeof value !== "boolean") throw new Unsure();
  return value;
}

function integer(value: CedarValueJson): number {
  if (typeof value !== "number") throw new Unsure();
  return value;
}

function list(value: CedarValueJson): readonly CedarValueJson[] {
  if (!Array.isArray(value)) throw new Unsure();
  return value;
}

function recordOf(value: CedarValueJson): Attributes {
  if (typeof value !== "object" || value === null || Array.isArray(value) || "__extn" in value || "__entity" in value) throw new Unsure();
  return value;
}

/** Equality of plain values of one type. Records, sets, entities and extension values have rules of their own: the interpreter knows them. */
function same(left: CedarValueJson, right: CedarValueJson): boolean {
  if (typeof left === "object" || typeof right === "object" || typeof left !== typeof right) throw new Unsure();
  return left === right;
}

function includes(set: readonly CedarValueJson[], item: CedarValueJson): boolean {
  // Every element is looked at, so that a set of records is never half understood.
  return set.reduce<boolean>((found, each) => same(each, item) || found, false);
}
