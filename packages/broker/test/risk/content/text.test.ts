import { expect, test } from "vitest";
import { FINDING_KINDS, type FindingKind, maskFindings, scan } from "../../../src/risk/content/index.ts";

function found(text: string, kinds: readonly FindingKind[] = FINDING_KINDS): readonly string[] {
  return scan(text, kinds).map(({ kind, start, end }) => `${kind}:${text.slice(start, end)}`);
}

test.each([
  ["bob@example.com"],
  ["bob.o'neil+tag@mail.example.co.uk"],
  ["_bob@example.com"],
  ['"Bob Smith"@example.com'],
  ["jörg@müller.example"],
  ["иван@пример.рф"],
  ["bob@xn--mller-kva.example"],
  ["bob%40example.com"],
  ["bob(at)example.com"],
  ["bob [at] example [dot] com"],
])("an address `%s` is found whole", (email) => {
  expect(found(`write to <${email}>.`)).toEqual([`email:${email}`]);
});

test.each([["@example.com"], ["bob@"], ["bob@localhost"], ["bob@1.2"], ["a@a@a@a"], ["bob@-.com"], ["bob @ example.com"]])(
  "`%s` is no address",
  (text) => {
    expect(scan(text, ["email"])).toEqual([]);
  },
);

test("addresses beside each other and in a query are found one by one", () => {
  expect(found("a@b.example,c@d.example;https://x.example/?to=e@f.example&x=1", ["email"])).toEqual([
    "email:a@b.example",
    "email:c@d.example",
    "email:e@f.example",
  ]);
});

test.each([["https://www.example.com/"], ["http://example.com/a?b=c#d"], ["www.example.com/x"], ["ftp://example.com"]])(
  "a link `%s` is found without what ends the sentence",
  (url) => {
    expect(found(`see ${url}.`)).toEqual([`url:${url}`]);
    expect(found(`(${url})`)).toEqual([`url:${url}`]);
  },
);

test("a link ends where other data in it begins, and is whole when only links are asked for", () => {
  const text = "https://x.example/?card=4111111111111111&z=1";
  expect(found(text)).toEqual(["url:https://x.example/?card=", "card:4111111111111111"]);
  expect(found(text, ["url"])).toEqual([`url:${text}`]);
});

test("masking replaces exactly what was found", () => {
  const text = "mail bob@example.com or call +1 202-555-0123!";
  expect(maskFindings(text, scan(text, FINDING_KINDS), (kind, value) => `[${kind} ${value.length}]`)).toBe(
    "mail [email 15] or call [phone 15]!",
  );
});

test.each([
  ["full-width digits", "４１１１１１１１１１１１１１１１"],
  ["a zero-width space in every group", "41\u200b11 11\u200b11 1111 11\u200b11"],
  ["zero-width joiners between all digits", "4111111111111111".split("").join("\u200d")],
  ["soft hyphens", "4111\u00ad1111\u00ad1111\u00ad1111"],
  ["Arabic digits", "٤١١١١١١١١١١١١١١١"],
  ["mathematical digits", "4111111111111111".replaceAll(/\d/gu, (digit) => String.fromCodePoint(0x1_d7_ce + Number(digit)))],
  ["circled digits", "④①①①①①①①①①①①①①①①"],
  ["no-break spaces and dashes of other kinds", "4111\u00a01111\u20111111\u20131111"],
  ["strokes laid over its digits", "4\u03361\u033611111111111111"],
])("evasion: a card number written with %s does not pass", (_what, card) => {
  const text = `😀 card ${card} 😀`;
  expect(maskFindings(text, scan(text, FINDING_KINDS), () => "[card]")).toMatch(/^😀 card \[card\]\u0336? 😀$/u);
});

test.each([["bob＠example．com"], ["bo\u200bb@exam\u200bple.com"], ["ｂｏｂ@example.com"]])(
  "evasion: the address `%s` does not pass",
  (email) => {
    expect(found(`to ${email} now`)).toEqual([`email:${email}`]);
  },
);

test.each(Intl.supportedValuesOf("numberingSystem").filter((system) => new Intl.NumberFormat(`en-u-nu-${system}`).format(7).length <= 2))(
  "evasion: digits of the numbering system `%s` are digits",
  (system) => {
    const format = new Intl.NumberFormat(`en-u-nu-${system}`, { useGrouping: false });
    const card = "4111111111111111".replaceAll(/\d/gu, (digit) => format.format(Number(digit)));
    if (/\p{Nd}/u.test(card)) expect(scan(card, ["card"])).toEqual([{ kind: "card", start: 0, end: card.length, sure: "checked" }]);
    else expect(scan(card, ["card"])).toEqual([]);
  },
);
