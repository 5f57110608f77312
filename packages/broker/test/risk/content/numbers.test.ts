import { expect, test } from "vitest";
import { FINDING_KINDS, scan } from "../../../src/risk/content/index.ts";

/** What is found, as `kind:value`. */
function found(text: string): readonly string[] {
  return scan(text, FINDING_KINDS).map(({ kind, start, end }) => `${kind}:${text.slice(start, end)}`);
}

test.each([
  ["4111111111111111"],
  ["4111 1111 1111 1111"],
  ["4111-1111-1111-1111"],
  ["4111.1111.1111.1111"],
  ["4111, 1111, 1111, 1111"],
  ["3782 822463 10005"],
  ["5555555555554444"],
  ["2223003122003222"],
  ["30569309025904"],
  ["6011111111111117"],
  ["3530111333300000"],
  ["4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"],
  ["41 11 11 11 11 11 11 11"],
])("a card number written `%s` is found", (card) => {
  expect(found(`paid with ${card}.`)).toEqual([`card:${card}`]);
});

test.each([
  ["a wrong check digit", "4111111111111112"],
  ["no issuer's range", "9111111111111111"],
  ["a length that its issuer has not", "37828224631000"],
  ["more digits before it", "94111111111111111"],
  ["a letter before it", "x4111111111111111"],
  ["a letter behind it", "4111111111111111x"],
  ["groups that are numbers of their own", "4111 11 1111 1111 111"],
])("a number with %s is no card", (_what, text) => {
  expect(found(`number ${text}`).filter((each) => each.startsWith("card"))).toEqual([]);
});

test("a card in four groups is found also where letters touch it", () => {
  expect(found("id4111 1111 1111 1111x")).toEqual(["card:4111 1111 1111 1111"]);
});

test("a card among other numbers of its line is found alone", () => {
  expect(scan("12 34 4111 1111 1111 1111 9000", ["card"])).toEqual([{ kind: "card", start: 6, end: 25, sure: "checked" }]);
});

test.each([["123-45-6789"], ["987-65-4320"]])("a social security or taxpayer number `%s` is found", (ssn) => {
  expect(found(`it is ${ssn}, I think`)).toEqual([`ssn:${ssn}`]);
});

test.each([["000-12-3456"], ["666-12-3456"], ["123-00-4567"], ["123-45-0000"], ["923-45-6789"], ["123-456-789"], ["7123-45-6789"]])(
  "`%s` was never given out as a social security number",
  (text) => {
    expect(found(`it is ${text}`).filter((each) => each.startsWith("ssn"))).toEqual([]);
  },
);

test("nine digits are a social security number only where the words say so", () => {
  expect(found("SSN: 123456789")).toEqual(["ssn:123456789"]);
  expect(found("batch 123456789")).toEqual([]);
});

test.each([
  ["+1 202-555-0123"],
  ["+49 30 901820"],
  ["(202) 555-0123"],
  ["202-555-0123"],
  ["202.555.0123"],
  ["1-202-555-0123"],
  ["001-202-555-0123"],
  ["0490 75 40 81"],
  ["03.93.92.16.85"],
  ["60-56-85-91"],
  ["(022) 0793-176"],
  ["202-555-0123x4587"],
  ["202-555-0123 ext. 12"],
  ["+46 (0)157 548 89"],
])("a telephone number `%s` is found without any word about it", (phone) => {
  expect(found(`so: ${phone}, please`)).toEqual([`phone:${phone}`]);
});

test.each([["467 3395"], ["9498777106"], ["9469 9966"], ["99 668472"], ["33 93 31"]])(
  "`%s` is a telephone number where the words say so, and else a number",
  (phone) => {
    expect(found(`you can call ${phone}`)).toEqual([`phone:${phone}`]);
    expect(found(`it weighs ${phone}`)).toEqual([]);
    expect(found(`call about invoice ${phone}`)).toEqual([]);
  },
);

test("a number that libphonenumber knows is checked, one that only looks international is not", () => {
  expect(scan("+41 44 668 18 00", ["phone"])).toEqual([{ kind: "phone", start: 0, end: 16, sure: "checked" }]);
  expect(scan("+999 123 456 78", ["phone"])).toEqual([{ kind: "phone", start: 0, end: 15, sure: "shaped" }]);
});

test.each([["2020-06-20 14:11:22"], ["11/22/2000"], ["22.11.2000"], ["1.2.3"], ["3... 2... 1..."], ["12345-678"], ["1 000 000"]])(
  "`%s` is no telephone number",
  (text) => {
    expect(found(`on ${text} then`)).toEqual([]);
  },
);

test.each([["192.0.2.1"], ["255.255.255.255"], ["2001:db8::8a2e:370:7334"], ["fe80::1"], ["::ffff:192.0.2.128"], ["1:2:3:4:5:6:7:8"]])(
  "an address `%s` is found",
  (ip) => {
    expect(found(`from ${ip}.`)).toEqual([`ip:${ip}`]);
    expect(found(`[${ip}]:443`)).toEqual([`ip:${ip}`]);
  },
);

test.each([
  ["256.1.1.1"],
  ["1.2.3.4.5"],
  ["v1.2.3.4"],
  ["01.2.3.4"],
  ["12:30:45"],
  ["std::vector"],
  ["a::b"],
  ["1::2::3"],
  ["1:2:3:4:5:6:7:8:9"],
])("`%s` is no address", (text) => {
  expect(scan(text, ["ip"])).toEqual([]);
});

test.each([
  ["GB82WEST12345698765432"],
  ["gb82west12345698765432"],
  ["GB82 WEST 1234 5698 7654 32"],
  ["DE89 3704 0044 0532 0130 00"],
  ["NO93-8601-1117-947"],
])("an account number `%s` is found", (iban) => {
  expect(found(`to ${iban}.`)).toEqual([`iban:${iban}`]);
});

test.each([["GB83WEST12345698765432"], ["XX82WEST12345698765432"], ["GB82WEST123456987654321"], ["AGB82WEST12345698765432"]])(
  "`%s` is no account number",
  (text) => {
    expect(scan(text, ["iban"])).toEqual([]);
  },
);

test("only the kinds that are asked for are found, and a number of another kind is not taken for one of them", () => {
  expect(scan("4111 1111 1111 1111 and 123-45-6789", ["phone"])).toEqual([]);
});
