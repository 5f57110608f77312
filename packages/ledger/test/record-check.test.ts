import fc from "fast-check";
import { expect, test } from "vitest";
import { checkRecord } from "../src/export/record-check.ts";
import { canonicalize } from "../src/index.ts";

test("a record passes exactly when its text is the canonical form of what it says", () => {
  const texts = fc.oneof(
    fc.json({ stringUnit: "binary" }),
    fc.jsonValue({ stringUnit: "grapheme" }).map(canonicalize),
    fc
      .dictionary(fc.oneof(fc.nat(20).map(String), fc.constantFrom("a", "__proto__", "é", "\ud83d\ude00", "\ufb33")), fc.nat(3))
      .map((value) => JSON.stringify(value)),
    fc.dictionary(fc.nat(20).map(String), fc.nat(3)).map(canonicalize),
    fc.constantFrom(
      "-0",
      "1.0",
      "1e3",
      '"\\ud800"',
      '["\\ud83d\\ude00"]',
      `${"[".repeat(128)}${"]".repeat(128)}`,
      `${"[".repeat(129)}${"]".repeat(129)}`,
      "[".repeat(60_000),
    ),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect("record" in checkRecord(text)).toBe(isCanonical(text));
    }),
    { numRuns: 2000 },
  );
});

function isCanonical(text: string): boolean {
  try {
    return canonicalize(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}
