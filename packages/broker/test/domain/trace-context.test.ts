import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTraceContext } from "../../src/domain/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const GOOD = `00-${TRACE}-${PARENT}-01`;

describe("a traceparent", () => {
  test("of version 00 is kept as it is", () => {
    expect(parseTraceContext(GOOD, undefined)).toEqual({ traceparent: GOOD });
    expect(parseTraceContext(`00-${TRACE}-${PARENT}-00`, undefined)).toEqual({ traceparent: `00-${TRACE}-${PARENT}-00` });
  });

  test("of a later version is passed on as what version 00 knows of it", () => {
    expect(parseTraceContext(`01-${TRACE}-${PARENT}-ff`, undefined)).toEqual({ traceparent: GOOD });
    expect(parseTraceContext(`cc-${TRACE}-${PARENT}-02-what-is-this`, undefined)).toEqual({ traceparent: `00-${TRACE}-${PARENT}-00` });
  });

  test.each([
    ["empty", ""],
    ["the forbidden version", `ff-${TRACE}-${PARENT}-01`],
    ["a trace id of zeros", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["a parent id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["upper case", GOOD.toUpperCase()],
    ["a short trace id", `00-${TRACE.slice(1)}-${PARENT}-01`],
    ["more than version 00 has", `${GOOD}-extra`],
    ["a later version that runs on without a dash", `01-${TRACE}-${PARENT}-01x`],
    ["no flags", `00-${TRACE}-${PARENT}`],
    ["two at once, as joined headers are", `${GOOD}, ${GOOD}`],
    ["a line break", `${GOOD}\n`],
    ["a header behind a line break", `${GOOD}\r\nx-injected: 1`],
    ["spaces around", ` ${GOOD} `],
    ["other digits", GOOD.replaceAll("1", "１")],
    ["something endless", `01-${TRACE}-${PARENT}-01-${"a".repeat(100_000)}`],
  ])("with %s is none", (_what, text) => {
    expect(parseTraceContext(text, "a=1")).toBeUndefined();
  });
});

describe("a tracestate", () => {
  const stateOf = (text: string): string | undefined => parseTraceContext(GOOD, text)?.tracestate;

  test("is kept in its order, without the blanks and empty members that lists may have", () => {
    expect(stateOf("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")).toBe("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    expect(stateOf(" a=1 ,\t, fw529a3039@dt=FfAxd ,")).toBe("a=1,fw529a3039@dt=FfAxd");
  });

  test.each([
    ["a key in upper case", "Rojo=1"],
    ["no value", "rojo"],
    ["an empty value", "rojo="],
    ["an equals sign in the value", "a=b=c"],
    ["the same key twice", "a=1,b=2,a=3"],
    ["more than 32 members", Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(",")],
    ["a line break", "a=1\r\nx-injected: 1"],
    ["a letter outside of ASCII", "a=é"],
    ["a tab in a value", "a=1\t2"],
    ["only commas", ",,,"],
    ["a value of 257 characters", `a=${"x".repeat(257)}`],
    ["something endless", "a".repeat(1_000_000)],
  ])("with %s is left out, and the traceparent stays", (_what, text) => {
    expect(parseTraceContext(GOOD, text)).toEqual({ traceparent: GOOD });
  });

  test("that is too long loses its long members first, then the last ones", () => {
    const long = `long=${"x".repeat(200)}`;
    const short = Array.from({ length: 8 }, (_, at) => `k${at}=${"y".repeat(60)}`);
    expect(stateOf([short[0], long, ...short.slice(1)].join(","))).toBe(short.slice(0, 8).join(","));
    const many = Array.from({ length: 20 }, (_, at) => `k${at}=${"y".repeat(60)}`);
    const kept = stateOf(many.join(",")) ?? "";
    expect(many.join(",").startsWith(`${kept},`)).toBe(true);
    expect(kept.length).toBeLessThanOrEqual(512);
  });
});

const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(..."0123456789abcdef".split("")), { minLength: length, maxLength: length })
    .map((digits) => digits.join(""))
    .filter((text) => !/^0+$/u.test(text));
const key = fc.stringMatching(/^[a-z][a-z0-9_*/-]{0,20}$/u);
const value = fc.stringMatching(/^[!-+\--<>-~]{1,20}$/u);

test("whatever comes in, what comes out can be read again and is the same", () => {
  const anything = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constant(GOOD));
  fc.assert(
    fc.property(anything, fc.option(anything, { nil: undefined }), (traceparent, tracestate) => {
      const first = parseTraceContext(traceparent, tracestate);
      if (first === undefined) return;
      expect(first.traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/u);
      expect(parseTraceContext(first.traceparent, first.tracestate)).toEqual(first);
    }),
  );
});

test("every well-formed context of up to 32 short members comes through unchanged", () => {
  const members = fc.uniqueArray(fc.tuple(key, value), { minLength: 1, maxLength: 10, selector: ([name]) => name });
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), members, (traceId, parentId, sampled, pairs) => {
      const traceparent = `00-${traceId}-${parentId}-${sampled ? "01" : "00"}`;
      const tracestate = pairs.map((pair) => pair.join("=")).join(",");
      expect(parseTraceContext(traceparent, tracestate)).toEqual({ traceparent, tracestate });
    }),
  );
});
