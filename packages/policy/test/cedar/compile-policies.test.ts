import type { PolicyJson, PolicySet } from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { authorize, compilePolicies, readEntities, readRequest } from "../../src/cedar/index.ts";
import { compiled, expectAgreement, expectRow, ours, theirs, WORLD } from "../support/cedar-oracle.ts";

const PERMIT = "permit(principal, action, resource);";
const FORBID = "forbid(principal, action, resource);";
const JSON_PERMIT: PolicyJson = {
  effect: "permit",
  principal: { op: "All" },
  action: { op: "All" },
  resource: { op: "All" },
  conditions: [],
};
const ALICE = { type: "User", id: "alice" };

function errorsOf(set: PolicySet): readonly { readonly policy: string; readonly message: string }[] {
  const compilation = compilePolicies(set);
  return compilation.ok ? [] : compilation.errors;
}

describe("the ids of policies", () => {
  it.each<[string, PolicySet["staticPolicies"], readonly string[]]>([
    ["nothing", undefined, []],
    ["an empty text", "", []],
    ["a text of comments", "// permit(principal, action, resource);\n", []],
    ["one text", PERMIT, ["policy0"]],
    ["a text of several", `${PERMIT}\n// ;\n${PERMIT}${PERMIT}`, ["policy0", "policy1", "policy2"]],
    ["names", { a: PERMIT, "": PERMIT, "policy0 ": JSON_PERMIT }, ["", "a", "policy0 "]],
    [
      "names of JavaScript's own",
      JSON.parse(`{"__proto__":"${PERMIT}","constructor":"${PERMIT}"}`) as Record<string, string>,
      ["__proto__", "constructor"],
    ],
    ["names like numbers, which objects put first", { b: PERMIT, 10: PERMIT, 9: PERMIT }, ["10", "9", "b"]],
  ])("of %s", (_, staticPolicies, ids) => {
    const set = staticPolicies === undefined ? {} : { staticPolicies };
    expect(expectAgreement(set, WORLD).reasons).toEqual(ids);
  });

  it("of a list count its members, where the official library calls them all alike", () => {
    for (const staticPolicies of [
      [PERMIT, PERMIT],
      [JSON_PERMIT, PERMIT],
    ])
      expect(ours({ staticPolicies }, WORLD).reasons).toEqual(["policy0", "policy1"]);
  });

  it("of a text count each policy in order, also those that are not satisfied", () => {
    const text = `@note("permit(;")\npermit(principal, action, resource) when { "};" == "" };${FORBID}${PERMIT}`;
    expect(expectAgreement({ staticPolicies: text }, WORLD)).toEqual({ decision: "deny", reasons: ["policy1"], errors: [] });
  });

  it("end at a line feed or a carriage return of a comment, as in Cedar", () => {
    for (const text of [`${PERMIT} //\r${FORBID}`, `${PERMIT} //\n${FORBID}`, `${PERMIT} //\r\n${FORBID}`, `// ${PERMIT}\r${FORBID}`])
      expect(expectAgreement({ staticPolicies: text }, WORLD).decision).toBe("deny");
    for (const text of [`${PERMIT} // ${FORBID}`, `${PERMIT} //\u2028${FORBID}`, `${PERMIT} //\u0085${FORBID}`, `${PERMIT} //\f${FORBID}`])
      expect(expectAgreement({ staticPolicies: text }, WORLD).decision).toBe("allow");
  });

  it("may be given once", () => {
    const link = { templateId: "t", newId: "a", values: { "?principal": ALICE } };
    const templates = { t: "permit(principal == ?principal, action, resource);" };
    expect(errorsOf({ staticPolicies: { a: PERMIT }, templates, templateLinks: [link] })).toEqual([
      { policy: "a", message: "two policies have this id" },
    ]);
    expect(errorsOf({ templates, templateLinks: [link, link] })).toEqual([{ policy: "a", message: "two policies have this id" }]);
    expect(errorsOf({ templates, templateLinks: [link, { ...link, newId: "b" }] })).toEqual([]);
  });
});

describe("a template", () => {
  const TEMPLATES = {
    who: "permit(principal == ?principal, action, resource);",
    group: "permit(principal in ?principal, action, resource);",
    typed: "permit(principal is User in ?principal, action, resource);",
    what: "permit(principal, action, resource == ?resource);",
    folder: "forbid(principal, action, resource in ?resource);",
    both: "permit(principal in ?principal, action, resource is App::Doc in ?resource) when { context.b };",
  };
  const [staff, top] = [
    { type: "Group", id: "staff" },
    { type: "App::Folder", id: "top" },
  ];

  it.each([
    ["who", { "?principal": ALICE }, true],
    ["who", { "?principal": staff }, false],
    ["group", { "?principal": staff }, true],
    ["group", { "?principal": ALICE }, true],
    ["group", { "?principal": { type: "Group", id: "other" } }, false],
    ["typed", { "?principal": staff }, true],
    ["what", { "?resource": WORLD.resource }, true],
    ["what", { "?resource": top }, false],
    ["folder", { "?resource": top }, true],
    ["both", { "?principal": staff, "?resource": top }, true],
    ["both", { "?principal": staff, "?resource": ALICE }, false],
  ] as const)("%s with %j is satisfied: %s", (templateId, values, satisfied) => {
    const set: PolicySet = { templates: TEMPLATES, templateLinks: [{ templateId, newId: "link", values }] };
    expect(expectAgreement(set, WORLD).reasons).toEqual(satisfied ? ["link"] : []);
  });

  it("without a link is no policy", () => {
    expect(expectAgreement({ templates: TEMPLATES }, WORLD)).toEqual({ decision: "deny", reasons: [], errors: [] });
  });

  it("may be given as JSON and linked more than once", () => {
    const template: PolicyJson = { ...JSON_PERMIT, principal: { op: "in", slot: "?principal" } };
    const links = ["a", "b"].map((newId) => ({
      templateId: "t",
      newId,
      values: { "?principal": newId === "a" ? ALICE : { type: "User", id: "z" } },
    }));
    expect(expectAgreement({ templates: { t: template }, templateLinks: links }, WORLD).reasons).toEqual(["a"]);
  });

  it.each<[string, PolicySet, string]>([
    ["of no such name", { templateLinks: [{ templateId: "none", newId: "x", values: {} }] }, "no template `none` is given"],
    [
      "without a value",
      { templates: TEMPLATES, templateLinks: [{ templateId: "who", newId: "x", values: {} }] },
      "the slot `?principal` has no value",
    ],
    [
      "with another slot's value",
      { templates: TEMPLATES, templateLinks: [{ templateId: "what", newId: "x", values: { "?principal": ALICE } }] },
      "the slot `?resource` has no value",
    ],
    [
      "with a value that is no entity",
      { templates: TEMPLATES, templateLinks: [{ templateId: "who", newId: "x", values: { "?principal": { type: "", id: "" } } }] },
      "an entity is named by `type` and `id`",
    ],
  ])("%s cannot be linked", (_, set, message) => {
    expect(errorsOf(set)).toEqual([{ policy: "x", message }]);
    expect(() => theirs(set, WORLD)).toThrow();
  });
});

describe("what is no policy is an error of its id", () => {
  it.each<[string, string, RegExp]>([
    ["garbage", "garbage", /unexpected end of input/],
    ["a policy without its end", "permit(principal, action, resource)", /unexpected end of input \(expected `;` or identifier\)/],
    ["two policies under one name", `${PERMIT}${PERMIT}`, /unexpected token `permit`/],
    [
      "a template as a static policy",
      "permit(principal == ?principal, action, resource);",
      /got a template containing the slot \?principal/,
    ],
    [
      "a literal beyond 64 bits",
      "permit(principal, action, resource) when { 9223372036854775808 > 0 };",
      /`9223372036854775808` is too large/,
    ],
    ["a negative literal beyond 64 bits", "permit(principal, action, resource) when { -9223372036854775809 < 0 };", /is too large/],
    ["an unknown function", "permit(principal, action, resource) when { nothing(1) };", /nothing/],
    ["a key given twice", "permit(principal, action, resource) when { {a: 1, a: 2}.a == 1 };", /duplicate key `a`/],
    ["a lone surrogate", 'permit(principal, action, resource) when { "\ud800" == "" };', /not well-formed Unicode/],
    ["a wrong escape", 'permit(principal, action, resource) when { "\\q" == "" };', /not a valid escape/],
  ])("%s", (_, text, message) => {
    const errors = errorsOf({ staticPolicies: { good: PERMIT, bad: text } });
    expect(errors).toEqual([{ policy: "bad", message: expect.stringMatching(message) }]);
    expect(errors[0]?.message).not.toContain("failed to parse policy");
    expect(() => theirs({ staticPolicies: { bad: text } }, WORLD)).toThrow();
  });

  it.each<[string, unknown, string]>([
    ["no effect", { ...JSON_PERMIT, effect: "allow" }, "the effect is `permit` or `forbid`"],
    ["a wrong scope", { ...JSON_PERMIT, principal: { op: "!=" } }, "a scope is `All`, `==`, `in` or `is`"],
    ["a wrong action scope", { ...JSON_PERMIT, action: { op: "is" } }, "an action scope is `All`, `==` or `in`"],
    ["a slot without a template", { ...JSON_PERMIT, principal: { op: "==", slot: "?principal" } }, "the slot `?principal` has no value"],
    ["a slot for an action", { ...JSON_PERMIT, action: { op: "==", slot: "?action" } }, "an action is no slot"],
    ["a wrong clause", { ...JSON_PERMIT, conditions: [{ kind: "if", body: { Value: true } }] }, "a condition is `when` or `unless`"],
    ["an unknown operator", { ...JSON_PERMIT, conditions: [{ kind: "when", body: { "===": {} } }] }, "the expression needs a list here"],
    [
      "an unknown function",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { nothing: [] } }] },
      "`nothing` is no operator and no function of Cedar",
    ],
    [
      "two operators",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { Value: true, Var: "context" } }] },
      "an expression is an object with one key, its operator",
    ],
    [
      "no expression",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: {} }] },
      "an expression is an object with one key, its operator",
    ],
    [
      "an unknown variable",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { Var: "user" } }] },
      "a variable is `principal`, `action`, `resource` or `context`",
    ],
    [
      "a slot in a condition",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { Slot: "?principal" } }] },
      "slots stand only in the scope of a policy",
    ],
    [
      "an attribute without a name",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { ".": { left: { Var: "context" } } } }] },
      "a name in the expression is no text",
    ],
    [
      "`has` of nothing",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { has: { left: { Var: "context" }, attr: [] } } }] },
      "`has` takes a path of 1 to 100 names",
    ],
    [
      "a missing operand",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { "==": { left: { Value: 1 } } } }] },
      "an expression is an object with one key, its operator",
    ],
    ["a set that is none", { ...JSON_PERMIT, conditions: [{ kind: "when", body: { Set: 1 } }] }, "the expression needs a list here"],
    [
      "a record that is none",
      { ...JSON_PERMIT, conditions: [{ kind: "when", body: { Record: [] } }] },
      "the expression needs a record here",
    ],
    ["a null", { ...JSON_PERMIT, conditions: [{ kind: "when", body: { Value: null } }] }, "Cedar has no null"],
  ])("JSON with %s", (_, policy, message) => {
    // unsafe: the wrong forms are the point
    const set = { staticPolicies: { bad: policy } } as PolicySet;
    expect(errorsOf(set)).toEqual([{ policy: "bad", message }]);
  });

  it("each with its own", () => {
    expect(errorsOf({ staticPolicies: { a: "x", b: PERMIT, c: "y" }, templates: { t: "z" } }).map(({ policy }) => policy)).toEqual([
      "a",
      "c",
      "t",
    ]);
  });
});

describe("literals keep every digit", () => {
  it.each([
    ["9007199254740993 - 9007199254740992", "1"],
    ["9223372036854775807 - 9223372036854775806", "1"],
    ["-9223372036854775808 + 9223372036854775807", "-1"],
    ["- 9007199254740993 + 9007199254740994", "1"],
    ["-(9007199254740993) + 9007199254740994", "1"],
    ["0009007199254740993 - 9007199254740992", "1"],
    ["[9007199254740993, 9007199254740992] == [9007199254740992]", "false"],
    ["{a: 9007199254740993}.a - 9007199254740992", "1"],
    ["if 9007199254740993 > 9007199254740992 then 9007199254740995 else 0", "9007199254740995"],
    // What stands for a large literal while parsing is written in the text itself.
    ["4503599627370497 + 4503599627370498 - 9007199254740993", "2"],
    ["[4503599627370497, 9007199254740993].contains(4503599627370498)", "false"],
    ["-4503599627370497 + 9007199254740993", "4503599627370496"],
    // None of these is a literal.
    ['"9007199254740993" == "9007199254740992"', "false"],
    ['"9007199254740993" like "*993"', "true"],
    ['{"k9007199254740993": 1}.k9007199254740993 + 9007199254740993 - 9007199254740993', "1"],
    ['1 // 9007199254740993 "\n + 9007199254740993 - 9007199254740992', "2"],
    ["1 //\r + 9007199254740993 - 9007199254740992", "2"],
    ['decimal("900719925474.0993") == decimal("900719925474.0992")', "false"],
    ['User::"9007199254740993" == User::"9007199254740992"', "false"],
  ])("%s is %s", (text, expected) => expectRow(text, expected, WORLD));

  it("in JSON as bigints", () => {
    // unsafe: the form's own types know no bigint
    const body = {
      "==": { left: { Value: 9007199254740993n }, right: { "+": { left: { Value: 9007199254740992n }, right: { Value: 1 } } } },
    } as unknown as PolicyJson["conditions"][number]["body"];
    const policies = compiled({ staticPolicies: { p: { ...JSON_PERMIT, conditions: [{ kind: "when", body }] } } });
    expect(authorize(policies, readRequest(WORLD), readEntities([])).decision).toBe("allow");
  });
});

it("annotations are kept, a bare one as the empty text", () => {
  const [tree] = compiled({ staticPolicies: `@id("x")\n@note\n@reason("a \\"b\\"")\n${PERMIT}` }).trees;
  expect(tree?.annotations).toEqual({ id: "x", note: "", reason: 'a "b"' });
});
