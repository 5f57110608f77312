import * as fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalize, digest } from "../src/index.ts";

test("members are sorted and numbers written as in the example of RFC 8785 section 3.2.2", () => {
  const input: unknown = JSON.parse(
    '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001], "string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}',
  );
  expect(canonicalize(input)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test("members are sorted by UTF-16 code units, as in the example of RFC 8785 section 3.2.3", () => {
  const input = {
    "€": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew",
    "1": "One",
    "😀": "Emoji",
    "\u0080": "Control",
    ö: "Latin",
  };
  const order = [...canonicalize(input).matchAll(/"(One|Carriage Return|Control|Latin|Euro Sign|Emoji|Hebrew)"/g)].map((match) => match[1]);
  expect(order).toEqual(["Carriage Return", "One", "Control", "Latin", "Euro Sign", "Emoji", "Hebrew"]);
});

test("the canonical form parses back to the same value, and canonicalizing it again changes nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (value) => {
      const text = canonicalize(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalize(JSON.parse(text))).toBe(text);
    }),
  );
});

test("the order in which members were added does not matter", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).toReversed());
      expect(digest(reversed)).toBe(digest(value));
    }),
  );
});

test("a member that is undefined counts as absent", () => {
  expect(canonicalize({ a: undefined, b: 1 })).toBe('{"b":1}');
});

test.each([
  ["a number that is not finite", { a: Number.NaN }],
  ["a lone surrogate", ["\ud800"]],
  ["a lone surrogate in a member's name", { "\udc00": 1 }],
  ["a bigint", 1n],
  ["a date", new Date(0)],
  ["undefined in a list", [undefined]],
])("%s has no canonical form", (_, value) => {
  expect(() => canonicalize(value)).toThrow(TypeError);
});

test("nesting beyond the limit is refused, at the limit it is not", () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  expect(canonicalize(nested(128))).toContain("[1]");
  expect(() => canonicalize(nested(129))).toThrow(/128/);
});
