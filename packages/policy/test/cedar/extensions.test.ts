import { describe, expect, it } from "vitest";
import { extensionNames } from "../../src/cedar/extensions.ts";
import { authorize, readEntities, readRequest } from "../../src/cedar/index.ts";
import { compiled, expectRow, FAILS, when, WORLD } from "../support/cedar-oracle.ts";

type Rows = readonly (readonly [text: string, expected: string])[];

/** Texts that the constructor reads, as ones that mean the same, and texts that it does not. */
const TEXTS: Readonly<Record<string, { readonly same: readonly (readonly [string, string])[]; readonly refused: readonly string[] }>> = {
  decimal: {
    same: [
      ["0.0", "-0.0"],
      ["1.5", "1.5000"],
      ["1.50", "01.5"],
      ["-0.0001", "-00.0001"],
      ["922337203685477.5807", "0922337203685477.5807"],
      ["-922337203685477.5808", "-922337203685477.5808"],
    ],
    refused:
      "|1|1.|.5|-.5|1.23456|1.00000|922337203685477.5808|-922337203685477.5809|+1.0|1.0 | 1.0|1e3|1.-5|--1.0|1.0.0|1,5|\u0661.0|0x1.0".split(
        "|",
      ),
  },
  ip: {
    same: [
      ["10.0.0.1", "10.0.0.1/32"],
      ["0.0.0.0", "0.0.0.0/32"],
      ["255.255.255.255/0", "255.255.255.255/0"],
      ["::", "0:0:0:0:0:0:0:0"],
      ["::1", "::1/128"],
      ["::1", "0:0:0:0:0:0:0:1"],
      ["1::", "1:0:0:0:0:0:0:0/128"],
      ["1::8", "0001:0:0:0:0:0:0:0008"],
      ["2001:DB8::A", "2001:db8::a"],
      ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
      ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
      ["1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"],
      ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ],
    refused: [
      ..."|10.0.0|10.0.0.0.0|10.0.0.256|10.0.0.999|010.0.0.1|10.0.0.01|10..0.1|10.0.0.|a.0.0.1|10.0.0.1/|10.0.0.1/33|10.0.0.1/08".split(
        "|",
      ),
      ..."10.0.0.1/-1|10.0.0.1/1/1|10.0.0.1/ 8| 10.0.0.1|10.0.0.1 |+1.0.0.1|1:2:3:4:5:6:7|1:2:3:4:5:6:7:8:9|1:2:3:4:5:6:7:8::".split("|"),
      ..."::1:2:3:4:5:6:7:8|1::2::3|:::|:1|1:|::g|::12345|::1/129|::1/|::1/01|::ffff:1.2.3.4|1.2.3.4:|/8|/|::1%eth0".split("|"),
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/0128",
    ],
  },
  datetime: {
    same: [
      ["2024-02-29", "2024-02-29T00:00:00Z"],
      ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
      ["2024-02-29T12:00:00+0130", "2024-02-29T10:30:00Z"],
      ["2024-02-29T12:00:00-0130", "2024-02-29T13:30:00Z"],
      ["2024-02-29T23:59:59.999+2359", "2024-02-29T00:00:59.999Z"],
      ["2024-03-01T00:00:00+0000", "2024-02-29T23:59:00.000-0001"],
      ["1970-01-01T00:00:00.001Z", "1970-01-01T01:00:00.001+0100"],
      ["0000-01-01", "0000-01-01T00:00:00Z"],
      ["0000-01-01T00:00:00+0001", "0000-01-01T00:00:00.000+0001"],
      ["0099-12-31", "0099-12-31T00:00:00Z"],
      ["9999-12-31T23:59:59.999-2359", "9999-12-31T23:59:59.999-2359"],
      ["2000-02-29", "2000-02-29T00:00:00.000+0000"],
    ],
    refused: [
      ..."|2024|2024-02|2024-2-29|24-02-29|02024-02-29|-2024-02-29|2024-00-01|2024-13-01|2024-01-00|2024-01-32|2024-04-31|2024-06-31".split(
        "|",
      ),
      ..."2023-02-29|2024-02-30|1900-02-29|2100-02-29|2024-09-31|2024-11-31|2024-12-32|2024/02/29|2024-02-29 | 2024-02-29".split("|"),
      ..."T24:00:00Z|T00:60:00Z|T00:00:60Z|T00:00:00|T00:00:00+2400|T00:00:00+0060|T00:00:00+01:00|T00:00:00.1Z|T00:00:00.1234Z|T00:00Z"
        .split("|")
        .map((time) => `2024-02-29${time}`),
      ..."t00:00:00Z|T00:00:00z|T0:00:00Z| 00:00:00Z|T00:00:00Z+0000|T00:00:00 Z|T00:00:00+1|TZ|Z|T"
        .split("|")
        .map((time) => `2024-02-29${time}`),
    ],
  },
  duration: {
    same: [
      ["0ms", "-0ms"],
      ["1s", "1000ms"],
      ["90m", "1h30m"],
      ["1d2h3m4s5ms", "93784005ms"],
      ["-1d2h", "-26h"],
      ["1d1ms", "86400001ms"],
      ["00001h", "1h"],
      ["0d0h0m0s0ms", "0ms"],
      ["9223372036854775807ms", "106751991167d7h12m55s807ms"],
      ["-9223372036854775808ms", "-106751991167d7h12m55s808ms"],
    ],
    refused:
      "|-|1|ms|1h1d|1m1h|1s1m|1ms1s|1.5h|1m1m|+1h|--1h|1h |1 h| 1h|1H|1d-2h|1w|1us|9223372036854775808ms|-9223372036854775809ms|106751991168d".split(
        "|",
      ),
  },
};

describe.each(Object.entries(TEXTS))("%s", (name, { same, refused }) => {
  const call = (text: string): string => `${name}(${JSON.stringify(text)})`;

  it.each(same)("reads %j as %j", (one, other) => expectRow(call(one), call(other), WORLD));
  it.each(refused)("does not read %j", (text) => expectRow(call(text), FAILS, WORLD));
  it.each(["context.n", "context.list", "principal", "context.price", "context.nothing"])("does not read %s, which is no text", (text) =>
    expectRow(`${name}(${text})`, FAILS, WORLD),
  );
  it("reads a text that comes with the request", () => {
    const text = same[0]?.[0] ?? "";
    expectRow(`${name}(context.text)`, call(text), { ...WORLD, context: { text } });
  });
});

const METHODS: Readonly<Record<string, Rows>> = {
  "decimals are compared by their value": [
    ['context.price.lessThan(decimal("1.5"))', "false"],
    ['context.price.lessThan(decimal("1.5001"))', "true"],
    ['context.price.lessThanOrEqual(decimal("1.5"))', "true"],
    ['context.price.lessThanOrEqual(decimal("1.4999"))', "false"],
    ['context.price.greaterThan(decimal("1.5"))', "false"],
    ['context.price.greaterThan(decimal("1.4999"))', "true"],
    ['context.price.greaterThanOrEqual(decimal("1.50"))', "true"],
    ['context.price.greaterThanOrEqual(decimal("1.5001"))', "false"],
    ['decimal("-922337203685477.5808").lessThan(decimal("922337203685477.5807"))', "true"],
    ['decimal("900719925474.0993").greaterThan(decimal("900719925474.0992"))', "true"],
    ["context.price.lessThan(1)", FAILS],
    ["context.n.lessThan(context.price)", FAILS],
    ["context.price.lessThanOrEqual(context.at)", FAILS],
    ["context.s.greaterThan(context.price)", FAILS],
    ["context.price.greaterThanOrEqual(context.span)", FAILS],
  ],
  "addresses know their kind": [
    ["context.addr.isIpv4()", "true"],
    ["context.addr.isIpv6()", "false"],
    ['ip("::1").isIpv4()', "false"],
    ['ip("::1").isIpv6()', "true"],
    ['ip("127.0.0.1").isLoopback()', "true"],
    ['ip("127.255.255.255").isLoopback()', "true"],
    ['ip("126.255.255.255").isLoopback()', "false"],
    ['ip("128.0.0.0").isLoopback()', "false"],
    ['ip("127.0.0.0/8").isLoopback()', "true"],
    ['ip("127.0.0.0/7").isLoopback()', "false"],
    ['ip("::1").isLoopback()', "true"],
    ['ip("::1/127").isLoopback()', "false"],
    ['ip("::2").isLoopback()', "false"],
    ['ip("::").isLoopback()', "false"],
    ['ip("224.0.0.0").isMulticast()', "true"],
    ['ip("239.255.255.255").isMulticast()', "true"],
    ['ip("223.255.255.255").isMulticast()', "false"],
    ['ip("240.0.0.0").isMulticast()', "false"],
    ['ip("224.0.0.0/4").isMulticast()', "true"],
    ['ip("224.0.0.0/3").isMulticast()', "false"],
    ['ip("ff00::").isMulticast()', "true"],
    ['ip("feff::").isMulticast()', "false"],
    ['ip("ff00::/8").isMulticast()', "true"],
    ['ip("ff00::/7").isMulticast()', "false"],
    ["context.s.isIpv4()", FAILS],
    ["context.n.isIpv6()", FAILS],
    ["context.price.isLoopback()", FAILS],
    ["context.list.isMulticast()", FAILS],
  ],
  "a range holds another that lies in it": [
    ['context.addr.isInRange(ip("10.0.0.0/8"))', "true"],
    ['context.addr.isInRange(ip("10.1.2.3"))', "true"],
    ['context.addr.isInRange(ip("10.1.2.2/31"))', "true"],
    ['context.addr.isInRange(ip("10.1.2.4/31"))', "false"],
    ['context.addr.isInRange(ip("11.0.0.0/8"))', "false"],
    ['context.addr.isInRange(ip("0.0.0.0/0"))', "true"],
    ['ip("0.0.0.0/0").isInRange(context.addr)', "false"],
    ['ip("10.0.0.0/8").isInRange(ip("10.0.0.0/8"))', "true"],
    ['ip("10.0.0.0/7").isInRange(ip("10.0.0.0/8"))', "false"],
    ['ip("10.0.0.0/9").isInRange(ip("10.0.0.0/8"))', "true"],
    ['ip("10.1.2.3/8").isInRange(ip("10.4.5.6/8"))', "true"],
    ['context.addr.isInRange(ip("::/0"))', "false"],
    ['ip("::a01:203").isInRange(ip("0.0.0.0/0"))', "false"],
    ['ip("2001:db8::1").isInRange(ip("2001:db8::/32"))', "true"],
    ['ip("2001:db9::1").isInRange(ip("2001:db8::/32"))', "false"],
    ['context.addr.isInRange("10.0.0.0/8")', FAILS],
    ["context.s.isInRange(context.addr)", FAILS],
    ["context.addr.isInRange(context.price)", FAILS],
  ],
  "moments and spans are added and subtracted": [
    ['context.at.offset(duration("1d"))', 'datetime("2024-03-01T12:30:45.678Z")'],
    ['context.at.offset(duration("-1d1ms"))', 'datetime("2024-02-28T12:30:45.677Z")'],
    ['datetime("1970-01-01").offset(duration("9223372036854775807ms")).toTime()', 'duration("7h12m55s807ms")'],
    ['datetime("1970-01-01T00:00:00.001Z").offset(duration("9223372036854775807ms"))', FAILS],
    ['datetime("1969-12-31").offset(duration("-9223372036854775808ms"))', FAILS],
    ["context.at.offset(context.at)", FAILS],
    ["context.span.offset(context.span)", FAILS],
    ["context.at.offset(1)", FAILS],
    ['context.at.durationSince(datetime("2024-02-29"))', 'duration("12h30m45s678ms")'],
    ['datetime("2024-02-29").durationSince(context.at)', 'duration("-12h30m45s678ms")'],
    ["context.at.durationSince(context.at)", 'duration("0ms")'],
    ['datetime("1970-01-01").offset(duration("9223372036854775807ms")).durationSince(datetime("1969-12-31T23:59:59.999Z"))', FAILS],
    ["context.at.durationSince(context.span)", FAILS],
    ["context.span.durationSince(context.at)", FAILS],
    ["context.at.toDate()", 'datetime("2024-02-29")'],
    ['datetime("2024-02-29").toDate()', 'datetime("2024-02-29")'],
    ['datetime("1969-12-31T23:59:59.999Z").toDate()', 'datetime("1969-12-31")'],
    ['datetime("1969-12-31").toDate()', 'datetime("1969-12-31")'],
    ['datetime("1970-01-01").offset(duration("-9223372036854775808ms")).toDate()', FAILS],
    ["context.span.toDate()", FAILS],
    ["context.at.toTime()", 'duration("12h30m45s678ms")'],
    ['datetime("2024-02-29").toTime()', 'duration("0ms")'],
    ['datetime("1969-12-31T23:59:59.999Z").toTime()', 'duration("23h59m59s999ms")'],
    ['datetime("1969-12-31").toTime()', 'duration("0ms")'],
    ['datetime("1970-01-01").offset(duration("-9223372036854775808ms")).toTime()', 'duration("16h47m4s192ms")'],
    ["context.n.toTime()", FAILS],
  ],
  "spans are cut to whole units towards zero": [
    ["context.span.toMilliseconds()", "93600000"],
    ["context.span.toSeconds()", "93600"],
    ["context.span.toMinutes()", "1560"],
    ["context.span.toHours()", "26"],
    ["context.span.toDays()", "1"],
    ['duration("999ms").toSeconds()', "0"],
    ['duration("1000ms").toSeconds()', "1"],
    ['duration("-999ms").toSeconds()', "0"],
    ['duration("-1999ms").toSeconds()', "-1"],
    ['duration("59s999ms").toMinutes()', "0"],
    ['duration("60s").toMinutes()', "1"],
    ['duration("59m59s").toHours()', "0"],
    ['duration("-60m").toHours()', "-1"],
    ['duration("23h").toDays()', "0"],
    ['duration("47h").toDays()', "1"],
    ['duration("9223372036854775807ms").toMilliseconds()', "9223372036854775807"],
    ['duration("-9223372036854775808ms").toMilliseconds()', "-9223372036854775808"],
    ['duration("9223372036854775807ms").toSeconds()', "9223372036854775"],
    ['duration("-9223372036854775808ms").toSeconds()', "-9223372036854775"],
    ['duration("9223372036854775807ms").toDays()', "106751991167"],
    ["context.at.toMilliseconds()", FAILS],
    ["context.n.toSeconds()", FAILS],
    ["context.s.toMinutes()", FAILS],
    ["context.price.toHours()", FAILS],
    ["principal.toDays()", FAILS],
  ],
  "a call with too many or too few arguments fails when it is evaluated": [
    ["decimal()", FAILS],
    ['decimal("1.0", "2.0")', FAILS],
    ["context.price.lessThan()", FAILS],
    ["context.price.lessThan(context.price, context.price)", FAILS],
    ["context.addr.isIpv4(1)", FAILS],
    ["context.at.toDate(1)", FAILS],
    ['false && ip("x").isIpv4()', "false"],
    ["true || decimal()", "true"],
  ],
};

describe.each(Object.entries(METHODS))("%s", (_, rows) => {
  it.each(rows)("%s is %s", (text, expected) => expectRow(text, expected, WORLD));
});

it("every function of the engine stands in these tables", () => {
  const texts = [
    ...Object.keys(TEXTS).map((name) => `${name}(`),
    ...Object.values(METHODS)
      .flat()
      .map(([text]) => text),
  ].join("\n");
  expect(extensionNames().filter((name) => !texts.includes(`${name}(`))).toEqual([]);
});

describe("a failing call says why", () => {
  it.each([
    ["ip(context.n).isIpv4()", "`ip` needs a string"],
    ['ip("1.2.3").isIpv4()', "`1.2.3` cannot be read by `ip`"],
    ["context.n.lessThan(context.price)", "`lessThan` needs two decimals"],
    ["context.n.isIpv4()", "`isIpv4` needs an ipaddr"],
    ["context.addr.isInRange(context.n)", "`isInRange` needs two ipaddrs"],
    ["context.n.toDate() == 1", "`toDate` needs a datetime"],
    ["context.n.toDays() == 1", "`toDays` needs a duration"],
    ["context.at.offset(context.at) == 1", "`offset` needs a datetime and a duration"],
    ["context.at.durationSince(context.span) == 1", "`durationSince` needs two datetimes"],
    ['datetime("9999-12-31").offset(duration("9223372036854775807ms")) == 1', "`offset` leaves the 64 bits of an integer"],
    ["context.addr.isIpv4(1)", "`isIpv4` takes 1 arguments and got 2"],
    ["decimal() == 1", "`decimal` takes 1 arguments and got 0"],
  ])("%s: %s", (text, message) => {
    const answer = authorize(compiled({ staticPolicies: when(text) }), readRequest(WORLD), readEntities(WORLD.entities));
    expect(answer.errors).toEqual([{ policy: "policy0", message }]);
  });
});
