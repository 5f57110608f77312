import fc from "fast-check";
import { expect, test } from "vitest";
import type { CedarValueJson } from "@cedar-policy/cedar-wasm/nodejs";
import { ask, type Facts } from "../src/engine/evaluator.ts";
import { matcher } from "../src/engine/like.ts";
import { parseExpression } from "../src/engine/parse-condition.ts";
import { sliceFor } from "../src/engine/slices.ts";
import { toCedar } from "../src/facts/cedar-value.ts";
import { load, type FieldType, type Json, type JsonObject } from "../src/index.ts";
import { Compiled, compiledOf } from "../src/load/compiled.ts";
import type { Condition } from "../src/rules/rule.ts";

/** `BAILIWICK_FUZZ_CASES` asks for a longer run. */
const CASES = Number(process.env["BAILIWICK_FUZZ_CASES"] ?? 3_000);

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

const policy = load([
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
if (!policy.ok) throw new Error(policy.diagnostics.map((each) => each.what).join("\n"));
const base = compiledOf(policy.policy);
const [action] = [...base.actions.values()];
if (action === undefined) throw new Error("the catalog has one action");

const word = fc.constantFrom("", "a", "emea", "open", "a*b", "ü\u{1f600}", "acme.example", "x".repeat(40));
const number = fc.constantFrom(0, 1, -1, 2, 3, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER);
const quoted = word.map((each) => JSON.stringify(each));
const text = fc.constantFrom(
  "resource.region",
  "resource.note",
  "resource.owner.name",
  "resource.owner.mail.domain",
  "context.args.status",
  "context.args.to.domain",
  "context.user.id",
  "context.session.task",
  "principal.region",
  "principal.tenant",
  "principal.nothing",
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

const atom = fc.oneof(
  fc.tuple(text, fc.constantFrom("==", "!="), fc.oneof(quoted, text)).map((parts) => parts.join(" ")),
  fc.tuple(whole, compare, fc.oneof(whole, number.map(String))).map((parts) => parts.join(" ")),
  fc.tuple(text, pattern).map(([left, right]) => `${left} like ${right}`),
  fc.tuple(set, fc.oneof(quoted, text)).map(([left, right]) => `${left}.contains(${right})`),
  fc.tuple(set, fc.constantFrom("containsAll", "containsAny"), set).map(([left, method, right]) => `${left}.${method}(${right})`),
  set.map((each) => `${each}.isEmpty()`),
  fc.constantFrom(
    "resource has note",
    "resource has owner.mail",
    "resource has owner.mail.domain",
    "context.args has status",
    "context.args has to",
    "context has args",
    "resource has nothing",
    "principal has region",
    "resource.open",
    "!resource.open",
    "true",
    "false",
    "resource == resource",
    "principal == resource",
    'principal in Role::"worker"',
    "resource is Thing",
    "resource.price == context.cost",
    'resource.price.lessThan(decimal("2.5"))',
    "resource.due < context.now",
    'context.now > datetime("2020-01-01")',
    "resource.owner == resource.owner",
    "resource.tier + 1 > 1",
    "resource.tier * 9007199254740993 > 0",
    "resource.tier == 9223372036854775807",
    "-resource.tier < 0",
    'resource.tier == "a"',
    "resource.region < 3",
    'resource.tags == ["a"]',
    '[["a"]].contains(resource.tags)',
    "resource.region",
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

const mail = fc.constantFrom("a@acme.example", "b@x.example");
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
/** Now and then a record that is not what its type says. */
const resource = fc.oneof(
  { weight: 6, arbitrary: record },
  { weight: 1, arbitrary: record.map((each) => ({ ...each, tier: "2", tags: null })) },
);
const args: fc.Arbitrary<JsonObject> = fc.record({
  status: optional(word),
  level: number,
  to: optional(mail),
  labels: fc.array(word, { maxLength: 3 }),
});

function typed(value: Json, type: FieldType): CedarValueJson {
  const converted = toCedar(value, type, "", { undeclared: "drop" });
  if (!converted.ok || converted.value === undefined) throw new Error("the generator makes what its types say");
  return converted.value;
}

function factsOf(attributes: JsonObject | undefined, given: JsonObject): Facts {
  return {
    action: action ?? never(),
    principal: {
      id: "bailiwick://acme/prod/w/w",
      roles: new Set(["worker"]),
      attributes: { region: "emea", tenant: "acme", environment: "prod", workflow: "w", name: "w" },
    },
    context: {
      args: typed(given, ARGS),
      user: { id: "u" },
      session: { id: "s", task: "t", data: {} },
      now: { __extn: { fn: "datetime", arg: "2026-11-23T10:00:00.000Z" } },
      records: 1,
      cost: { __extn: { fn: "decimal", arg: "2.5000" } },
      environment: "prod",
    },
    record: attributes === undefined ? undefined : { type: "Thing", id: "t-1", attributes },
  };
}

function never(): never {
  throw new Error("unreachable");
}

function compiledWith(texts: readonly string[]): { readonly compiled: Compiled; readonly conditions: readonly Condition[] } {
  const conditions = texts.map((each, index): Condition => ({
    id: `x${index}`,
    form: "expression",
    text: each,
    at: { file: "f", line: 1 },
    usesResource: each.includes("resource"),
  }));
  const mentions = new Map(
    conditions.map((condition) => {
      const parsed = parseExpression(condition.text);
      if (!parsed.ok) throw new Error(`${condition.text}: ${parsed.message}`);
      return [
        condition.id,
        {
          condition,
          attributes: parsed.mentions.attributes,
          wholeContext: parsed.mentions.wholeContext,
          principal: parsed.mentions.principal,
        },
      ] as const;
    }),
  );
  const { book, vocabulary, actions, prefixes } = base;
  return { compiled: new Compiled({ book, vocabulary, mentions, actions, prefixes }), conditions };
}

test(`compiled conditions answer exactly as Cedar's interpreter does (${CASES} random cases)`, { timeout: 600_000 }, () => {
  let quick = 0;
  fc.assert(
    fc.property(
      fc.array(expression, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(fc.option(resource, { nil: undefined, freq: 8 }), args), { minLength: 2, maxLength: 4 }),
      (texts, worlds) => {
        const { compiled, conditions } = compiledWith(texts);
        for (const [attributes, given] of worlds) {
          const facts = factsOf(attributes, given);
          const ours = ask(compiled, conditions, facts);
          const cedars = ask(compiled, conditions, facts, "interpreted");
          expect([...ours.matched].toSorted()).toEqual([...cedars.matched].toSorted());
          expect([...ours.errored.keys()].toSorted()).toEqual([...cedars.errored.keys()].toSorted());
        }
        if (sliceFor(compiled, action ?? never(), "Thing", conditions).quick !== undefined) quick += 1;
      },
    ),
    { numRuns: CASES },
  );
  // Otherwise the interpreter was compared with itself.
  expect(quick).toBeGreaterThan(CASES / 5);
});

test("a condition with anything beyond the compiled part goes to the interpreter", () => {
  for (const each of [
    "resource.tier + 1 > 1",
    'principal in Role::"worker"',
    'resource.price.lessThan(decimal("2.5"))',
    "resource.tier == 9223372036854775807",
  ]) {
    const { compiled, conditions } = compiledWith([each]);
    expect(sliceFor(compiled, action ?? never(), "Thing", conditions).quick).toBeUndefined();
  }
});

test("attributes named like members of JavaScript objects are missing, not inherited", () => {
  const { compiled, conditions } = compiledWith(["resource has constructor", "context.args has toString", "principal has hasOwnProperty"]);
  expect(ask(compiled, conditions, factsOf({ id: "t" }, { level: 1, labels: [] }), "quickest").matched.size).toBe(0);
});

test("`like` agrees with a regular expression built from the same pattern", () => {
  const piece = fc.constantFrom("a", "b", "ab", "\u{1f600}", "*");
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.constant("Wildcard" as const),
          piece.map((Literal) => ({ Literal })),
        ),
        { maxLength: 6 },
      ),
      fc.array(piece, { maxLength: 8 }),
      (elements, parts) => {
        const source = elements.map((each) => (each === "Wildcard" ? ".*" : each.Literal.replaceAll("*", "\\*"))).join("");
        expect(matcher(elements)(parts.join(""))).toBe(new RegExp(`^${source}$`, "su").test(parts.join("")));
      },
    ),
    { numRuns: 5_000 },
  );
});

test("`like` with many wildcards over a long text does not backtrack", () => {
  const elements = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? ("Wildcard" as const) : { Literal: "a" }));
  expect(matcher([...elements, { Literal: "b" }])("a".repeat(100_000))).toBe(false);
});
