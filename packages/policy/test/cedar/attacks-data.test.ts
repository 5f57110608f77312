import type { Context, EntityJson, PolicySet } from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { authorize, BadData, compilePolicies, readEntities, readEntity, readRequest } from "../../src/cedar/index.ts";
import { readValue } from "../../src/cedar/read-data.ts";
import { compiled, expectAgreement, expectRow, FAILS, WORLD } from "../support/cedar-oracle.ts";
import type { Question } from "../support/cedar-oracle.ts";

/** What JSON from outside may hold where the types promise something else. */
// unsafe: the wrong forms are the point
const outside = (value: unknown): never => value as never;

const ALICE = { type: "User", id: "alice" };
const DENY = `permit(principal, action, resource); forbid(principal, action, resource) when`;

describe("names of JavaScript's own members", () => {
  const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "prototype", "then", "length", "key", "size"];

  it.each(NAMES)("%s is a name like any other for attributes, entities, tags and policies", (name) => {
    // Only a parser makes an own member `__proto__`.
    const record = JSON.parse(`{${JSON.stringify(name)}: 7}`) as Record<string, number>;
    const uid = { type: "User", id: name };
    const question: Question = {
      ...WORLD,
      principal: uid,
      context: { r: record },
      entities: [
        { uid, attrs: record, tags: record, parents: [{ type: "Group", id: name }] },
        { uid: { type: "Group", id: name }, attrs: {}, parents: [{ type: "Group", id: `${name}2` }] },
      ],
    };
    const quoted = JSON.stringify(name);
    for (const [text, expected] of [
      [`context.r[${quoted}]`, "7"],
      [`principal[${quoted}]`, "7"],
      [`principal.getTag(${quoted})`, "7"],
      [`principal.hasTag(${quoted})`, "true"],
      [`context.r has ${quoted}`, "true"],
      [`{${quoted}: 1} == {}`, "false"],
      [`{${quoted}: 7} == context.r`, "true"],
      [`User::${quoted}[${quoted}]`, "7"],
      [`principal in Group::"${name}2"`, "true"],
      [`principal in Group::"${name}3"`, "false"],
      [`[${quoted}].contains(${quoted})`, "true"],
    ] as const)
      expectRow(text, expected, question);
    const ids = JSON.parse(`{${JSON.stringify(name)}: "permit(principal, action, resource);"}`) as Record<string, string>;
    expect(expectAgreement({ staticPolicies: ids }, question).reasons).toEqual([name]);
  });

  it.each(NAMES)("%s is not there when nobody gave it", (name) => {
    const quoted = JSON.stringify(name);
    const question = { ...WORLD, context: { r: {}, n: 1 } };
    for (const subject of ["context", "context.r", "principal", "resource", "action", "context.r"]) {
      expectRow(`${subject} has ${quoted}`, "false", question);
      expectRow(`${subject}[${quoted}]`, FAILS, question);
    }
    expectRow(`principal.hasTag(${quoted})`, "false", question);
    expectRow(`principal in User::${quoted}`, "false", question);
  });

  it("are types, actions and template ids like any others", () => {
    const question: Question = {
      ...WORLD,
      principal: { type: "constructor", id: "x" },
      action: { type: "Action", id: "__proto__" },
      entities: [],
    };
    const policies = {
      a: 'permit(principal is constructor, action == Action::"__proto__", resource);',
      b: "permit(principal is toString, action, resource);",
    };
    expect(expectAgreement({ staticPolicies: policies }, question).reasons).toEqual(["a"]);
    const templates = JSON.parse('{"__proto__":"permit(principal == ?principal, action, resource);"}') as Record<string, string>;
    const templateLinks = [{ templateId: "__proto__", newId: "constructor", values: { "?principal": question.principal } }];
    expect(expectAgreement({ templates, templateLinks }, question).reasons).toEqual(["constructor"]);
    expect(compilePolicies({ templateLinks: [{ templateId: "constructor", newId: "x", values: {} }] }).ok).toBe(false);
  });
});

describe("an object that is no JSON is refused, so that no rule judges what nobody sent", () => {
  const getter = {
    get x() {
      return 1;
    },
  };
  it.each<[string, unknown]>([
    ["a date", new Date(0)],
    ["a map", new Map([["a", 1]])],
    ["a set", new Set([1])],
    ["a boxed text", Object("text")],
    ["a boxed number", Object(5)],
    ["a typed array", new Uint8Array([1])],
    ["a regular expression", /a/],
    ["a promise", Promise.resolve(1)],
    [
      "an instance of a class",
      new (class Thing {
        x = 1;
      })(),
    ],
    ["an heir of a record", Object.create({ x: 1 })],
    ["an error", new Error("x")],
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a big integer beyond 64 bits", 2n ** 64n],
    ["nothing", undefined],
    ["null", null],
    ["not a number", Number.NaN],
    ["infinity", Number.NEGATIVE_INFINITY],
    ["a fraction", 0.1],
    ["a lone surrogate", "\udc00"],
    ["a name that is a lone surrogate", { "\ud83d": 1 }],
  ])("%s", (_, value) => {
    for (const json of [value, [value], { inner: value }, [[{ deep: [value] }]]]) expect(() => readValue(json)).toThrow(BadData);
    expect(() => readRequest({ ...WORLD, context: outside({ x: value }) })).toThrow(BadData);
    expect(() => readEntities([{ uid: ALICE, attrs: outside({ x: value }), parents: [] }])).toThrow(BadData);
    expect(() => readEntities([{ uid: ALICE, attrs: {}, tags: outside({ x: value }), parents: [] }])).toThrow(BadData);
  });

  it("a getter is read like a value, and what it throws goes on", () => {
    expectRow("context.x", "1", { ...WORLD, context: getter });
    const thrower = {
      get x(): number {
        throw new RangeError("mine");
      },
    };
    expect(() => readRequest({ ...WORLD, context: thrower })).toThrow(RangeError);
  });

  it("an object without a prototype is a record", () => {
    const bare = Object.assign(Object.create(null) as Record<string, number>, { x: 1 });
    expectRow("context.r.x", "1", { ...WORLD, context: { r: bare } });
  });

  it("members that are inherited or hidden are not there", () => {
    const hidden = Object.defineProperty({ y: 1 }, "x", { value: 1, enumerable: false });
    expectRow("context has x", "false", { ...WORLD, context: outside(hidden) });
    for (const proto of [{ __entity: ALICE }, { __extn: { fn: "ip", arg: "::1" } }, { type: "User", id: "alice" }]) {
      expect(() => readValue(Object.create(proto))).toThrow(BadData);
      expect(() => readRequest({ ...WORLD, principal: outside(Object.create(proto)) })).toThrow(BadData);
    }
  });
});

describe("a list with holes is refused, not read as a shorter one", () => {
  const holes: unknown[] = [];
  holes[2] = "b";
  it.each<[string, () => unknown]>([
    ["in the context", () => readRequest({ ...WORLD, context: outside({ x: holes }) })],
    ["in an attribute", () => readEntities([{ uid: ALICE, attrs: outside({ x: [holes] }), parents: [] }])],
    ["of nothing but holes", () => readValue(Object.assign([], { length: 3 }))],
    ["of entities", () => readEntities(outside(Object.assign([], { length: 1 })))],
    ["of parents", () => readEntities([{ uid: ALICE, attrs: {}, parents: outside(Object.assign([], { length: 1 })) }])],
    ["of arguments", () => readValue({ __extn: { fn: "ip", args: Object.assign([], { length: 1 }) } })],
  ])("%s", (_, read) => expect(read).toThrow(BadData));
});

describe("a context that is no plain record is refused", () => {
  it.each<[string, unknown]>([
    ["an extension value", { __extn: { fn: "ip", arg: "::1" } }],
    ["an entity", { __entity: ALICE }],
    ["an expression", { __expr: "1" }],
    ["a list", []],
    ["a list of one", [1]],
    ["a text", "abc"],
    ["a number", 1],
    ["null", null],
    ["nothing", undefined],
  ])("%s", (_, context) => expect(() => readRequest({ ...WORLD, context: outside(context) })).toThrow(BadData));

  it("but an attribute may have any name, also those that mark values", () => {
    expectRow('principal has "__extn"', "true", { ...WORLD, entities: [{ uid: ALICE, attrs: outside({ __extn: 1 }), parents: [] }] });
  });
});

describe("an entity of a wrong form is refused", () => {
  it.each<[string, unknown]>([
    ["null", null],
    ["a text", "User::alice"],
    ["a list", []],
    ["without a name", { attrs: {}, parents: [] }],
    ["without attributes", { uid: ALICE, parents: [] }],
    ["without parents", { uid: ALICE, attrs: {} }],
    ["with a list of attributes", { uid: ALICE, attrs: [1], parents: [] }],
    ["with a text for attributes", { uid: ALICE, attrs: "abc", parents: [] }],
    ["with a list of tags", { uid: ALICE, attrs: {}, tags: [1], parents: [] }],
    ["with null for tags", { uid: ALICE, attrs: {}, tags: null, parents: [] }],
    ["with a text for a parent", { uid: ALICE, attrs: {}, parents: ["Group::all"] }],
    ["with one parent without a list", { uid: ALICE, attrs: {}, parents: ALICE }],
  ])("%s", (_, entity) => {
    expect(() => readEntities([outside(entity)])).toThrow(BadData);
    expect(() => readEntity(outside(entity), readEntities([]))).toThrow(BadData);
  });

  it.each(["if", "true", "A::in", "__cedar::A", "like::A", "A::__cedar"])("with the reserved type name %s", (type) => {
    expect(() => readRequest({ ...WORLD, principal: { type, id: "a" } })).toThrow(BadData);
    expect(() => readValue({ __entity: { type, id: "a" } })).toThrow(BadData);
  });

  it.each(["principal", "permit", "Action", "_", "A::B_1", "iff", "Has"])("a type %s is a name like any other", (type) => {
    expectRow(`principal is ${type}`, "true", { ...WORLD, principal: { type, id: "a" } });
  });
});

describe("a policy set of a wrong form is an answer with errors, not a crash", () => {
  it.each<[string, unknown]>([
    ["null", { staticPolicies: { a: null } }],
    ["a number", { staticPolicies: { a: 1 } }],
    ["an empty object", { staticPolicies: { a: {} } }],
    ["a list", { staticPolicies: { a: [] } }],
    [
      "no clauses",
      { staticPolicies: { a: { effect: "permit", principal: { op: "All" }, action: { op: "All" }, resource: { op: "All" } } } },
    ],
    ["no principal", { staticPolicies: { a: { effect: "permit", action: { op: "All" }, resource: { op: "All" }, conditions: [] } } }],
    [
      "a null clause",
      {
        staticPolicies: {
          a: { effect: "permit", principal: { op: "All" }, action: { op: "All" }, resource: { op: "All" }, conditions: [null] },
        },
      },
    ],
    ["a null template", { templates: { a: null }, templateLinks: [{ templateId: "a", newId: "x", values: {} }] }],
  ])("%s", (_, set) => {
    // unsafe: the wrong forms are the point
    const compilation = compilePolicies(set as PolicySet);
    expect(compilation.ok).toBe(false);
  });
});

describe("no data skips a forbid", () => {
  const policies = compiled({ staticPolicies: `${DENY} { context.x == "bad" || context has y };` });
  it.each<[string, unknown]>([
    ["as it stands", { x: "bad" }],
    ["beside strange names", JSON.parse('{"x":"good","y":1,"__proto__":{"x":1}}')],
    ["with a value that is a set", { x: "", y: [] }],
    ["of an object without a prototype", Object.assign(Object.create(null) as object, { x: "bad" })],
  ])("%s", (_, context) => {
    expect(authorize(policies, readRequest({ ...WORLD, context: outside(context) }), readEntities([])).decision).toBe("deny");
  });

  it.each<[string, Context, EntityJson[]]>([
    ["by an entity with the same id and another type", { who: { __entity: { type: "Users", id: "alice" } } }, []],
    ["by an id with a separator in it", { who: { __entity: { type: "User", id: "x\0alice" } } }, []],
  ])("%s", (_, context, entities) => {
    const set = {
      staticPolicies: `permit(principal, action, resource); forbid(principal, action, resource) unless { context.who == principal };`,
    };
    expect(expectAgreement(set, { ...WORLD, context, entities }).decision).toBe("deny");
  });
});
