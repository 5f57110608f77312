import { describe, expect, it } from "vitest";
import { add, divide, isLong, longOf, MAX_LONG, MIN_LONG, multiply, negate, subtract } from "../../src/cedar/long.ts";
import type { Long } from "../../src/cedar/long.ts";
import { expectRow, FAILS, WORLD } from "../support/cedar-oracle.ts";

const SAFE = 2n ** 53n;
const EDGES: readonly bigint[] = [
  [0n, 1n, 2n, 3n, 7n, 10n, 2n ** 31n, 2n ** 32n, 3_037_000_499n, 3_037_000_500n, SAFE - 2n, SAFE - 1n, SAFE, SAFE + 1n],
  [2n ** 62n - 1n, 2n ** 62n, MAX_LONG - 1n, MAX_LONG],
].flatMap((edges) => edges.flatMap((edge) => [edge, -edge]));
const LONGS: readonly bigint[] = [...new Set([...EDGES, MIN_LONG])];

/** The canonical form by its definition: a number while exact, a bigint beyond, undefined outside of 64 bits. */
function canonical(exact: bigint): Long | undefined {
  if (exact < -(2n ** 63n) || exact >= 2n ** 63n) return undefined;
  return exact > -SAFE && exact < SAFE ? Number(exact) : exact;
}

function form(exact: bigint): Long {
  const long = canonical(exact);
  if (long === undefined) throw new Error("not within 64 bits");
  return long;
}

describe("the canonical form", () => {
  it.each([SAFE - 1n, SAFE, SAFE + 1n, -(SAFE - 1n), -SAFE, MAX_LONG, MAX_LONG + 1n, MIN_LONG, MIN_LONG - 1n, 0n])(
    "of %s is one",
    (exact) => {
      expect(longOf(exact)).toBe(canonical(exact));
    },
  );

  it("is a number or a bigint, and nothing else is a long", () => {
    expect([1, 1n, 0, -1n].map((value) => isLong(value))).toEqual([true, true, true, true]);
    expect(["1", true, undefined, null, {}].map((value) => isLong(value))).toEqual([false, false, false, false, false]);
  });

  it("ends where 64 bits end", () => {
    expect([MIN_LONG, MAX_LONG]).toEqual([-9223372036854775808n, 9223372036854775807n]);
  });
});

describe("arithmetic at every pair of edges is that of exact integers", () => {
  it.each([
    ["+", add, (a: bigint, b: bigint) => a + b],
    ["-", subtract, (a: bigint, b: bigint) => a - b],
    ["*", multiply, (a: bigint, b: bigint) => a * b],
  ] as const)("%s", (_, compute, exact) => {
    for (const a of LONGS) for (const b of LONGS) expect([a, b, compute(form(a), form(b))]).toEqual([a, b, canonical(exact(a, b))]);
  });

  it("negation", () => {
    for (const a of LONGS) expect([a, negate(form(a))]).toEqual([a, canonical(-a)]);
  });

  it("division by the constants of durations cuts towards zero", () => {
    for (const a of LONGS) {
      for (const by of [1, 1_000, 60_000, 3_600_000, 86_400_000])
        expect([a, by, divide(form(a), by)]).toEqual([a, by, canonical(a / BigInt(by))]);
    }
  });

  it("zero has no sign", () => {
    const zeros = [multiply(0, -1), multiply(-5, 0), negate(0), subtract(0, 0), add(-1, 1), divide(-1, 1_000), divide(0, -1)];
    expect(zeros.map((zero) => Object.is(zero, 0))).toEqual(zeros.map(() => true));
  });
});

describe("an expression over longs", () => {
  it.each([
    ["1 + 2", "3"],
    ["1 - 2", "-1"],
    ["2 * 3", "6"],
    ["-context.n", "-5"],
    ["-(-5)", "5"],
    ["1 + 2 * 3 - 4", "3"],
    ["(1 + 2) * 3", "9"],
    ["10 - 4 - 3", "3"],
    ["context.big + 1", "9007199254740992"],
    ["context.big + 2", "9007199254740993"],
    ["context.big * 3", "27021597764222973"],
    ["9007199254740993 - 2", "9007199254740991"],
    ["9007199254740993 * 1", "9007199254740993"],
    ["9223372036854775807", "9223372036854775807"],
    ["-9223372036854775808", "-9223372036854775808"],
    ["9223372036854775806 + 1", "9223372036854775807"],
    ["9223372036854775807 + 1", FAILS],
    ["-9223372036854775807 - 1", "-9223372036854775808"],
    ["-9223372036854775808 - 1", FAILS],
    ["-(-9223372036854775808)", FAILS],
    ["-(-9223372036854775807)", "9223372036854775807"],
    ["3037000499 * 3037000499", "9223372030926249001"],
    ["3037000500 * 3037000500", FAILS],
    ["4611686018427387904 * 2", FAILS],
    ["4611686018427387904 * -2", "-9223372036854775808"],
    ["-9223372036854775808 * -1", FAILS],
    ["0 * 9223372036854775807", "0"],
    ["1 + true", FAILS],
    ["true + 1", FAILS],
    ['"1" - 1', FAILS],
    ['1 - "1"', FAILS],
    ["2 * [1]", FAILS],
    ["context.rec * 2", FAILS],
    ["-true", FAILS],
    ["-(context.s)", FAILS],
    ["context.nothing + 1", FAILS],
    ["1 - context.nothing", FAILS],
    ["-context.nothing", FAILS],
    ["9007199254740993 == 9007199254740992", "false"],
    ["context.big + 2 == 9007199254740993", "true"],
    ["context.big + 1 != 9007199254740993", "true"],
    ["[9007199254740993].contains(context.big + 2)", "true"],
    ["[9007199254740993].contains(context.big + 1)", "false"],
    ["9223372036854775807 > 9223372036854775806", "true"],
    ["9223372036854775807 > 9223372036854775807", "false"],
    ["9223372036854775807 >= 9223372036854775807", "true"],
    ["-9223372036854775808 < 0", "true"],
    ["9007199254740993 <= 9007199254740993", "true"],
  ])("%s is %s", (text, expected) => expectRow(text, expected, WORLD));
});
