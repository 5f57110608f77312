import type { StatefulAuthorizationCall } from "@cedar-policy/cedar-wasm/nodejs";
import * as official from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseText } from "../src/cedar/parse.ts";
import { actionId, cedarSchema } from "../src/engine/cedar-schema.ts";
import { parseExpression, wrapExpression } from "../src/engine/parse-condition.ts";
import { decide, load } from "../src/index.ts";
import type { Caller, DecisionRequest, FieldType, Json, JsonObject, Policy } from "../src/index.ts";
import { Compiled, compiledOf } from "../src/load/compiled.ts";
import { RuleIndex } from "../src/rules/rule-index.ts";
import type { Condition, Deny } from "../src/rules/rule.ts";
import { recordToCedarJson } from "./support/cedar-json.ts";

/** `BAILIWICK_FUZZ_CASES` asks for a longer run. */
const CASES = Number(process.env["BAILIWICK_FUZZ_CASES"] ?? 2_000);

const ARGS = { "status?": "string", level: "integer", "to?": "email", labels: ["string"] } as const satisfies Record<string, FieldType>;
const THING = {
  id: "string",
  "note?": "string",
  region: "string",
  tier: "integer",
  open: "boolean",
  price: "decimal",
  "due?": "datetime",
  tags: ["string"],
  owner: { name: "string", "mail?": "email" },
} as const satisfies Record<string, FieldType>;

const BASE = loadFolder();
const base = compiledOf(BASE);
const [action] = base.actions.values();
if (action === undefined) throw new Error("the catalog has one action");

function loadFolder(): Policy {
  const result = load([
    {
      path: "bailiwick.yaml",
      text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  ada: { name: Ada, email: a@acme.example, tenants: [acme], roles: [operator] }\n",
    },
    {
      path: "tools/things.yaml",
      text: `tool: things\nconnect: { mcp: { command: [x] } }\ntypes:\n  Thing: ${JSON.stringify(THING)}\nactions:\n  act: { is: "things:act", effect: read, args: ${JSON.stringify(ARGS)}, returns: { type: Thing, at: result }, reviewed: "sha256:${"0".repeat(64)}" }\n`,
    },
    { path: "roles/worker.yaml", text: "role: worker\nreason: works\nallow:\n  - do: things:act\n" },
    {
      path: "agents/w.yaml",
      text: 'agent: w\nworkflow: w\nowner: ada\ntenants: [acme]\nenvironments: [prod]\nroles: [worker]\nattributes: { region: emea }\nceiling: { allow: ["things:*"] }\n',
    },
  ]);
  if (!result.ok) throw new Error(result.diagnostics.map((each) => each.what).join("\n"));
  return result.policy;
}

/** The folder with a deny of one condition that its own checks, which demand types, did not see. */
function denying(text: string): Policy {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.message}`);
  const at = { file: "f", line: 1 };
  const condition: Condition = { id: "x", form: "expression", text, at, expr: parsed.expr, usesResource: parsed.usesResource };
  const deny: Deny = { ref: { kind: "deny", id: "x", at, reason: "r" }, role: undefined, on: ["things:act"], rows: condition };
  const compiled = Object.assign(new Compiled(base), { denies: new RuleIndex([deny]) });
  return { ...BASE, engine: compiled };
}

const CALLER: Caller = {
  agent: "bailiwick://acme/prod/w/w",
  tenant: "acme",
  environment: "prod",
  workflow: "w",
  user: "u",
  session: "s",
  task: "t",
  data: {},
  scope: ["things:*"],
};
const NOW = new Date("2026-11-23T10:00:00Z");

function requestOf(attributes: JsonObject | undefined, args: JsonObject): DecisionRequest {
  const resource = attributes === undefined ? undefined : { type: "Thing", id: "t-1", attributes };
  return { caller: CALLER, operation: { tool: "things", kind: "tool", name: "act" }, args, resource, now: NOW };
}

type Truth = "true" | "false" | "error";

/** What the condition of the only deny came to, by what the deny did. */
function truthOf(policy: Policy, request: DecisionRequest): Truth {
  const { verdict, refusal, rules } = decide(policy, request);
  if (verdict === "allow") return "false";
  expect(rules[0]?.id).toBe("x");
  if (refusal?.code === "denied_by_rule") return "true";
  expect(refusal?.code).toBe("rule_error");
  return "error";
}

const SCHEMA_NAME = "conditions";
const schema = official.preparseSchema(SCHEMA_NAME, cedarSchema(base.vocabulary, { actions: [action], entityTypes: ["Thing"] }));
if (schema.type === "failure") throw new Error(schema.errors.map((error) => error.message).join("; "));

/** Gives the condition to the official library; what comes back answers one request after the other. */
function oracle(text: string): (attributes: JsonObject | undefined, args: JsonObject) => Truth {
  const parsed = official.preparsePolicySet(SCHEMA_NAME, { staticPolicies: { x: wrapExpression(text).text } });
  if (parsed.type === "failure") throw new Error(parsed.errors.map((error) => error.message).join("; "));
  return (attributes, args) => {
    const answer = official.statefulIsAuthorized(callOf(attributes, args));
    if (answer.type === "failure") throw new Error(answer.errors.map((error) => error.message).join("; "));
    const { reason, errors } = answer.response.diagnostics;
    return errors.length > 0 ? "error" : reason.length > 0 ? "true" : "false";
  };
}

function callOf(attributes: JsonObject | undefined, args: JsonObject): StatefulAuthorizationCall {
  const principal = { type: "Agent", id: CALLER.agent };
  const resource = attributes === undefined ? { type: "Tool", id: "things" } : { type: "Thing", id: "t-1" };
  const attrs = { region: "emea", tenant: "acme", environment: "prod", workflow: "w", name: CALLER.agent };
  return {
    principal,
    action: { type: "Action", id: actionId({ tool: "things", kind: "tool", name: "act" }) },
    resource,
    context: {
      args: recordToCedarJson(args, ARGS),
      user: { id: "u" },
      session: { id: "s", task: "t", data: {} },
      now: { __extn: { fn: "datetime", arg: "2026-11-23T10:00:00.000Z" } },
      records: 1,
      cost: { __extn: { fn: "decimal", arg: "0.0" } },
      environment: "prod",
    },
    entities: [
      { uid: principal, attrs, parents: [{ type: "Role", id: "worker" }] },
      ...(attributes === undefined ? [] : [{ uid: resource, attrs: recordToCedarJson(attributes, THING), parents: [] }]),
    ],
    preparsedSchemaName: SCHEMA_NAME,
    preparsedPolicySetId: SCHEMA_NAME,
    validateRequest: true,
  };
}

const word = fc.constantFrom("", "a", "emea", "open", "a*b", "ü\u{1f600}", "acme.example", "x".repeat(40));
const number = fc.constantFrom(0, 1, -1, 2, 3, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER);
const text = fc.constantFrom(
  ...["region", "note", "owner.name", "owner.mail.domain"].map((name) => `resource.${name}`),
  ...["args.status", "args.to.domain", "user.id", "session.task", "environment"].map((name) => `context.${name}`),
  ...["region", "tenant", "name", "nothing"].map((name) => `principal.${name}`),
);
const whole = fc.constantFrom("resource.tier", "context.args.level", "context.records");
const set = fc.constantFrom(
  "resource.tags",
  "context.args.labels",
  '["a", "emea"]',
  "[resource.region, principal.region]",
  "[]",
  "[1, resource.tier]",
);
const compare = fc.constantFrom("<", "<=", ">", ">=", "==", "!=");
const pattern = fc.array(fc.constantFrom("a", "*", "e", "\\*", "ü", "me"), { maxLength: 5 }).map((parts) => `"${parts.join("")}"`);
const quoted = word.map((each) => JSON.stringify(each));

const atom = fc.oneof(
  fc.tuple(text, fc.constantFrom("==", "!="), fc.oneof(quoted, text)).map((parts) => parts.join(" ")),
  fc.tuple(whole, compare, fc.oneof(whole, number.map(String))).map((parts) => parts.join(" ")),
  fc.tuple(text, pattern).map(([left, right]) => `${left} like ${right}`),
  fc.tuple(set, fc.oneof(quoted, text)).map(([left, right]) => `${left}.contains(${right})`),
  fc.tuple(set, fc.constantFrom("containsAll", "containsAny"), set).map(([left, method, right]) => `${left}.${method}(${right})`),
  set.map((each) => `${each}.isEmpty()`),
  fc.constantFrom(
    ...[
      ["resource has note", "resource has owner.mail", "resource has owner.mail.domain", "resource has nothing", "context has args"],
      ["context.args has status", "context.args has to", "context.args has to.domain", "principal has region", "principal has x"],
      ["resource.open", "!resource.open", "true", "false", "resource == resource", "principal == resource", "resource is Thing"],
      ['principal in Role::"worker"', 'principal in Role::"boss"', 'action in Action::"things:act"', 'action in Action::"things:*"'],
      ['action == Action::"things.act"', "resource is Tool", 'resource in Thing::"t-1"', 'resource == Thing::"t-1"'],
      ["resource.price == context.cost", 'resource.price.lessThan(decimal("2.5"))', "resource.due < context.now"],
      ['context.now > datetime("2020-01-01")', 'context.now.toDate() == datetime("2026-11-23")', "resource.owner == resource.owner"],
      ["resource.tier + 1 > 1", "resource.tier * 9007199254740993 > 0", "resource.tier == 9223372036854775807", "-resource.tier < 0"],
      ['resource.tier == "a"', "resource.region < 3", 'resource.tags == ["a"]', '[["a"]].contains(resource.tags)', "resource.region"],
      ["context == context", "context.args == context.args", 'context.session == {id: "s", task: "t", data: {}}'],
    ].flat(),
  ),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthIdentifier: "e" },
    { weight: 4, arbitrary: atom },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie("expression"), fc.constantFrom("&&", "||"), tie("expression"))
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    },
    { weight: 1, arbitrary: tie("expression").map((inner) => `!(${inner})`) },
    {
      weight: 1,
      arbitrary: fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
    },
  ),
}));

const mail = fc.constantFrom("a@acme.example", "b@X.example");
const optional = <T extends Json>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const record: fc.Arbitrary<JsonObject> = fc.record({
  id: fc.constant("t-1"),
  note: optional(word),
  region: word,
  tier: number,
  open: fc.boolean(),
  price: fc.constantFrom(0, 1, 2.5),
  due: optional(fc.constantFrom("2020-01-01T00:00:00Z", "2030-01-01T00:00:00+02:00")),
  tags: fc.array(word, { maxLength: 3 }),
  owner: fc.record({ name: word, mail: optional(mail) }),
  undeclared: fc.constant("not seen"),
});
const args: fc.Arbitrary<JsonObject> = fc.record({
  status: optional(word),
  level: number,
  to: optional(mail),
  labels: fc.array(word, { maxLength: 3 }),
});

it(`conditions answer exactly as Cedar's interpreter does (${String(CASES)} random cases)`, { timeout: 600_000 }, () => {
  const seen = { true: 0, false: 0, error: 0 };
  fc.assert(
    fc.property(expression, fc.array(fc.tuple(record, args), { minLength: 2, maxLength: 4 }), (condition, worlds) => {
      const [policy, ask] = [denying(condition), oracle(condition)];
      for (const [attributes, given] of worlds) {
        const truth = ask(attributes, given);
        seen[truth] += 1;
        expect(truthOf(policy, requestOf(attributes, given))).toBe(truth);
        // Without a record only what does not speak of it has an answer.
        if (!condition.includes("resource")) expect(truthOf(policy, requestOf(undefined, given))).toBe(ask(undefined, given));
      }
    }),
    { numRuns: CASES },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 10);
});

const GIVEN: JsonObject = { level: 1, labels: [] };
const RECORD: JsonObject = { id: "t-1", region: "emea", tier: 2, open: true, price: 1, tags: [], owner: { name: "o" } };

describe("an attribute of a record that does not fit its type", () => {
  const truth = (condition: string, changes: JsonObject): Truth => truthOf(denying(condition), requestOf({ ...RECORD, ...changes }, GIVEN));

  it.each<[string, JsonObject, Truth]>([
    ["resource.tier == 2", { tier: "2" }, "error"],
    ["resource has tier", { tier: "2" }, "error"],
    ['resource.region == "emea"', { tier: "2" }, "true"],
    ['resource.region == "emea" || resource.tier == 2', { tier: "2" }, "true"],
    ['resource.region != "emea" || resource.tier == 2', { tier: "2" }, "error"],
    ['resource.region != "emea" && resource.tier == 2', { tier: "2" }, "false"],
    ["if resource.open then true else resource.tier == 2", { tier: 2.5 }, "true"],
    ["resource.tags.isEmpty()", { tags: null }, "error"],
    ["resource.tags.isEmpty()", { tags: [null] }, "error"],
    ["resource has note", { note: 1 }, "error"],
    ["resource has note", { note: null }, "false"],
    ['resource.owner.name == "o"', { owner: { name: "o", mail: "no address" } }, "error"],
    ['resource.owner.name == "o"', { owner: { name: "o", more: 1 } }, "error"],
    ["resource.due < context.now", { due: "yesterday" }, "error"],
    ["resource.price == context.cost", { price: 0.00001 }, "error"],
    ["resource == resource", { tier: "2", region: 1, open: null }, "true"],
    ["resource has undeclared", { undeclared: 1 }, "false"],
    ["context.records == 1", { tier: "2" }, "true"],
  ])("fails only a condition that reads it: %s with %j is %s", (condition, changes, expected) =>
    expect(truth(condition, changes)).toBe(expected),
  );
});

it("a condition over a record that will be seen in the result does not refuse before", () => {
  expect(decide(denying("resource.tier == 2"), requestOf(undefined, GIVEN)).verdict).toBe("allow");
  expect(decide(denying("context.args.level == 1"), requestOf(undefined, GIVEN)).verdict).toBe("deny");
  expect(decide(denying("context.args.level == 1 || resource.tier == 2"), requestOf(undefined, GIVEN)).verdict).toBe("allow");
});

it("attributes named like members of JavaScript objects are missing, not inherited", () => {
  const conditions = [
    "resource has constructor",
    "context.args has toString",
    "principal has hasOwnProperty",
    "resource.owner has valueOf",
  ];
  expect(conditions.map((condition) => truthOf(denying(condition), requestOf(RECORD, GIVEN)))).toEqual(conditions.map(() => "false"));
});

it("a condition keeps the digits of its literals", () => {
  const level = Number.MAX_SAFE_INTEGER;
  const truth = (condition: string): Truth => truthOf(denying(condition), requestOf(RECORD, { ...GIVEN, level }));
  expect(truth("context.args.level + 2 == 9007199254740993")).toBe("true");
  expect(truth("context.args.level + 1 == 9007199254740993")).toBe("false");
  expect(parseText(wrapExpression("9223372036854775808 > 0").text, "policy").ok).toBe(false);
});
