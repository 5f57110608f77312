import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readValue } from "../../src/cedar/read-data.ts";
import { CedarRecord, CedarSet, equal, Uid } from "../../src/cedar/value.ts";
import type { Value } from "../../src/cedar/value.ts";
import { expectAgreement, expectRow, exprOf, environmentIn, outcomeIn, show, when, WORLD } from "../support/cedar-oracle.ts";
import { generateValue } from "./generate-values.ts";
import { randomFrom } from "./random.ts";
import { TYPES } from "./vocabulary.ts";

/** No two are equal, however alike their units or their texts are. */
const DIFFERENT: readonly string[] = [
  "true",
  '"true"',
  "1",
  '"1"',
  "10000",
  '"10000"',
  'decimal("1.0")',
  'datetime("1970-01-01T00:00:10Z")',
  'duration("10s")',
  '"d10000"',
  '"t10000"',
  '"s10000"',
  'ip("0.0.0.1")',
  'ip("0.0.0.1/31")',
  'ip("::1")',
  '"i4/1/32"',
  'User::"alice"',
  'User::"alice2"',
  'Users::"alice"',
  'App::User::"alice"',
  'User::"\\0alice"',
  '"e4:Useralice"',
  "9007199254740993",
  "9007199254740992",
  "-9007199254740993",
  "[]",
  "[1]",
  '["1"]',
  "[[1]]",
  "[1, 2]",
  '["1", "2"]',
  '["1:2"]',
  '["a", "bc"]',
  '["ab", "c"]',
  '"{2:n1}"',
  "{}",
  "{a: 1}",
  '{a: "1"}',
  "{b: 1}",
  "{a: 1, b: 1}",
  "{a: {b: 1}}",
  '{"a1": 1}',
  '"(1:a2:n1)"',
];
/** Eight more items than a set may have to be searched from end to end. */
const FILLING = Array.from({ length: 8 }, (_, index) => `"filling ${String(index)}"`).join(", ");

describe("no two different values pass for each other", () => {
  /** For each value a policy that demands of all the others that they differ from it. */
  const policies = (text: (one: string, other: string) => string): Record<string, string> =>
    Object.fromEntries(
      DIFFERENT.map((one) => [one, when(DIFFERENT.map((other) => `${one === other ? "" : "!"}(${text(one, other)})`).join(" && "))]),
    );

  it.each([
    ["compared", (one: string, other: string) => `${one} == ${other}`],
    ["in a small set", (one: string, other: string) => `[${one}].contains(${other})`],
    ["in a large set", (one: string, other: string) => `[${FILLING}, ${one}].contains(${other})`],
    ["within a composed item of a large set", (one: string, other: string) => `[${FILLING}, {k: [${one}]}].contains({k: [${other}]})`],
    ["as large sets", (one: string, other: string) => `[${FILLING}, ${one}] == [${other}, ${FILLING}]`],
    ["as fields", (one: string, other: string) => `{x: ${one}, y: 1} == {y: 1, x: ${other}}`],
  ])("%s", (_, text) => {
    const answer = expectAgreement({ staticPolicies: policies(text) }, WORLD);
    expect(answer).toEqual({ decision: "allow", reasons: DIFFERENT.toSorted(), errors: [] });
  });
});

const count = (length: number, first = 0): string => Array.from({ length }, (_, index) => String(first + index)).join(", ");

describe("a set", () => {
  it.each([
    ["[1, 1, 2] == [2, 1]", "true"],
    ["[1, 2] == [1, 1]", "false"],
    ["[1, 1] == [1, 2]", "false"],
    ["[1] == [1, 2]", "false"],
    ["[1, 2] == [1]", "false"],
    ["[] == [1]", "false"],
    ["[1] == []", "false"],
    ["[] == []", "true"],
    ["[[1, 2], [3]] == [[3], [2, 1, 2]]", "true"],
    ["[{a: [1, 2]}] == [{a: [2, 1]}]", "true"],
  ])("has no order and no repetition: %s is %s", (text, expected) => expectRow(text, expected, WORLD));

  it.each([7, 8, 9, 10, 40])("of %i items finds each of them and nothing else", (length) => {
    const items = count(length);
    for (const index of [0, length - 1]) expectRow(`[${items}].contains(${String(index)})`, "true", WORLD);
    for (const absent of ["-1", String(length), '"0"', "[0]"]) expectRow(`[${items}].contains(${absent})`, "false", WORLD);
    expectRow(`[${items}] == [${items}, 0]`, "true", WORLD);
    expectRow(`[${items}] == [${count(length, 1)}]`, "false", WORLD);
    expectRow(`[${items}] == [${count(length + 1)}]`, "false", WORLD);
    expectRow(`[${count(length + 1)}] == [${items}]`, "false", WORLD);
    expectRow(`[${items}].containsAll([${items}])`, "true", WORLD);
    expectRow(`[${items}].containsAll([${count(length, 1)}])`, "false", WORLD);
    expectRow(`[${items}].containsAny([${count(length, length - 1)}])`, "true", WORLD);
    expectRow(`[${items}].containsAny([${count(length, length)}])`, "false", WORLD);
  });

  it("of more than eight composed items finds equal ones in another order", () => {
    const records = Array.from({ length: 12 }, (_, index) => `{a: ${String(index)}, b: [1, 2]}`).join(", ");
    expectRow(`[${records}].contains({b: [2, 1, 1], a: 11})`, "true", WORLD);
    expectRow(`[${records}].contains({b: [2, 1, 3], a: 11})`, "false", WORLD);
    expectRow(`[${records}].contains({a: 11})`, "false", WORLD);
    const sets = Array.from({ length: 12 }, (_, index) => `[${String(index)}, "x"]`).join(", ");
    expectRow(`[${sets}].contains(["x", 3, 3])`, "true", WORLD);
    expectRow(`[${sets}].contains(["x", 12])`, "false", WORLD);
  });
});

describe("a record", () => {
  it.each([
    ["{a: 1, b: 2} == {b: 2, a: 1}", "true"],
    ["{a: 1} == {a: 1, b: 2}", "false"],
    ["{a: 1, b: 2} == {a: 1}", "false"],
    ["{a: 1, b: 2} == {a: 1, c: 2}", "false"],
    ["{a: 1, b: 2} == {a: 1, b: 3}", "false"],
    ["{a: {b: [1]}} == {a: {b: [1, 1]}}", "true"],
    ['{"a\\0": 1} == {"a": 1}', "false"],
    ["{} == {}", "true"],
  ])("%s is %s", (text, expected) => expectRow(text, expected, WORLD));
});

describe("the name of an entity", () => {
  it.each([
    ['A::B::"c" == A::B::"c"', "true"],
    ['A::B::"c" == B::"c"', "false"],
    ['A::"B::c" == A::B::"c"', "false"],
    ['A::"b\\0c" == A::"b\\0c"', "true"],
    ['A::"b\\0c" == A::"b"', "false"],
    ['A::"" == A::""', "true"],
    ['A::"\\u{e9}" == A::"e\\u{301}"', "false"],
    ['A::"__proto__" == A::"constructor"', "false"],
  ])("is type and id, whatever stands in the id: %s is %s", (text, expected) => expectRow(text, expected, WORLD));

  it("with NUL in its id finds the entity, its attributes and its parents", () => {
    const [uid, parent] = [
      { type: "User", id: "a\0b" },
      { type: "Group", id: "\0" },
    ];
    const question = { ...WORLD, principal: uid, entities: [{ uid, attrs: { n: 1 }, parents: [parent] }] };
    expectRow("principal.n", "1", question);
    expectRow('principal in Group::"\\0"', "true", question);
    expectRow('principal in Group::""', "false", question);
    expectRow('User::"a\\0b".n', "1", question);
    expectRow('User::"a" has n', "false", question);
  });
});

describe("equality of random values", () => {
  const value = fc
    .tuple(fc.integer(), fc.constantFrom(...TYPES))
    .map(([seed, type]) => readValue(generateValue(randomFrom(seed), type, false)));

  it("is equality of their canonical texts, alone and as items of small and large sets", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 14 }), value, (items, one) => {
        const texts = new Set(items.map((item) => show(item)));
        expect(items.every((item) => equal(item, one) === (show(item) === show(one)))).toBe(true);
        expect(new CedarSet(items).has(one)).toBe(texts.has(show(one)));
        expect(equal(new CedarSet(items), new CedarSet([...items, one]))).toBe(texts.has(show(one)));
        expect(equal(new CedarSet([...items, one]), new CedarSet(items))).toBe(texts.has(show(one)));
      }),
      { numRuns: 1_000 },
    );
  });

  it("holds between a value and a copy of it", () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(equal(one, copyOf(one))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

function copyOf(value: Value): Value {
  if (value instanceof CedarSet) return new CedarSet(value.items.map((item) => copyOf(item)).toReversed());
  if (value instanceof CedarRecord)
    return new CedarRecord(new Map(Array.from(value.fields, ([k, v]) => [k, copyOf(v)] as const).toReversed()));
  return value instanceof Uid ? new Uid(value.type, value.id) : value;
}

it("a value that is computed has the one form that the same literal has", () => {
  const env = environmentIn(WORLD);
  for (const [text, expected] of [
    ["0 * -1", "0"],
    ["-(0)", "0"],
    ["context.n - 5", "0"],
    ["9007199254740991 + 1", "9007199254740992n"],
    ["9007199254740992 - 1", "9007199254740991"],
    ["9223372036854775807 - 9223372036854775806", "1"],
  ] as const)
    expect(outcomeIn(env, exprOf(text))).toBe(expected);
});
