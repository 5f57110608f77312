import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matcher } from "../../src/cedar/like.ts";

const piece = fc.array(fc.constantFrom("a", "b", "ab", "\u{1f600}", "*", ".", "\n"), { maxLength: 3 }).map((parts) => parts.join(""));

it("a pattern matches what the same pattern as a regular expression matches", () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), piece, piece, (pieces, one, other) => {
      const source = pieces.map((each) => each.replaceAll(/[*.]/g, "\\$&")).join(".*");
      for (const text of [one + other, pieces.join(one), pieces.join("") + one])
        expect(matcher(pieces)(text)).toBe(new RegExp(`^${source}$`, "su").test(text));
    }),
    { numRuns: 3_000 },
  );
});

describe("a text that is too short for the parts around a wildcard does not match", () => {
  it.each([
    [["ab", "ba"], "aba", false],
    [["ab", "ba"], "abba", true],
    [["a", "a", "a"], "aa", false],
    [["a", "a", "a"], "aaa", true],
    [["", "ab", "b"], "ab", false],
    [["", "ab", "b"], "abb", true],
    [["a", "b", ""], "ab", true],
    [["a", "b", ""], "a", false],
    [[""], "", true],
    [[""], "a", false],
    [["", ""], "", true],
    [["a"], "a", true],
    [["a"], "ab", false],
  ] as const)("%j and %j: %s", (pieces, text, expected) => expect(matcher(pieces)(text)).toBe(expected));
});

it("no pattern of no pieces matches anything but the empty text", () => {
  expect([matcher([])(""), matcher([])("a")]).toEqual([true, false]);
});

it("many wildcards over a long text that does not match are no work to speak of: nothing backtracks", () => {
  const pieces = ["", ...Array.from({ length: 60 }, () => "a"), "b"];
  expect(matcher(pieces)("a".repeat(100_000))).toBe(false);
  expect(matcher([...pieces, ""])("a".repeat(100_000))).toBe(false);
});
