import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { load, residual, selects } from "../src/index.ts";
import type { DecisionRequest, Policy } from "../src/index.ts";

const NOW = new Date("2026-11-23T10:00:00Z");
const DAY_MS = 86_400_000;

function folder(grant: object): ReturnType<typeof load> {
  return load([
    {
      path: "bailiwick.yaml",
      text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  ada: { name: Ada, email: a@acme.example, tenants: [acme], roles: [operator] }\n",
    },
    {
      path: "tools/things.yaml",
      text: `tool: things
connect: { mcp: { command: [x] } }
types:
  Thing: { id: string, region: string, created: datetime, "seen?": datetime, "log?": { "at?": datetime } }
actions:
  list: { is: "things:read", effect: read, args: {}, returns: { type: Thing, at: result }, reviewed: "sha256:${"0".repeat(64)}" }
`,
    },
    { path: "roles/w.yaml", text: JSON.stringify({ role: "w", reason: "r", allow: [{ do: "things:read", ...grant }] }) },
    {
      path: "agents/w.yaml",
      text: 'agent: w\nworkflow: w\nowner: ada\ntenants: [acme]\nenvironments: [prod]\nroles: [w]\nceiling: { allow: ["things:*"] }\n',
    },
  ]);
}

function policyOf(grant: object): Policy {
  const result = folder(grant);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.policy;
}

const asked: DecisionRequest = {
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
  args: {},
  now: NOW,
};

const row = (ageMs: number) => ({ id: "1", region: "emea", created: new Date(NOW.getTime() - ageMs).toISOString() });
const CREATED = { field: "created", type: "datetime" };
const SINCE = { value: { type: "datetime", text: "2026-08-25T10:00:00.000Z" } };

describe("a window of data", () => {
  it("is what is at most so old, to the millisecond, for a database and for the filter of results", () => {
    const left = residual(policyOf({ within: { created: "90d" } }), asked);
    expect(left).toMatchObject({ complete: true, where: { op: "le", left: SINCE, right: CREATED } });
    for (const [age, shown] of [
      [90 * DAY_MS, true],
      [90 * DAY_MS + 1, false],
      [-DAY_MS, true],
    ] as const)
      expect([left.matches(row(age)), selects(left.where, row(age))]).toEqual([shown, shown]);
  });

  it("holds beside `rows`, and a text that would close its parentheses is no condition", () => {
    const left = residual(
      policyOf({ rows: 'resource.region == "amer" || resource.region == "emea" // both', within: { created: "1d" } }),
      asked,
    );
    expect([left.matches(row(0)), left.matches(row(2 * DAY_MS)), left.matches({ ...row(0), region: "apac" })]).toEqual([
      true,
      false,
      false,
    ]);
    expect(left.complete).toBe(true);
    for (const rows of ["true) || (true", "true || (true"])
      expect(folder({ rows, within: { created: "1d" } })).toMatchObject({ ok: false, diagnostics: [{ code: "condition-syntax" }] });
  });

  it("leaves out a record that does not say how old it is", () => {
    const seen = residual(policyOf({ within: { seen: "1h" } }), asked);
    expect([seen.complete, selects(seen.where, row(0)), selects(seen.where, { ...row(0), seen: null })]).toEqual([true, false, false]);
    const left = residual(policyOf({ within: { seen: "1h", "log.at": "2h" } }), asked);
    const now = NOW.toISOString();
    const all = { ...row(0), seen: now, log: { at: now } };
    expect(left.matches(all)).toBe(true);
    for (const one of [
      row(0),
      { ...row(0), seen: now },
      { ...all, log: {} },
      { ...all, seen: null },
      { ...all, seen: "2020-01-01T00:00:00Z" },
    ])
      expect(left.matches(one)).toBe(false);
  });

  it("is of a field that is a moment", () => {
    for (const field of ["region", "creatd", "log"])
      expect(folder({ within: { [field]: "1d" } })).toMatchObject({
        ok: false,
        diagnostics: [{ code: "unknown-field", write: expect.stringContaining(field === "creatd" ? "`created`" : "`") }],
      });
    expect(folder({ within: { created: "soon" } })).toMatchObject({ ok: false });
  });

  it("may be written as a condition in any of these ways, all of which a database can be asked", () => {
    const conditions = [
      'resource.created >= context.now.offset(duration("-90d"))',
      'resource.created.offset(duration("90d")) >= context.now',
      'context.now <= resource.created.offset(duration("90d"))',
      'context.now.durationSince(resource.created) <= duration("90d")',
      'duration("90d") >= context.now.durationSince(resource.created)',
      'resource.created.durationSince(context.now) >= duration("-90d")',
      '!(resource.created < context.now.offset(duration("-90d")))',
    ];
    const all = conditions.map((rows) => residual(policyOf({ rows }), asked));
    for (const left of all) expect(left.complete).toBe(true);
    fc.assert(
      fc.property(fc.integer({ min: -2, max: 2 }), fc.integer({ min: 0, max: 200 }), (ms, days) => {
        const record = row(days * DAY_MS + ms);
        const young = days * DAY_MS + ms <= 90 * DAY_MS;
        for (const left of all) expect([left.matches(record), selects(left.where, record)]).toEqual([young, young]);
      }),
    );
  });

  it("that compares strictly stays strict", () => {
    const left = residual(policyOf({ rows: 'context.now.durationSince(resource.created) < duration("1d")' }), asked);
    expect(left.complete).toBe(true);
    for (const [age, shown] of [
      [DAY_MS - 1, true],
      [DAY_MS, false],
    ] as const)
      expect([left.matches(row(age)), selects(left.where, row(age))]).toEqual([shown, shown]);
  });
});
