import fc from "fast-check";
import { expect, test } from "vitest";
import { holdsSecret, scrub, scrubText } from "../../src/call/scrub.ts";
import { matcherOf } from "../../src/call/secret-matcher.ts";
import { viewsOf } from "../../src/call/secret-views.ts";

const SECRET = "Kq7-Zx42/wV+9t";
const REMOVED = "[credential removed]";

function codes(write: (code: number) => string): string {
  return SECRET.split("")
    .map((char) => write(char.charCodeAt(0)))
    .join("");
}

function base32(text: string): string {
  const bits = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/gu) ?? [])
    .map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".charAt(Number.parseInt(five.padEnd(5, "0"), 2)))
    .join("");
}

test.each([
  ["percent-encoded, every character", codes((code) => `%${code.toString(16)}`)],
  ["percent-encoded in upper case", codes((code) => `%${code.toString(16).toUpperCase()}`)],
  ["percent-encoded here and there", SECRET.replace("7", "%37").replace("w", "%77")],
  ["percent-encoded twice", encodeURIComponent(encodeURIComponent(SECRET))],
  ["in JSON's Unicode escapes", codes((code) => String.raw`\u${code.toString(16).padStart(4, "0")}`)],
  ["in escapes of C", codes((code) => String.raw`\x${code.toString(16)}`)],
  ["in decimal HTML entities", codes((code) => `&#${code};`)],
  ["in hexadecimal HTML entities", codes((code) => `&#x${code.toString(16)};`)],
  ["in base32", base32(SECRET)],
  ["in base32, lower case", base32(SECRET).toLowerCase()],
  ["in base64 twice", Buffer.from(Buffer.from(SECRET).toString("base64")).toString("base64").replace(/=+$/u, "")],
  ["backwards", SECRET.split("").toReversed().join("")],
  ["in hex with spaces", codes((code) => `${code.toString(16)} `).trim()],
  ["in base64 over two lines", Buffer.from(SECRET).toString("base64").replace(/=+$/u, "").replace(/^.{6}/u, "$&\r\n")],
  ["letter by letter", SECRET.split("").join(" ")],
  ["with zero-width spaces in it", SECRET.split("").join("\u200b")],
  ["in full-width letters", codes((code) => String.fromCharCode(code + 0xfe_e0))],
])("attack: a credential %s does not get through, and the text around it does", (_name, written) => {
  expect(scrubText(`before ${written}; after`, [SECRET])).toBe(`before ${REMOVED}; after`);
  expect(holdsSecret({ args: [{ deep: `x:${written}` }] }, [SECRET])).toBe(true);
});

test.each([1, 2, 3, 4, 5])("attack: a credential in longer base32 text, after %i characters", (before) => {
  expect(scrubText(base32("a".repeat(before) + SECRET), [SECRET])).toContain(REMOVED);
});

test("a credential that is all digits is removed also where it is a number, and from names of members", () => {
  expect(scrub({ pin: 1_234_567_890, "1234567890": true, other: 1 }, ["1234567890"])).toEqual({ pin: REMOVED, [REMOVED]: true, other: 1 });
});

test("each of many secrets is found in one pass, and nothing else is", () => {
  const secrets = Array.from({ length: 300 }, (_, index) => `secret-number-${index}-${(index * 7_919).toString(36)}`);
  const matcher = matcherOf(secrets);
  for (const secret of secrets) expect(matcher.places(`<${secret}>`)).toContainEqual({ start: 1, end: secret.length + 1 });
  expect(matcher.holds("a text of secret-number- and nothing behind it")).toBe(false);
});

test("every view leads back to where its characters stand", () => {
  const pieces = fc.constantFrom("ab", "%41%42", "&amp;", String.raw`\u0043`, " \n", "\u200b", "Ｄ", "é", "😀", "%25%34%31", "z");
  fc.assert(
    fc.property(fc.array(pieces), fc.array(pieces), (before, after) => {
      const text = `${before.join("")}|MARKED|${after.join("")}`;
      for (const view of viewsOf(text)) {
        const start = view.text.indexOf("|MARKED|");
        const place = view.place({ start, end: start + 8 });
        expect(text.slice(place.start, place.end)).toBe("|MARKED|");
      }
    }),
  );
});

test("no text keeps a secret, whatever stands around it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), fc.stringMatching(/^[!-~]{8,40}$/u), (before, after, secret) => {
      expect(scrubText(before + secret + after, [secret])).not.toContain(secret);
    }),
  );
});
