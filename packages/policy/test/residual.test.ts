import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { load, residual, selects } from "../src/index.ts";
import type { DecisionRequest, FieldType, Json, JsonObject, Policy, Residual } from "../src/index.ts";

const THING = {
  id: "string",
  tenant: "string",
  region: "string",
  "note?": "string",
  tier: "integer",
  "level?": "integer",
  open: "boolean",
  price: "decimal",
  "due?": "datetime",
  tags: ["string"],
  mail: "email",
  owner: { name: "string", "team?": "string" },
} as const satisfies Record<string, FieldType>;

const RIGHTS = { reason: "r", roles: "[worker]" } as const;

function policyWith(rule: { readonly rows?: string; readonly deny?: string; readonly when?: string }): Policy | undefined {
  const grant = {
    do: "things:read",
    ...(rule.rows === undefined ? {} : { rows: rule.rows }),
    ...(rule.when === undefined ? {} : { when: rule.when }),
  };
  const deny = rule.deny === undefined ? [] : [{ do: "things:read", id: "no", rows: rule.deny }];
  const result = load([
    {
      path: "bailiwick.yaml",
      text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  ada: { name: Ada, email: a@acme.example, tenants: [acme], roles: [operator] }\n",
    },
    {
      path: "tools/things.yaml",
      text: `tool: things\nconnect: { mcp: { command: [x] } }\ntypes:\n  Thing: ${JSON.stringify(THING)}\ntenantField: { Thing: tenant }\nactions:\n  list: { is: "things:read", effect: read, args: { "region?": string, "max?": integer }, returns: { type: Thing, at: result }, reviewed: "sha256:${"0".repeat(64)}" }\n`,
    },
    { path: "roles/worker.yaml", text: JSON.stringify({ role: "worker", reason: RIGHTS.reason, allow: [grant], deny }) },
    {
      path: "agents/w.yaml",
      text: 'agent: w\nworkflow: w\nowner: ada\ntenants: [acme]\nenvironments: [prod]\nroles: [worker]\nattributes: { region: emea }\nceiling: { allow: ["things:*"] }\n',
    },
  ]);
  return result.ok ? result.policy : undefined;
}

const request = (args: JsonObject = {}): DecisionRequest => ({
  caller: {
    agent: "bailiwick://acme/prod/w/w",
    tenant: "acme",
    environment: "prod",
    workflow: "w",
    user: "u",
    session: "s",
    task: "T-1",
    data: {},
    scope: ["things:*"],
  },
  operation: { tool: "things", kind: "tool", name: "list" },
  args,
  now: new Date("2026-11-23T10:00:00Z"),
});

function residualOf(rule: Parameters<typeof policyWith>[0], args: JsonObject = {}): Residual {
  const policy = policyWith(rule);
  if (policy === undefined) throw new Error("the folder does not load");
  return residual(policy, request(args));
}

const TENANT = { op: "eq", left: { field: "tenant", type: "string" }, right: { value: { type: "string", text: "acme" } } };
const text = (field: string) => ({ field, type: "string" });
const textValue = (value: string) => ({ value: { type: "string", text: value } });

describe("the residual of a list call", () => {
  it("puts in what the session and the arguments say", () => {
    const rows = "resource.region == principal.region && context.args has max && resource.tier <= context.args.max";
    expect(residualOf({ rows }, { max: 3 })).toMatchObject({
      reach: "depends",
      complete: true,
      where: {
        op: "and",
        of: [
          TENANT,
          { op: "eq", left: text("region"), right: textValue("emea") },
          { op: "le", left: { field: "tier", type: "integer" }, right: { value: { type: "integer", text: "3" } } },
        ],
      },
    });
  });

  it("is never when what is known already makes every row invisible", () => {
    const rows = "context.args has max && resource.tier <= context.args.max";
    expect(residualOf({ rows })).toMatchObject({ reach: "never", where: { op: "false" } });
  });

  it("takes the rows of a deny away, those on which it fails included", () => {
    const { where } = residualOf({ deny: 'resource has note && resource.note == "secret"' });
    const record = { tenant: "acme", note: null };
    expect(selects(where, record)).toBe(true);
    expect(selects(where, { ...record, note: "secret" })).toBe(false);
    expect(selects(where, { ...record, note: "open" })).toBe(true);
  });

  it("keeps what no database can be asked as a predicate, and pushes down the rest", () => {
    const rows = 'resource.tags.contains("vip") && resource.tier == 1 && resource.mail.domain == "acme.example"';
    const left = residualOf({ rows });
    expect(left).toMatchObject({ complete: false, where: { op: "and", of: [TENANT, { op: "eq", left: { field: "tier" } }] } });
    expect(left.unpushed).toEqual([
      { at: { file: "roles/worker.yaml", line: 1 }, text: 'resource.tags.contains("vip")', why: "a database cannot be asked this part" },
      {
        at: { file: "roles/worker.yaml", line: 1 },
        text: 'resource.mail.domain == "acme.example"',
        why: "a database cannot be asked this part",
      },
    ]);
    const row = { tenant: "acme", tier: 1, tags: ["vip"], mail: "a@acme.example" };
    expect([left.matches(row), left.matches({ ...row, tags: [] })]).toEqual([true, false]);
  });

  it("matches nothing when the call itself is refused", () => {
    const policy = policyWith({ when: 'context.session.task == "another"' });
    const left = policy === undefined ? undefined : residual(policy, request());
    expect(left).toMatchObject({ reach: "never", decision: { verdict: "deny" }, where: { op: "false" } });
    expect(left?.matches({ tenant: "acme" })).toBe(false);
  });

  it("holds another tenant's rows back, whatever the grant says", () => {
    const left = residualOf({});
    expect(left.where).toEqual(TENANT);
    expect([left.matches({ tenant: "globex" }), selects(left.where, { tenant: "globex" })]).toEqual([false, false]);
  });
});

const word = fc.constantFrom("a", "emea", "x*y", "");
const textField = fc.constantFrom("resource.region", "resource.owner.name");
const quoted = word.map((each) => JSON.stringify(each));
const number = fc.constantFrom("0", "1", "2", "9007199254740993", "-1");
const atom = fc.oneof(
  fc
    .tuple(textField, fc.constantFrom("==", "!="), fc.oneof(quoted, textField, fc.constant("principal.region")))
    .map((parts) => parts.join(" ")),
  fc
    .tuple(fc.constantFrom("resource.tier", "resource.tier"), fc.constantFrom("<", "<=", ">", ">=", "==", "!="), number)
    .map((parts) => parts.join(" ")),
  fc.tuple(number, fc.constantFrom("<", ">="), fc.constant("resource.tier")).map((parts) => parts.join(" ")),
  textField.map((field) => `${field} like "e*a"`),
  textField.map((field) => `["a", "emea"].contains(${field})`),
  textField.map((field) => `[].contains(${field})`),
  fc.constantFrom(
    "resource.open",
    "!resource.open",
    "resource has note",
    '(resource has note && resource.note == "a")',
    "(resource has level && resource.level > 1)",
    '(resource.owner has team && resource.owner.team like "*")',
    'resource.price.lessThan(decimal("2.5"))',
    'resource.price.greaterThanOrEqual(decimal("1.0"))',
    'resource.price == decimal("1.0")',
    "(resource has due && resource.due < context.now)",
    'resource.tags.contains("a")',
    'resource.mail.domain == "acme.example"',
    "resource.tier + 1 > 2",
    "context.args has region",
    "(context.args has region && context.args.region == resource.region)",
  ),
);
const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, depthIdentifier: "c" },
    { weight: 4, arbitrary: atom },
    {
      weight: 3,
      arbitrary: fc.tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    },
    { weight: 1, arbitrary: tie("condition").map((inner) => `!(${inner})`) },
    {
      weight: 1,
      arbitrary: fc.tuple(tie("condition"), tie("condition"), tie("condition")).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
    },
  ),
}));
const orNull = <T extends Json>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 4 });
const record: fc.Arbitrary<JsonObject> = fc.record({
  tenant: fc.constantFrom("acme", "acme", "acme", "globex"),
  region: orNull(word),
  note: orNull(word),
  tier: orNull(fc.constantFrom(0, 1, 2, 3)),
  level: orNull(fc.constantFrom(1, 2)),
  open: orNull(fc.boolean()),
  price: orNull(fc.constantFrom(0.5, 1, 2.5)),
  due: orNull(fc.constantFrom("2020-01-01T00:00:00Z", "2030-01-01T00:00:00+02:00")),
  tags: fc.array(word, { maxLength: 2 }),
  mail: fc.constantFrom("a@acme.example", "b@x.example"),
  // An object that does not fit its type fails as a whole, which no database can be asked.
  owner: fc.record({ name: word, team: orNull(word) }),
});

describe("every residual", () => {
  it("selects each record that its predicate matches, and no other when it is complete", () => {
    let complete = 0;
    let checked = 0;
    fc.assert(
      fc.property(
        condition,
        fc.option(condition, { nil: undefined }),
        fc.array(record, { minLength: 5, maxLength: 20 }),
        (rows, deny, records) => {
          const policy = policyWith({ rows, ...(deny === undefined ? {} : { deny }) });
          // Conditions that the validator refuses, as always false for instance, are no case.
          if (policy === undefined) return;
          const left = residual(policy, request({ region: "emea" }));
          checked += 1;
          if (left.complete) complete += 1;
          for (const one of records) {
            const [matched, selected] = [left.matches(one), selects(left.where, one)];
            if (matched) expect(selected).toBe(true);
            if (left.complete) expect(selected).toBe(matched);
            if (left.reach === "never") expect(matched).toBe(false);
          }
        },
      ),
      { numRuns: 400 },
    );
    // Otherwise nothing was compared.
    expect(checked).toBeGreaterThan(100);
    expect(complete).toBeGreaterThan(20);
  });
});
