import fc from "fast-check";
import { expect, test } from "vitest";
import { FINDING_KINDS, maskFindings, scan } from "../../../src/risk/content/index.ts";
import { scanMeasured } from "../../../src/risk/content/scan.ts";

const PIECES = [
  "bob@example.com",
  "@",
  "4111 1111 1111 1111",
  "4111",
  " ",
  "-",
  ".",
  ":",
  "+1 202-555-0123",
  "(",
  "123-45-6789",
  "192.0.2.1",
  "2001:db8::1:2",
  "https://x.example/?q=",
  "GB82WEST12345698765432",
  "password=Abc123$x9",
  "\u200b",
  "４",
  "😀",
  "\n",
  "x",
  "://u:pass1@h",
];
const TEXTS = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "grapheme" })), { maxLength: 30 })
  .map((parts) => parts.join(""));

test("findings lie inside of the text, are not empty, stand in order and apart", () => {
  fc.assert(
    fc.property(TEXTS, (text) => {
      let behind = 0;
      for (const { start, end } of scan(text, FINDING_KINDS)) {
        expect(start).toBeGreaterThanOrEqual(behind);
        expect(end).toBeGreaterThan(start);
        behind = end;
      }
      expect(behind).toBeLessThanOrEqual(text.length);
    }),
    { numRuns: 1_000 },
  );
});

test("masking leaves all text that was not found as it is", () => {
  fc.assert(
    fc.property(TEXTS, (text) => {
      const findings = scan(text, FINDING_KINDS);
      const values = findings.map(({ start, end }) => text.slice(start, end));
      let next = 0;
      expect(maskFindings(text, findings, () => values[next++] ?? "")).toBe(text);
      expect(next).toBe(findings.length);
    }),
  );
});

test("what is found in a line is found in it whatever lines follow", () => {
  fc.assert(
    fc.property(TEXTS, TEXTS, (first, second) => {
      const kinds = ["card", "iban", "ip", "email"] as const;
      const alone = scan(first, kinds);
      expect(scan(`${first}\n\n${second}`, kinds).slice(0, alone.length)).toEqual(alone);
    }),
  );
});

/** Units of which texts are hard on scanners that go back over what they saw. */
const HOSTILE = [
  "@",
  "a@",
  "a.b@c.d.",
  '"@',
  "[at]",
  "7",
  "4 ",
  "4111 ",
  "12345 6789 ",
  "+1 (",
  "(0",
  ":",
  "a:b:",
  "1.",
  "http://",
  "://a:b@",
  "www.",
  "pwd=",
  "token=a1B2",
  "sk-",
  "xoxb-",
  "eyJ.",
  "eyJhbGciOiJub25lIn0.",
  "-----BEGIN PRIVATE KEY-----",
  "GB82 ",
  "hf_",
  "ghp_",
  "４",
  "\u200b",
  "call 123 456 ",
  "2020-01-02 ",
];

test.each(HOSTILE)("the work over `%s`, repeated, grows no faster than the text", (unit) => {
  const workOver = (length: number): number => scanMeasured(unit.repeat(Math.ceil(length / unit.length)), FINDING_KINDS).work / length;
  expect(workOver(160_000)).toBeLessThan(workOver(20_000) * 1.1 + 0.1);
});

test("the work over any repeated text is bounded by its length", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 12 }), (unit) => {
      const text = unit.repeat(Math.ceil(4_000 / unit.length));
      expect(scanMeasured(text, FINDING_KINDS).work).toBeLessThan(300 * text.length);
    }),
  );
});
