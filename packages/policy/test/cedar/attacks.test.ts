import type { Context, EntityJson, PolicyJson, PolicySet } from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { cedarGeneration, EngineFault, withCedar } from "../../src/cedar/cedar-instance.ts";
import { authorize, authorizeIn, BadData, compilePolicies, openSession, readEntities, readRequest } from "../../src/cedar/index.ts";
import { readValue } from "../../src/cedar/read-data.ts";
import { CedarSet, equal } from "../../src/cedar/value.ts";
import type { Value } from "../../src/cedar/value.ts";
import { compiled, expectRow, ours, when, WORLD } from "../support/cedar-oracle.ts";

const PERMIT = "permit(principal, action, resource);";
const FORBID = "forbid(principal, action, resource);";
const ANY: PolicyJson = { effect: "permit", principal: { op: "All" }, action: { op: "All" }, resource: { op: "All" }, conditions: [] };

/** A policy of one condition in JSON that no parser has seen. */
function jsonOf(body: unknown): PolicySet {
  // unsafe: what is no expression is the point
  return { staticPolicies: { p: { ...ANY, conditions: [{ kind: "when", body: body as never }] } } };
}

function choice(test: unknown, otherwise: unknown): unknown {
  const parts = [
    ["if", test],
    ["then", { Value: true }],
    ["else", otherwise],
  ] as const;
  return { "if-then-else": Object.fromEntries(parts) };
}

function nested(depth: number, wrap: (inner: unknown) => unknown, inner: unknown): unknown {
  let result = inner;
  for (let level = 0; level < depth; level += 1) result = wrap(result);
  return result;
}

describe("depth: a policy as JSON, nested without end", () => {
  const value = { Value: true };
  it.each<[string, (inner: unknown) => unknown]>([
    ["!", (arg) => ({ "!": { arg } })],
    ["neg", (arg) => ({ neg: { arg } })],
    ["&& to the left", (left) => ({ "&&": { left, right: value } })],
    ["&& to the right", (right) => ({ "&&": { left: value, right } })],
    ["+", (left) => ({ "+": { left, right: { Value: 1 } } })],
    ["if", (test) => choice(test, value)],
    ["else", (otherwise) => choice({ Value: false }, otherwise)],
    ["sets", (inner) => ({ Set: [inner] })],
    ["records", (inner) => ({ Record: { a: inner } })],
    ["attributes", (left) => ({ ".": { left, attr: "a" } })],
    ["has", (left) => ({ has: { left, attr: "a" } })],
    ["like", (left) => ({ like: { left, pattern: ["Wildcard"] } })],
    ["is", (left) => ({ is: { left, entity_type: "A" } })],
    ["is in", (inner) => ({ is: { left: { Var: "principal" }, entity_type: "User", in: inner } })],
    ["contains", (left) => ({ contains: { left, right: value } })],
    ["calls of one", (inner) => ({ ip: [inner] })],
    ["calls of two", (inner) => ({ isInRange: [inner, value] })],
    ["tags", (right) => ({ getTag: { left: { Var: "principal" }, right } })],
  ])("is answered or refused at every depth, never a crash: %s", (_, wrap) => {
    let compiledOnce = false;
    for (const depth of [50, 150, 250, 500, 1_000, 1_900, 1_999, 2_000, 5_000, 100_000]) {
      const compilation = compilePolicies(jsonOf(nested(depth, wrap, { Var: "context" })));
      if (!compilation.ok) {
        expect(compilation.errors).toEqual([{ policy: "p", message: expect.stringMatching(/nested more than \d+ deep/) }]);
        continue;
      }
      compiledOnce = true;
      const [request, entities] = [readRequest({ ...WORLD, context: {} }), readEntities(WORLD.entities)];
      const answer = authorize(compilation.policies, request, entities);
      const { principal, action, context } = request;
      const session = openSession(compilation.policies, { principal, action, context, open: new Set(["a"]) }, entities);
      expect(authorizeIn(session, request).decision).toBe(answer.decision);
    }
    expect(compiledOnce).toBe(true);
  });

  it("is refused when it contains itself", () => {
    const circle: { "!"?: unknown } = {};
    circle["!"] = { arg: circle };
    const list: unknown[] = [];
    list.push(list);
    for (const body of [circle, { Value: list }, { Set: [circle] }]) expect(compilePolicies(jsonOf(body)).ok).toBe(false);
  });

  it("in clauses or in a path of names is answered or refused", () => {
    for (const count of [100, 1_000, 20_000]) {
      const clauses: PolicyJson["conditions"] = Array.from({ length: count }, () => ({ kind: "when", body: { Value: true } }));
      const many = compilePolicies({ staticPolicies: { p: { ...ANY, conditions: clauses } } });
      if (many.ok) expect(authorize(many.policies, readRequest(WORLD), readEntities([])).decision).toBe("allow");
      const path = compilePolicies(jsonOf({ has: { left: { Var: "context" }, attr: Array.from({ length: count }, () => "a") } }));
      if (path.ok) expect(authorize(path.policies, readRequest(WORLD), readEntities([])).decision).toBe("deny");
      else expect(path.errors[0]?.policy).toBe("p");
    }
  });
});

describe("depth: a policy as text", () => {
  const around = (open: string, inner: string, close: string, count: number): string => open.repeat(count) + inner + close.repeat(count);

  it.each<[string, (count: number) => string]>([
    ["brackets", (count) => around("(", "true", ")", count)],
    ["sets", (count) => `${around("[", "1", "]", count)} == 1`],
    ["records", (count) => `${around("{a: ", "1", "}", count)} == 1`],
    ["calls", (count) => around("[true].contains(", "true", ")", count)],
    ["indexes", (count) => `context${'["a"]'.repeat(count)}`],
    ["attributes", (count) => `context${".a".repeat(count)}`],
    ["negations", (count) => around("!(", "true", ")", count)],
    ["signs", (count) => `${around("-(", "1", ")", count)} == 1`],
    ["choices", (count) => around("if true then ", "true", " else true", count)],
    ["choices in tests", (count) => around("if ", "true", " then true else true", count)],
    ["chains", (count) => `true${" && true".repeat(count)}`],
    ["chains of alternatives", (count) => `false${" || false".repeat(count)}`],
    ["sums", (count) => `1${" + 1".repeat(count)} == 1`],
    ["products", (count) => `1${" * 1".repeat(count)} == 1`],
    ["paths of has", (count) => `context has a${".a".repeat(count)}`],
    ["namespaces", (count) => `principal is a${"::a".repeat(count)}`],
  ])("never breaks the parser, which answers the next text: %s", (_, make) => {
    const before = cedarGeneration();
    for (const count of [20, 55, 85, 200, 1_400, 3_000, 12_000]) {
      const compilation = compilePolicies({ staticPolicies: { p: when(make(count)) } });
      if (compilation.ok) authorize(compilation.policies, readRequest(WORLD), readEntities([]));
      else expect(compilation.errors[0]?.policy).toBe("p");
    }
    expect(cedarGeneration()).toBe(before);
    expect(ours({ staticPolicies: PERMIT }, WORLD).decision).toBe("allow");
  });

  it("hidden behind what only looks like a comment or a closed bracket is seen", () => {
    const before = cedarGeneration();
    const bomb = `${"(".repeat(3_000)}true${")".repeat(3_000)}`;
    for (const text of [
      `// \r${bomb}`,
      `//\r\n${bomb}`,
      `"//" == "" && ${bomb}`,
      `"\\"" == "//" && ${bomb}`,
      `")" == ")" && ${bomb}`,
      `${")".repeat(4_000)}${bomb}`,
    ])
      expect(compilePolicies({ staticPolicies: { p: when(text) } })).toMatchObject({ ok: false });
    expect(cedarGeneration()).toBe(before);
  });

  it("as thousands of clauses is answered or refused", () => {
    for (const clause of [" when{true}", " unless{false}"]) {
      for (const count of [100, 2_000, 4_000]) {
        const compilation = compilePolicies({ staticPolicies: { p: `permit(principal, action, resource)${clause.repeat(count)};` } });
        if (compilation.ok) expect(authorize(compilation.policies, readRequest(WORLD), readEntities([])).decision).toBe("allow");
        else expect(compilation.errors[0]?.policy).toBe("p");
      }
    }
  });
});

it("a text that breaks the parser's instance changes no answer before or after", () => {
  const policies = compiled({ staticPolicies: `${PERMIT} forbid(principal, action, resource) when { context.n > 5 };` });
  const [request, entities] = [readRequest(WORLD), readEntities([])];
  const before = authorize(policies, request, entities);
  expect(() => withCedar((cedar) => cedar.policyToJson(when(`${"(".repeat(3_000)}true${")".repeat(3_000)}`)))).toThrow(EngineFault);
  expect(authorize(policies, request, entities)).toEqual(before);
  expect(before).toEqual({ decision: "allow", reasons: ["policy0"], errors: [] });
  expect(ours({ staticPolicies: `${PERMIT}${FORBID}` }, WORLD)).toEqual({ decision: "deny", reasons: ["policy1"], errors: [] });
});

describe("depth and circles in data", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const list: unknown[] = [];
  list.push([list]);

  it.each<[string, unknown]>([
    ["a record that contains itself", circle],
    ["a list that contains itself", list],
    ["lists in lists", nested(100_000, (inner) => [inner], 1)],
    ["records in records", nested(100_000, (inner) => ({ a: inner }), 1)],
    ["extension values in extension values", nested(100_000, (arg) => ({ __extn: { fn: "ip", arg } }), "x")],
  ])("%s are bad data", (_, json) => {
    expect(() => readValue(json)).toThrow(BadData);
  });

  it("values as deep as allowed are compared, searched and read", () => {
    const deep = nested(90, (inner) => [{ a: inner }], 1);
    // unsafe: nested lists and records are JSON
    const question = { ...WORLD, context: { x: deep, y: structuredClone(deep) } as Context, entities: [] };
    const many = `[${Array.from({ length: 12 }, (_, index) => String(index)).join(", ")}, context.x]`;
    for (const text of ["context.x == context.y", "[context.x].contains(context.y)", `${many}.contains(context.y)`])
      expect(ours({ staticPolicies: when(text) }, question).decision).toBe("allow");
  });

  it("sets of one set, over and over, are compared without doing it twice at each level", () => {
    let looks = 0;
    class Counted extends CedarSet {
      override has(value: Value): boolean {
        looks += 1;
        return super.has(value);
      }
    }
    const deep = (): Value => {
      let value: Value = 1;
      for (let level = 0; level < 18; level += 1) value = new Counted([value]);
      return value;
    };
    expect(equal(deep(), deep())).toBe(true);
    expect(looks).toBeLessThan(200);
  });

  it("sets of eight sets of eight, level by level, are compared in the time that reading them takes", () => {
    const deep = (level: number, order: number): Value => {
      const items = Array.from({ length: 8 }, (_, index) => new CedarSet([(index * order) % 8, level === 0 ? 0 : deep(level - 1, order)]));
      return new CedarSet(items);
    };
    expect(equal(deep(3, 1), deep(3, 7))).toBe(true);
    expect(equal(deep(3, 1), new CedarSet([deep(3, 7)]))).toBe(false);
  });

  it("chains of parents are followed to their end", () => {
    const entities: EntityJson[] = Array.from({ length: 1_000 }, (_, index) => ({
      uid: { type: "User", id: index === 0 ? "alice" : String(index) },
      attrs: {},
      parents: [{ type: "User", id: String(index + 1) }],
    }));
    expect(ours({ staticPolicies: 'permit(principal in User::"1000", action, resource);' }, { ...WORLD, entities }).decision).toBe("allow");
    expect(ours({ staticPolicies: 'permit(principal in User::"1001", action, resource);' }, { ...WORLD, entities }).decision).toBe("deny");
  });
});

describe("size: what is quadratic in a set would not end here", () => {
  const SIZE = 100_000;
  const items = Array.from({ length: SIZE }, (_, index) => index);

  it.each<[string, Context, string]>([
    ["numbers", { x: items, y: items.toReversed() }, "context.x == context.y"],
    ["numbers that differ in one", { x: items, y: [...items.slice(1), -1] }, "context.x != context.y"],
    ["texts", { x: items.map(String), y: items.map(String).toReversed() }, "context.x.containsAll(context.y)"],
    ["records", { x: items.map((n) => ({ n })), y: items.map((n) => ({ n })).toReversed() }, "context.x == context.y"],
    ["lists", { x: items.map((n) => [n]), y: items.map((n) => [n, n]).toReversed() }, "context.x == context.y"],
    ["a set with nothing of another", { x: items, y: items.map((n) => n + SIZE) }, "!context.x.containsAny(context.y)"],
    ["one item over and over", { x: items.map(() => 1), y: [1] }, "context.x == context.y && context.y.containsAll(context.x)"],
  ])("%s", (_, context, text) => {
    const answer = authorize(compiled({ staticPolicies: when(text) }), readRequest({ ...WORLD, context }), readEntities([]));
    expect(answer).toEqual({ decision: "allow", reasons: ["policy0"], errors: [] });
  });

  it("a text of a policy is as long as the limit, and no longer", () => {
    const policy = (length: number): string => when(`context.s != "${"a".repeat(length)}"`);
    const room = 65_536 - policy(0).length;
    expect(ours({ staticPolicies: { p: policy(room) } }, WORLD).decision).toBe("allow");
    expect(compilePolicies({ staticPolicies: { p: policy(room + 1) } })).toEqual({
      ok: false,
      errors: [{ policy: "p", message: "it is longer than 65536 characters" }],
    });
  });

  it("a long text is compared and matched whole", () => {
    const long = "a".repeat(50_000);
    expectRow("context.s == context.t", "true", { ...WORLD, context: { s: long, t: long } });
    expectRow("context.s == context.t", "false", { ...WORLD, context: { s: long, t: `${long}b` } });
    // Asked alone: the official library takes a minute.
    const set = { staticPolicies: when(`context.s like "*${"a".repeat(20_000)}b"`) };
    expect(ours(set, { ...WORLD, context: { s: `${long}b` } }).decision).toBe("allow");
    expect(ours(set, { ...WORLD, context: { s: `${long}c` } }).decision).toBe("deny");
  });
});
