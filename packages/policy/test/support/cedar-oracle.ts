import * as official from "@cedar-policy/cedar-wasm/nodejs";
import type { Context, EntityJson, PolicySet, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";
import { expect } from "vitest";
import { compileExpression } from "../../src/cedar/compile.ts";
import { environmentOf } from "../../src/cedar/environment.ts";
import type { Environment } from "../../src/cedar/environment.ts";
import { EvaluationError } from "../../src/cedar/evaluation-error.ts";
import type { Expr } from "../../src/cedar/expression.ts";
import { authorize, compilePolicies, readEntities, readRequest } from "../../src/cedar/index.ts";
import type { Policies, Value } from "../../src/cedar/index.ts";
import { specialize } from "../../src/cedar/specialize.ts";

/** What is asked of both engines, in the JSON that both read. */
export interface Question {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
  readonly context: Context;
  readonly entities: readonly EntityJson[];
}

export interface Outcome {
  readonly decision: string;
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
}

/** Stands in a table for an expression that fails whenever it is evaluated. */
export const FAILS = "fails";

/** @throws Error when the engine does not compile the policies. */
export function compiled(policies: PolicySet): Policies {
  const compilation = compilePolicies(policies);
  if (!compilation.ok) throw new Error(compilation.errors.map(({ policy, message }) => `${policy}: ${message}`).join("; "));
  return compilation.policies;
}

/** Our answer. */
export function ours(policies: PolicySet, question: Question): Outcome {
  const { decision, reasons, errors } = authorize(compiled(policies), readRequest(question), readEntities(question.entities));
  return { decision, reasons: reasons.toSorted(), errors: errors.map(({ policy }) => policy).toSorted() };
}

/** What the official library answers. @throws Error when it refuses to read. */
export function theirs(policies: PolicySet, { entities, ...question }: Question): Outcome {
  const answer = official.isAuthorized({ ...question, entities: [...entities], policies });
  if (answer.type === "failure") throw new Error(answer.errors.map((error) => error.message).join("; "));
  const { decision, diagnostics } = answer.response;
  return { decision, reasons: diagnostics.reason.toSorted(), errors: diagnostics.errors.map(({ policyId }) => policyId).toSorted() };
}

/** Fails the test unless both engines give the same answer. */
export function expectAgreement(policies: PolicySet, question: Question): Outcome {
  const answer = ours(policies, question);
  expect(answer).toEqual(theirs(policies, question));
  return answer;
}

export function when(expression: string): string {
  return `permit(principal, action, resource) when {\n${expression}\n};`;
}

/** The expression as the engine reads it. */
export function exprOf(text: string): Expr {
  const [tree] = compiled({ staticPolicies: [when(text)] }).trees;
  if (tree === undefined) throw new Error("one text is one policy");
  return tree.condition;
}

export function environmentIn(question: Question): Environment {
  return environmentOf(readRequest(question), readEntities(question.entities));
}

/** The value as canonical text, or `fails`. Whatever is thrown besides Cedar's own failures goes on. */
export function outcomeIn(env: Environment, expr: Expr): string {
  try {
    return show(compileExpression(expr)(env));
  } catch (error) {
    if (error instanceof EvaluationError) return FAILS;
    throw error;
  }
}

/** Canonical text of a value; equal values have one text. A bigint is marked, so that two forms of one integer would show. */
export function show(value: Value): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${String(value)}n`;
  if (typeof value !== "object") return Object.is(value, -0) ? "-0" : String(value);
  switch (value.kind) {
    case "entity":
      return `${value.type}::${JSON.stringify(value.id)}`;
    case "set":
      return `[${[...new Set(value.items.map((item) => show(item)))].toSorted().join(", ")}]`;
    case "record":
      return `{${Array.from(value.fields, ([name, field]) => `${JSON.stringify(name)}: ${show(field)}`)
        .toSorted()
        .join(", ")}}`;
    case "decimal":
      return `decimal ${show(value.units)}`;
    case "datetime":
      return `datetime ${show(value.epochMs)}`;
    case "duration":
      return `duration ${show(value.ms)}`;
    case "ip":
      return `ip ${String(value.version)} ${String(value.address)}/${String(value.prefix)}`;
  }
}

/**
 * One row of a table: the expression comes to the value of `expected`, or fails. Asked are the official library, so that the table cannot be
 * wrong; our engine as a value, as a condition and negated; and what is left of the expression when the whole request is put in beforehand.
 */
export function expectRow(text: string, expected: string, question: Question): void {
  const policies =
    expected === FAILS
      ? { it: when(`(${text}) == 0`), itself: when(text), not: when(`!(${text})`) }
      : { it: when(`(${text}) == (${expected})`), itself: when(text), not: when(`!(${text})`), else: when(`(${text}) != (${expected})`) };
  const answer = expectAgreement({ staticPolicies: policies }, question);
  expect(answer.reasons.includes("it")).toBe(expected !== FAILS);
  expect(answer.errors.includes("it")).toBe(expected === FAILS);
  const env = environmentIn(question);
  const expr = exprOf(text);
  const value = outcomeIn(env, expr);
  expect(value).toBe(expected === FAILS ? FAILS : outcomeIn(env, exprOf(expected)));
  expect(outcomeIn(env, specialize(expr, everything(env)))).toBe(value);
}

function everything(env: Environment) {
  const { principal, principalEntity, action, actionEntity, resource, resourceEntity, context } = env;
  return {
    principal: { uid: principal, entity: principalEntity },
    action: { uid: action, entity: actionEntity },
    resource: { uid: resource, entity: resourceEntity },
    context,
  };
}

/** A small world with something of every kind; tables speak of it. */
export const WORLD: Question = {
  principal: { type: "User", id: "alice" },
  action: { type: "Action", id: "view" },
  resource: { type: "App::Doc", id: "d" },
  context: {
    n: 5,
    big: 9007199254740991,
    s: "text",
    empty: "",
    b: true,
    off: false,
    list: [1, 2],
    none: [],
    words: ["a", "b"],
    rec: { x: 1, deep: { y: "z" }, if: 3 },
    user: { __entity: { type: "User", id: "bob" } },
    ghost: { __entity: { type: "User", id: "ghost" } },
    groups: [{ __entity: { type: "Group", id: "all" } }, { __entity: { type: "Group", id: "none" } }],
    mixed: [{ __entity: { type: "Group", id: "all" } }, 1],
    price: { __extn: { fn: "decimal", arg: "1.5" } },
    addr: { __extn: { fn: "ip", arg: "10.1.2.3" } },
    at: { __extn: { fn: "datetime", arg: "2024-02-29T12:30:45.678Z" } },
    span: { __extn: { fn: "duration", arg: "1d2h" } },
  },
  entities: [
    {
      uid: { type: "User", id: "alice" },
      attrs: { age: 30, name: "Alice", boss: { __entity: { type: "User", id: "bob" } }, "odd name": 7, "": 8, rec: { x: 1 } },
      tags: { color: "red", "": "none" },
      parents: [{ type: "Group", id: "staff" }],
    },
    { uid: { type: "User", id: "bob" }, attrs: { age: 40 }, tags: { color: "blue" }, parents: [] },
    { uid: { type: "Group", id: "staff" }, attrs: { size: 3 }, parents: [{ type: "Group", id: "all" }] },
    {
      uid: { type: "App::Doc", id: "d" },
      attrs: { owner: { __entity: { type: "User", id: "alice" } }, open: true },
      tags: { level: 3 },
      parents: [{ type: "App::Folder", id: "in" }],
    },
    { uid: { type: "App::Folder", id: "in" }, attrs: {}, parents: [{ type: "App::Folder", id: "top" }] },
    { uid: { type: "Action", id: "view" }, attrs: {}, parents: [{ type: "Action", id: "read" }] },
  ],
};
