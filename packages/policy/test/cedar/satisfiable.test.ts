import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../src/cedar/environment.ts";
import { print } from "../../src/cedar/print.ts";
import { conflictIn, isTautology } from "../../src/cedar/satisfiable.ts";
import { specialize } from "../../src/cedar/specialize.ts";
import { environmentIn, exprOf, outcomeIn, WORLD } from "../support/cedar-oracle.ts";
import { casesOr, sampleOf } from "./expressions.ts";
import { environmentOf } from "../../src/cedar/environment.ts";

const CASES = casesOr(1_500);

const decimal = (arg: string) => ({ __extn: { fn: "decimal", arg } });
const datetime = (arg: string) => ({ __extn: { fn: "datetime", arg } });
const duration = (arg: string) => ({ __extn: { fn: "duration", arg } });

/** What each attribute of the context may be: all that the atoms below can tell apart, and values of other types. */
const POSSIBLE = {
  n: [1, 2, 3, 4, 5, 6, 7, "a", true],
  m: [2, 3, 4, 5],
  s: ["", "a", "ab", "b", "ba", "aba", "c", 3],
  b: [true, false, 1],
  c: [true, false],
  price: ["0.9999", "1.0", "1.0001", "2.0"].map((text) => decimal(text)),
  at: ["2024-02-28", "2024-02-29", "2024-02-29T00:00:00.001Z", "2024-03-01"].map((text) => datetime(text)),
  span: ["59s", "1m", "60001ms"].map((text) => duration(text)),
};

const environment: fc.Arbitrary<Environment> = fc
  .record(
    {
      n: fc.constantFrom(...POSSIBLE.n),
      m: fc.constantFrom(...POSSIBLE.m),
      s: fc.constantFrom(...POSSIBLE.s),
      b: fc.constantFrom(...POSSIBLE.b),
      c: fc.constantFrom(...POSSIBLE.c),
      price: fc.constantFrom(...POSSIBLE.price),
      at: fc.constantFrom(...POSSIBLE.at),
      span: fc.constantFrom(...POSSIBLE.span),
    },
    { requiredKeys: ["n", "m", "s", "b"] },
  )
  .map((context) => environmentIn({ ...WORLD, context, entities: [] }));

const order = fc.constantFrom("<", "<=", ">", ">=", "==", "!=");
const flipped = (parts: fc.Arbitrary<[string, string, string]>) =>
  fc.tuple(parts, fc.boolean()).map(([[left, op, right], swap]) => (swap ? `${right} ${op} ${left}` : `${left} ${op} ${right}`));
const atom = fc.oneof(
  flipped(fc.tuple(fc.constantFrom("context.n", "context.n", "context.m"), order, fc.constantFrom("2", "3", "4", "5", "context.m"))),
  flipped(fc.tuple(fc.constant("context.s"), fc.constantFrom("==", "!="), fc.constantFrom('"a"', '"ab"', '"b"', "1"))),
  flipped(fc.tuple(fc.constantFrom("context.b", "context.c"), fc.constantFrom("==", "!="), fc.constantFrom("true", "false"))),
  flipped(fc.tuple(fc.constant("context.at"), order, fc.constantFrom('datetime("2024-02-29")', 'datetime("2024-03-01")'))),
  flipped(fc.tuple(fc.constant("context.span"), order, fc.constantFrom('duration("1m")', 'duration("60001ms")'))),
  fc
    .tuple(
      fc.constantFrom("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"),
      fc.constantFrom("1.0", "1.0001"),
      fc.boolean(),
    )
    .map(([name, text, swap]) => (swap ? `decimal("${text}").${name}(context.price)` : `context.price.${name}(decimal("${text}"))`)),
  fc.constantFrom('"a*"', '"*b"', '"*"', '"a"', '"*a*b*"').map((pattern) => `context.s like ${pattern}`),
  fc.constantFrom('["a", "b"].contains(context.s)', "[3, 4].contains(context.n)", "[].contains(context.n)", "[true].contains(context.b)"),
  fc.constantFrom(
    "context.b",
    "context.c",
    "context has c",
    "context has price",
    "context has n",
    "true",
    "false",
    "context.b == context.c",
  ),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    { weight: 3, arbitrary: atom },
    { weight: 5, arbitrary: fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `(${a} && ${b})`) },
    { weight: 2, arbitrary: fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `(${a} || ${b})`) },
    { weight: 2, arbitrary: tie("expression").map((inner) => `!(${inner})`) },
    {
      weight: 1,
      arbitrary: fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
    },
  ),
}));

it(
  `what is said to be impossible is never true, and what is said to be certain never false (${String(CASES)} random conditions)`,
  { timeout: 600_000 },
  () => {
    let [impossible, certain] = [0, 0];
    fc.assert(
      fc.property(expression, fc.array(environment, { minLength: 40, maxLength: 40 }), (text, environments) => {
        const expr = exprOf(text);
        const [conflict, tautology] = [conflictIn(expr), isTautology(expr)];
        if (conflict === undefined && !tautology) return;
        const outcomes = environments.map((env) => outcomeIn(env, expr));
        if (conflict !== undefined) expect(outcomes).not.toContain("true");
        if (tautology) expect(outcomes).not.toContain("false");
        if (conflict !== undefined) impossible += 1;
        if (tautology) certain += 1;
      }),
      { numRuns: CASES },
    );
    // Otherwise nothing was tested.
    expect(impossible).toBeGreaterThan(CASES / 20);
    expect(certain).toBeGreaterThan(CASES / 150);
  },
);

it("the same holds for conditions of any operators, as far as anything is put in", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { expr, requests, entities } = sampleOf(seed, "bool");
      const [first] = requests;
      if (first === undefined) throw new Error("a sample has requests");
      const residual = specialize(expr, {
        principal: { uid: first.principal, entity: entities.get(first.principal) },
        context: first.context,
      });
      const outcomes = requests.map((one) =>
        outcomeIn(environmentOf({ ...one, principal: first.principal, context: first.context }, entities), residual),
      );
      if (conflictIn(residual) !== undefined) expect(outcomes).not.toContain("true");
      if (isTautology(residual)) expect(outcomes).not.toContain("false");
    }),
    { numRuns: CASES },
  );
});

describe("a conflict is found", () => {
  it.each([
    "context.n > 5 && context.n < 3",
    "context.n > 5 && context.n <= 5",
    "context.n >= 5 && context.n < 5",
    "context.n > 4 && context.n < 5",
    "5 < context.n && 5 >= context.n",
    "3 > context.n && context.n >= 3",
    "context.n > 9223372036854775806 && context.n < 9223372036854775807",
    "context.n == 3 && context.n == 4",
    "context.n == 3 && context.n != 3",
    "3 == context.n && !(context.n == 3)",
    "context.n == 3 && context.n > 3",
    "context.n < 3 && context.n == 3",
    'context.s == "a" && context.s == "b"',
    'context.s == "a" && "a" != context.s',
    'context.s == "a" && context.s > 1',
    'context.s == "a" && context.s == 1',
    '["a", "b"].contains(context.s) && context.s == "c"',
    '["a", "b"].contains(context.s) && context.s != "a" && context.s != "b"',
    '["a", "b"].contains(context.s) && ["c"].contains(context.s)',
    '["a"].contains(context.s) && !["a", "b"].contains(context.s)',
    'context.s == "a" && !["a", "b"].contains(context.s)',
    "[].contains(context.s)",
    'context.s like "a*" && context.s == "b"',
    'context.s == "b" && context.s like "a*"',
    '!(context.s like "a*") && context.s == "ab"',
    '["b", "c"].contains(context.s) && context.s like "a*"',
    'context.n == 1 && context.n like "*"',
    'context.price.lessThan(decimal("1.0")) && context.price.greaterThanOrEqual(decimal("1.0"))',
    'context.price.greaterThan(decimal("1.0")) && context.price.lessThan(decimal("1.0001"))',
    'context.price.lessThanOrEqual(decimal("1.0")) && decimal("1.0").lessThan(context.price)',
    'context.price == decimal("1.0") && context.price.lessThan(decimal("1.0"))',
    'context.at < datetime("2024-02-29") && context.at >= datetime("2024-02-29T00:00:00Z")',
    'context.at > datetime("2024-02-29") && context.at < datetime("2024-02-29T00:00:00.001Z")',
    'context.span > duration("1m") && context.span <= duration("60s")',
    "context.b && !context.b",
    "!context.b && context.b",
    "context.b && context.b == false",
    "context.b != true && context.b",
    "context.b == true && context.b == false",
    "context.a.b.c && !context.a.b.c",
    "context has x && !(context has x)",
    'principal in Group::"a" && !(principal in Group::"a")',
    "principal.tags.contains(context.s) && !principal.tags.contains(context.s)",
    "context.n + 1 > 5 && context.n + 1 < 5",
    "if context.b then context.n > 5 && context.n < 3 else false",
    "(if context.b then context.n > 5 else context.n > 6) && context.n < 3",
    "if context.b then !context.b else context.b",
    "(context.n > 5 || context.n > 7) && context.n < 3",
    "(context.n == 1 || context.n == 2) && (context.n == 3 || context.n == 4)",
    "!(context.n <= 5 || context.n >= 3)",
    "!(context.b || !context.b)",
    "false",
    "context.b && false",
    "!true",
    "5",
    "1 == 2",
    "[1].contains(2)",
    'ip("x").isIpv4()',
    "context.b && 9223372036854775807 + 1 == 0",
    "if 1 == 2 then true else false",
  ])("in %s", (text) => expect(conflictIn(exprOf(text))).toBeDefined());
});

describe("no conflict is reported", () => {
  it.each([
    "context.n > 3 && context.n < 5",
    "context.n >= 5 && context.n <= 5",
    "context.n > 3 && context.m < 3",
    "context.n == 3 && context.n >= 3 && context.n <= 3",
    "context.n != 3 && context.n != 4",
    "context.n > 9223372036854775806",
    'context.s == "a" && context.s != "b"',
    'context.s == "ab" && context.s like "a*" && !(context.s like "b*")',
    'context.s like "a*" && context.s like "*b"',
    '["a", "b"].contains(context.s) && context.s != "a"',
    '["a", "b"].contains(context.s) && ["b", "c"].contains(context.s)',
    '!["a"].contains(context.s)',
    "[context.s].contains(context.s)",
    '["a", context.s].contains(context.t) && context.t == "b"',
    'context.price.lessThan(decimal("1.0")) && context.price.greaterThan(decimal("0.9998"))',
    'context.at >= datetime("2024-02-29") && context.at <= datetime("2024-02-29T00:00:00Z")',
    "context.b && !context.c",
    "context.b && context.b == true",
    "context.b == context.c",
    "context has x && !(context has y)",
    "(context.n > 5 && context.n < 3) || context.b",
    "if context.b then context.n > 5 && context.n < 3 else context.c",
    "if context.b then context.b else context.c",
    "!(context.n > 5 && context.n < 3)",
    "context.b || !context.b",
    "principal == resource",
    "context.n < context.m && context.m < context.n",
    "true",
  ])("in %s", (text) => expect(conflictIn(exprOf(text))).toBeUndefined());
});

describe("a conflict names the parts that cannot hold together", () => {
  it.each([
    ["context.c && context.n > 5 && context.b && context.n < 3", ["context.n > 5", "context.n < 3"]],
    ["context.c && context.n != 3 && [3].contains(context.n)", ["context.n != 3", "[3].contains(context.n)"]],
    ["context.c && context has x && !(context has x)", ["context has x", "!(context has x)"]],
    ["context.b && !context.b && context.c", ["context.b", "!context.b"]],
    ["context.b && false", ["false"]],
    ["context.b && !true", ["false"]],
    ["context.b && 5", ["5"]],
    ["context.n >= 1 && context.n <= 9 && context.n == 10", ["context.n >= 1", "context.n <= 9", "context.n == 10"]],
    ["(context.b && false) || (context.c && false)", ["context.b && false || context.c && false"]],
    ["if context.b then false else false", ["if context.b then false else false"]],
  ])("of %s", (text, parts) => expect(conflictIn(exprOf(text))?.parts.map((part) => print(part))).toEqual(parts));
});

describe("a condition is certain", () => {
  it.each([
    ["true", true],
    ["!false", true],
    ["context.b || !context.b", true],
    ["context.n > 5 || context.n <= 5", true],
    ["context.n > 5 || context.n < 5", false],
    ["context.n != 3 || context.n == 3", true],
    ["context.n != 3 || context.n != 4", true],
    ["if context.b then context.n > 3 || context.n < 4 else true", true],
    ["if context.b then true else context.c", false],
    ["context.b", false],
    ["false", false],
    ["context has x", false],
  ])("%s: %s", (text, expected) => expect(isTautology(exprOf(text))).toBe(expected));
});

describe("alternatives", () => {
  /** Twice as many with each pair: 2, 4, 8, ... all in conflict with the last part. */
  const pairs = (count: number): string =>
    `${Array.from({ length: count }, (_, index) => `(context.a${String(index)} || context.b${String(index)})`).join(" && ")} && context.n > 5 && context.n < 3`;
  it("are looked at one by one up to their limit", () => {
    expect(conflictIn(exprOf(pairs(8)))).toBeDefined();
    expect(conflictIn(exprOf(pairs(9)))).toBeUndefined();
    expect(conflictIn(exprOf(`(${pairs(7)}) || (${pairs(7)})`))).toBeDefined();
    expect(conflictIn(exprOf(`(${pairs(8)}) || [].contains(context.n)`))).toBeUndefined();
  });
});
