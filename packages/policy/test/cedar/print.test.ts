import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Expr } from "../../src/cedar/expression.ts";
import { print, printUid, printValue } from "../../src/cedar/print.ts";
import { readExpression } from "../../src/cedar/read-expression.ts";
import { CedarRecord, CedarSet, Uid } from "../../src/cedar/value.ts";
import { exprOf } from "../support/cedar-oracle.ts";
import { casesOr, sampleOf } from "./expressions.ts";

/** Only what is one thing by construction becomes one: a constant set or record and its literal, and all failing constants. */
function normal(expr: Expr): unknown {
  if (expr.op === "value") return normalValue(expr);
  if (expr.op === "error") return FAILURE;
  if (expr.op === "set") return { op: "set", items: expr.items.map((item) => normal(item)) };
  if (expr.op === "record") return { op: "record", fields: sorted(expr.fields.map(([name, field]) => [name, normal(field)] as const)) };
  if (expr.op === "call") return { op: "call", name: expr.call.name, args: expr.args.map((arg) => normal(arg)) };
  if (expr.op === "if") return { op: "if", test: normal(expr.test), yes: normal(expr.yes), no: normal(expr.no) };
  if ("of" in expr) return { ...expr, of: normal(expr.of) };
  if (!("left" in expr)) return expr;
  const both = { op: expr.op, left: normal(expr.left), right: normal(expr.right) };
  return JSON.stringify(both, bigints) === FAILURE_TEXT ? FAILURE : both;
}

function normalValue({ value }: Extract<Expr, { readonly op: "value" }>): unknown {
  if (value instanceof CedarSet) return { op: "set", items: value.items.map((item) => normal({ op: "value", value: item })) };
  if (!(value instanceof CedarRecord)) return { op: "value", value };
  const fields = Array.from(value.fields, ([name, field]) => [name, normal({ op: "value", value: field })] as const);
  return { op: "record", fields: sorted(fields) };
}

const sorted = <T>(fields: readonly (readonly [string, T])[]) => fields.toSorted(([a], [b]) => (a < b ? -1 : 1));
const bigints = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${String(value)}n` : value);
const FAILURE = { op: "error" };
const FAILURE_TEXT = JSON.stringify(
  {
    op: "==",
    left: { op: "value", value: 0 },
    right: { op: "+", left: { op: "value", value: 9223372036854775807n }, right: { op: "value", value: 1 } },
  },
  bigints,
);

function expectRoundTrip(expr: Expr): void {
  const text = print(expr);
  expect(normal(exprOf(text)), text).toEqual(normal(expr));
}

const CASES = casesOr(1_000);

it(`the text of ${String(CASES)} random expressions parses to the same expression`, { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expectRoundTrip(sampleOf(seed, "any", 6).expr);
    }),
    { numRuns: CASES },
  );
});

const leaf: fc.Arbitrary<Expr> = fc.oneof(
  fc.constantFrom("principal", "action", "resource", "context").map((name): Expr => ({ op: "variable", name })),
  fc.constantFrom(0, 1, -1, 2n ** 63n - 1n, -(2n ** 63n), true, false, "").map((value): Expr => ({ op: "value", value })),
  fc.constant<Expr>({ op: "error", message: "" }),
);
/** Every operator within every other, whatever their types: brackets depend on how tightly each binds. */
const { tree } = fc.letrec<{ tree: Expr }>((tie) => {
  const [one, two, three] = [tie("tree"), fc.tuple(tie("tree"), tie("tree")), fc.tuple(tie("tree"), tie("tree"), tie("tree"))];
  return {
    tree: fc.oneof(
      { maxDepth: 5, depthSize: "large" },
      leaf,
      fc.tuple(fc.constantFrom("!", "neg", "isEmpty"), one).map(([op, of]): Expr => ({ op, of })),
      fc
        .tuple(fc.constantFrom("&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "in", "contains", "containsAll", "hasTag"), two)
        .map(([op, [left, right]]): Expr => ({ op, left, right })),
      three.map(([test, yes, no]): Expr => ({ op: "if", test, yes, no })),
      fc.tuple(fc.constantFrom("get", "has"), one, fc.constantFrom("a", "if", "a b")).map(([op, of, name]): Expr => ({ op, of, name })),
      one.map((of): Expr => ({ op: "like", of, pattern: ["a*", ""] })),
      one.map((of): Expr => ({ op: "is", of, type: "A::B" })),
      two.map((items): Expr => ({ op: "set", items })),
      one.map((field): Expr => ({ op: "record", fields: [["a", field]] })),
    ),
  };
});

it("brackets stand wherever an operator binds less tightly than the one around it", { timeout: 600_000 }, () => {
  fc.assert(fc.property(tree, expectRoundTrip), { numRuns: CASES });
});

const awkward = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 }).filter((text) => text.isWellFormed()),
  fc.constantFrom(
    "",
    "*",
    "\\*",
    '"',
    "\\",
    "\0",
    "\n",
    "\r",
    "\t",
    "\u007f",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\u202e",
    "//",
    "}",
    "\u{10ffff}",
  ),
  fc.constantFrom(
    "if",
    "true",
    "in",
    "is",
    "like",
    "has",
    "then",
    "else",
    "__cedar",
    "__proto__",
    "principal",
    "permit",
    "when",
    "1a",
    "a-b",
  ),
);

it("texts, names, ids and patterns of any characters come back", { timeout: 600_000 }, () => {
  const of: Expr = { op: "variable", name: "context" };
  fc.assert(
    fc.property(awkward, fc.array(awkward, { minLength: 1, maxLength: 4 }), (text, pieces) => {
      expectRoundTrip({ op: "value", value: text });
      expectRoundTrip({ op: "get", of, name: text });
      expectRoundTrip({ op: "has", of, name: text });
      expectRoundTrip({ op: "value", value: new Uid("A::B", text) });
      expectRoundTrip({ op: "value", value: new CedarRecord(new Map([[text, 1]])) });
      expectRoundTrip({ op: "like", of, pattern: pieces });
    }),
    { numRuns: Math.ceil(CASES / 5) },
  );
});

describe("an expression is printed with no more brackets than it needs", () => {
  it.each([
    "principal.age + 1 * 2 - 3",
    "(principal.age + 1) * 2",
    "1 - (2 - 3)",
    "1 - 2 - 3",
    "context.a && context.b || context.c",
    "context.a && (context.b || context.c)",
    "context.a || context.b && context.c",
    "!context.a && !(context.b && context.c)",
    "!(!context.a)",
    "-context.n",
    "-(5)",
    "-5",
    "-9223372036854775808",
    "(-5).x",
    "(1 == 2) == false",
    "if context.a then 1 else if context.b then 2 else 3",
    "(if context.a then context.b else context.c) && true",
    "context has a && context.a has b",
    'context has "a b" && context["a b"] == "\\"\\\\"',
    'context["if"].x',
    'context.s like "a*\\*b"',
    'principal is App::User && principal in Group::"x"',
    'principal in [Group::"a", Group::"b"]',
    "[1, 2].contains(context.n) && context.list.containsAll([1]) && context.list.containsAny([2]) && context.list.isEmpty()",
    'principal.hasTag("a") && principal.getTag("a") == "b"',
    '{"a": 1, "b c": [true]}',
    "[]",
    "{}",
    'context.ip.isInRange(ip("10.0.0.0/8")) && context.ip.isIpv4()',
    'context.price.lessThan(decimal("1.5"))',
    'context.at.offset(duration("1d")) > datetime("2024-02-29T00:00:00.000Z")',
    "ip(context.s).isLoopback()",
  ])("%s", (text) => expect(print(exprOf(text))).toBe(text));
});

describe("a value is printed as the shortest literal that reads the same", () => {
  it.each([
    ['decimal("1.50")', 'decimal("1.5")'],
    ['decimal("-0.0001")', 'decimal("-0.0001")'],
    ['decimal("10.0")', 'decimal("10.0")'],
    ['decimal("-922337203685477.5808")', 'decimal("-922337203685477.5808")'],
    ['ip("10.0.0.1/32")', 'ip("10.0.0.1")'],
    ['ip("10.0.0.1/31")', 'ip("10.0.0.1/31")'],
    ['ip("::1")', 'ip("0:0:0:0:0:0:0:1")'],
    ['ip("2001:DB8::/32")', 'ip("2001:db8:0:0:0:0:0:0/32")'],
    ['datetime("2024-02-29")', 'datetime("2024-02-29T00:00:00.000Z")'],
    ['datetime("0000-01-01")', 'datetime("0000-01-01T00:00:00.000Z")'],
    ['datetime("9999-12-31").offset(duration("1d"))', 'datetime("1970-01-01").offset(duration("253402300800000ms"))'],
    ['datetime("0000-01-01").offset(duration("-1ms"))', 'datetime("1970-01-01").offset(duration("-62167219200001ms"))'],
    ['duration("90m")', 'duration("1h30m")'],
    ['duration("0s")', 'duration("0ms")'],
    ['duration("-93784005ms")', 'duration("-1d2h3m4s5ms")'],
    ['duration("-9223372036854775808ms")', 'duration("-106751991167d7h12m55s808ms")'],
  ])("%s as %s", (text, expected) => {
    expect(print(exprOf(text))).toBe(expected);
    expect(normal(exprOf(expected))).toEqual(normal(exprOf(text)));
  });

  it.each([
    ["\0\n\u007f", '"\\u{0}\\u{a}\\u{7f}"'],
    ["\u2028\u202e\ufeff", '"\\u{2028}\\u{202e}\\u{feff}"'],
    ['"\\', '"\\"\\\\"'],
    ["é\u{1f600}", '"é\u{1f600}"'],
  ])("%j as %s", (value, expected) => expect(printValue(value)).toBe(expected));

  it("an entity with its type and id", () => {
    expect(printUid(new Uid("App::User", 'a"b'))).toBe('App::User::"a\\"b"');
    expect(printValue(new CedarSet([new Uid("U", "a"), 1n, true]))).toBe('[U::"a", 1, true]');
  });
});

it("an expression that always fails is printed as one that fails", () => {
  expectRoundTrip({ op: "error", message: "whatever" });
  expect(print(readExpression({ ip: [{ Value: "x" }] }))).toBe("(0 == (9223372036854775807 + 1))");
});
