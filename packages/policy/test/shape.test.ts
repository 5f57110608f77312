import { describe, expect, it } from "vitest";
import { EvaluationError } from "../src/cedar/evaluation-error.ts";
import { momentOf } from "../src/facts/moment.ts";
import { readRecord, RecordAttributes, shapeOf, Unreadable } from "../src/facts/shape.ts";
import type { FieldType, Json, JsonObject } from "../src/index.ts";
import { show } from "./support/cedar-oracle.ts";

function read(type: FieldType, value: Json): string {
  return show(readRecord({ x: value }, shapeOf({ x: type }), "refuse"));
}

const datetime = (text: string): string => `{"x": datetime ${String(Date.parse(text))}}`;
const email = (local: string, domain: string): string =>
  `{"x": {"address": "${local}@${domain}", "domain": "${domain}", "local": "${local}"}}`;

describe("a value of its declared type is read", () => {
  it.each<[FieldType, Json, string]>([
    ["string", "a", '{"x": "a"}'],
    ["string", "", '{"x": ""}'],
    ["boolean", false, '{"x": false}'],
    ["integer", 0, '{"x": 0}'],
    ["integer", -0, '{"x": 0}'],
    ["integer", 2 ** 53 - 1, '{"x": 9007199254740991}'],
    ["integer", -(2 ** 53) + 1, '{"x": -9007199254740991}'],
    ["decimal", 1.5, '{"x": decimal 15000}'],
    ["decimal", -0, '{"x": decimal 0}'],
    ["decimal", 0.0001, '{"x": decimal 1}'],
    ["decimal", -0.3, '{"x": decimal -3000}'],
    ["decimal", 922_337_203_685_477, '{"x": decimal 9223372036854770000n}'],
    ["datetime", "2024-02-29", datetime("2024-02-29T00:00:00Z")],
    ["datetime", "2024-02-29T12:00:00Z", datetime("2024-02-29T12:00:00Z")],
    ["datetime", "2024-02-29T12:00:00+01:30", datetime("2024-02-29T10:30:00Z")],
    ["datetime", "2024-02-29T12:00:00.123456789Z", datetime("2024-02-29T12:00:00.123Z")],
    ["datetime", "9999-12-31T23:59:59Z", datetime("9999-12-31T23:59:59Z")],
    ["datetime", "0000-01-01T00:00:00Z", datetime("0000-01-01T00:00:00Z")],
    ["email", "a.b+c@Acme.Example", email("a.b+c", "acme.example")],
    ["email", "A@b", email("A", "b")],
    [["integer"], [1, 2, 2], '{"x": [1, 2]}'],
    [["integer"], [], '{"x": []}'],
    [[["string"]], [["a"], []], '{"x": [["a"], []]}'],
    [{ a: "integer", "b?": "string" }, { a: 1 }, '{"x": {"a": 1}}'],
    [{ a: "integer", "b?": "string" }, { a: 1, b: null }, '{"x": {"a": 1}}'],
    ["any", { __entity: 1 }, "{}"],
    [["any"], [null, 1, {}], "{}"],
    [[["any"]], [[1], []], "{}"],
  ])("%j: %j as %s", (type, value, expected) => expect(read(type, value)).toBe(expected));
});

describe("a value of another type is refused by its path", () => {
  const decimal = "must be a number with at most four digits after the point";
  const time = "must be a time such as `2026-11-23T10:00:00Z`";
  const address = "must be one plain e-mail address";
  it.each<[FieldType, Json, string, string]>([
    ["string", 1, "x", "must be a text"],
    ["string", "\ud800", "x", "must be a text"],
    ["boolean", "true", "x", "must be true or false"],
    ["boolean", 0, "x", "must be true or false"],
    ["integer", "1", "x", "must be a whole number within 2^53"],
    ["integer", 1.5, "x", "must be a whole number within 2^53"],
    ["integer", 2 ** 53, "x", "must be a whole number within 2^53"],
    ["integer", -(2 ** 53), "x", "must be a whole number within 2^53"],
    ["integer", Number.NaN, "x", "must be a whole number within 2^53"],
    ["decimal", "1.5", "x", decimal],
    ["decimal", 0.00001, "x", decimal],
    ["decimal", 922_337_203_685_478, "x", decimal],
    ["decimal", -922_337_203_685_478, "x", decimal],
    ["decimal", Number.POSITIVE_INFINITY, "x", decimal],
    ["decimal", Number.NaN, "x", decimal],
    ...[
      ["", "2024", "2024-02-30", "2023-02-29", "2024-13-01", "2024-02-29T12:00:00", "2024-02-29T24:00:01Z", "2024-02-29T12:00Z"],
      ["2024-02-29 12:00:00Z", "2024-02-29T12:00:00+0130", "2024-02-29T12:00:00.Z", "2024-02-29T12:00:00.1234567890Z", "yesterday"],
      ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00", "+012024-02-29", "-002024-02-29"],
    ]
      .flat()
      .map((text): [FieldType, Json, string, string] => ["datetime", text, "x", time]),
    ["datetime", 1_700_000_000_000, "x", time],
    ...[
      ["", "a", "@b", "a@", "a@b@c", "a b@c", "Ana <a@b.example>", "a@b.example, c@d.example", '"a"@b', "a..b@c", ".a@b", "a.@b"],
      ["a@-b", "a@b-", "a@b..c", "ä@b", "a@ä", "a@b\n", `${"a".repeat(250)}@b.cd`],
    ]
      .flat()
      .map((text): [FieldType, Json, string, string] => ["email", text, "x", address]),
    ["email", { address: "a@b" }, "x", address],
    [["integer"], 1, "x", "must be a list"],
    [["integer"], { 0: 1 }, "x", "must be a list"],
    [["integer"], [1, "2"], "x.1", "must be a whole number within 2^53"],
    [["integer"], [null], "x.0", "must not be null"],
    [["any"], "no list", "x", "must be a list"],
    [[{ a: "integer" }], [{ a: 1 }, { a: "b" }], "x.1.a", "must be a whole number within 2^53"],
    [{ a: "integer" }, [], "x", "must be an object"],
    [{ a: "integer" }, "a", "x", "must be an object"],
    [{ a: "integer" }, {}, "x.a", "is required"],
    [{ a: "integer" }, { a: null }, "x.a", "is required"],
    [{ a: { b: "integer" } }, { a: { b: 1, c: 2 } }, "x.a.c", "is not declared in the catalog"],
    ["integer", null, "x", "is required"],
  ])("%j: %j, at %s, %s", (type, value, path, why) => {
    expect(() => read(type, value)).toThrow(expect.objectContaining({ name: "Unreadable", path, why, message: `\`${path}\` ${why}` }));
  });

  it("an address as long as RFC 5321 allows is read", () => {
    const domain = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(59)].join(".");
    expect(read("email", `a@${domain}`)).toBe(email("a", domain));
    expect(() => read("email", `a@${domain}x`)).not.toThrow();
    expect(() => read("email", `ab@${domain}x`)).toThrow(Unreadable);
  });
});

describe("a record", () => {
  const shape = shapeOf({ a: "integer", "b?": "string", c: "any" });

  it("refuses undeclared keys, or drops them", () => {
    expect(() => readRecord({ a: 1, z: 2 }, shape, "refuse")).toThrow(new Unreadable("z", "is not declared in the catalog"));
    expect(show(readRecord({ a: 1, z: 2 }, shape, "drop"))).toBe('{"a": 1}');
  });

  it("needs what is not optional", () => {
    expect(() => readRecord({ b: "x" }, shape, "drop")).toThrow(new Unreadable("a", "is required"));
    expect(show(readRecord({ a: 1, b: "x", c: 1 }, shape, "refuse"))).toBe('{"a": 1, "b": "x"}');
  });

  it("has its own keys only", () => {
    const inherited = Object.create({ a: 1 }) as JsonObject;
    expect(() => readRecord(inherited, shape, "refuse")).toThrow(new Unreadable("a", "is required"));
    expect(readRecord({ a: 1 }, shapeOf({ a: "integer", "toString?": "string" }), "refuse").fields.has("toString")).toBe(false);
    const polluted = JSON.parse('{"a":1,"__proto__":{"b":"x"}}') as JsonObject;
    expect(show(readRecord(polluted, shape, "drop"))).toBe('{"a": 1}');
  });
});

describe("the attributes of a record of a tool", () => {
  const shape = shapeOf({ a: "integer", "b?": "string", d: "integer" });
  const attributes = new RecordAttributes({ a: 1, b: 2, z: 3 }, shape);

  it("are read when asked for, and only then fail", () => {
    expect([attributes.get("a"), attributes.has("a")]).toEqual([1, true]);
    expect(() => attributes.get("b")).toThrow(new EvaluationError("`resource.b` must be a text"));
    expect(() => attributes.has("b")).toThrow(EvaluationError);
    expect(() => attributes.get("d")).toThrow(new EvaluationError("`resource.d` is required"));
    expect([attributes.get("a"), attributes.has("a")]).toEqual([1, true]);
  });

  it("are those that the catalog declares", () => {
    expect([attributes.get("z"), attributes.has("z"), attributes.get("toString"), attributes.has("__proto__")]).toEqual([
      undefined,
      false,
      undefined,
      false,
    ]);
    const optional = new RecordAttributes({}, shapeOf({ "b?": "string" }));
    expect([optional.get("b"), optional.has("b"), optional.get("b")]).toEqual([undefined, false, undefined]);
  });
});

it("a clock that shows no time is a fault", () => {
  expect(show(momentOf(new Date(5)))).toBe("datetime 5");
  expect(() => momentOf(new Date(Number.NaN))).toThrow(new RangeError("the time of the call is not valid"));
});
