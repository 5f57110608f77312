import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, limitDemandWords, load, matrix } from "../src/index.ts";
import type { Decision, DecisionRequest, JsonObject, Policy } from "../src/index.ts";
import { COUNTER_NAMES, LIMIT_NAMES, limitsOf } from "../src/rules/limits.ts";
import type { WrittenLimits } from "../src/rules/limits.ts";

const AGENT = "bailiwick://acme/prod/shop/clerk";

interface Shop {
  readonly limits?: object;
  readonly gate?: object;
  readonly more?: object;
  readonly on?: object;
  /** With actions whose tool chooses what the caller leaves out. */
  readonly choosing?: boolean;
}

const CHOOSING = [
  ["refund", 'effect: pay, args: { "amount?": decimal }, cost: args.amount'],
  ["post", "effect: send, args: { whom: any }, destination: [args.whom]"],
  ["wipe", 'effect: write, args: { "ids?": [string] }, batch: args.ids'],
] as const;

function folder({ limits, gate, more = {}, on = {}, choosing = false }: Shop): ReturnType<typeof load> {
  const action = (is: string, rest: string) => `{ is: "till:${is}", ${rest}, reviewed: "sha256:${"0".repeat(64)}" }`;
  const allow = ["pay", "send", "mark", "look", ...(choosing ? ["refund", "post", "wipe"] : [])].map((name) => ({
    do: `till:${name}`,
    ...(limits === undefined ? {} : { limits }),
    ...more,
  }));
  const gates = gate === undefined ? [] : [{ gate: "g", reason: "r", on, require: gate }];
  const off = Object.fromEntries(["payment", "external-send", "bulk"].map((name) => [name, { off: true, reason: "r" }]));
  return load([
    {
      path: "bailiwick.yaml",
      text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  ada: { name: Ada, email: a@acme.example, tenants: [acme], roles: [operator] }\n",
    },
    {
      path: "tools/till.yaml",
      text: `tool: till
connect: { mcp: { command: [x] } }
types: { Row: { id: string, made: datetime, "seen?": datetime } }
actions:
  pay: ${action("pay", "effect: pay, args: { amount: decimal }, cost: args.amount")}
  send: ${action("send", 'effect: send, args: { to: [string], "cc?": string }, destination: [args.to, args.cc]')}
  mark: ${action("mark", "effect: write, args: { ids: [string] }, batch: args.ids")}
  look: ${action("look", "effect: read, args: {}, returns: { type: Row, at: result.rows }")}
${choosing ? CHOOSING.map(([name, rest]) => `  ${name}: ${action(name, rest)}`).join("\n") : ""}
`,
    },
    { path: "roles/clerk.yaml", text: JSON.stringify({ role: "clerk", reason: "r", allow }) },
    {
      path: "agents/clerk.yaml",
      text: 'agent: clerk\nworkflow: shop\nowner: ada\ntenants: [acme]\nenvironments: [prod]\nroles: [clerk]\nceiling: { allow: ["till:*"] }\n',
    },
    { path: "gates.yaml", text: JSON.stringify({ defaults: off, gates }) },
  ]);
}

function shop(parts: Shop): Policy {
  const result = folder(parts);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.policy;
}

function ask(name: string, args: JsonObject, more: Partial<DecisionRequest> = {}): DecisionRequest {
  const caller = {
    agent: AGENT,
    tenant: "acme",
    environment: "prod",
    workflow: "shop",
    user: "u",
    session: "s-1",
    task: "T-1",
    data: {},
    scope: ["till:*"],
  };
  return { caller, operation: { tool: "till", kind: "tool", name }, args, now: new Date("2026-11-23T10:00:00Z"), ...more };
}

const amountsOf = ({ limits }: Decision) => limits.map(({ unit, amount, max, windowMs }) => ({ unit, amount, max, windowMs }));

describe("what a call draws", () => {
  it.each([
    ["its cost", "pay", { amount: 12.5 }, { costPerMonth: 100 }, { unit: "cost", amount: 12.5, max: 100, windowMs: 31 * 86_400_000 }],
    ["its records", "mark", { ids: ["a", "b"] }, { recordsPerHour: 9 }, { unit: "records", amount: 2, max: 9, windowMs: 3_600_000 }],
    [
      "each address of its destinations, in lists and in texts",
      "send",
      { to: ["a@x.example", "b@x.example, C <c@x.example>"], cc: "hook" },
      { recipientsPerDay: 9 },
      { unit: "recipients", amount: 4, max: 9, windowMs: 86_400_000 },
    ],
    ["a place among those that run", "look", {}, { concurrent: 3 }, { unit: "running", amount: 1, max: 3, windowMs: 0 }],
  ])("is %s", (_, name, args, limits, demand) => {
    expect(amountsOf(decide(shop({ limits }), ask(name, args)))).toEqual([demand]);
  });

  it.each([
    ["cost", "refund", "amount", 3],
    ["list of records", "wipe", "ids", ["a"]],
  ])("is not known of a call without its %s, which is refused: the tool would choose it", (_, name, argument, value) => {
    const policy = shop({ limits: { costPerDay: 10, recordsPerDay: 10 }, choosing: true });
    for (const args of [{}, { [argument]: null }])
      expect(decide(policy, ask(name, args)).refusal).toMatchObject({
        code: "argument_invalid",
        next: [{ kind: "narrow", field: argument }],
      });
    expect(decide(policy, ask(name, { [argument]: value })).verdict).toBe("allow");
  });

  it.each([
    [{ name: "Ann", address: "ann@x.example" }, 1],
    [{ list: ["a@x.example", "b@x.example"], also: { cc: "c@x.example, d@x.example" } }, 4],
    [[{ group: 7 }, ["a@x.example", ["b@x.example", "c@x.example"]]], 4],
  ])("counts the recipients inside %j", (whom, amount) => {
    const { limits } = decide(shop({ limits: { recipientsPerDay: 9 }, choosing: true }), ask("post", { whom }));
    expect(limits).toMatchObject([{ unit: "recipients", amount }]);
  });

  it("counts for the agent, the session or the tenant, each under a name of its own", () => {
    const policy = shop({ limits: { costPerDay: 1, costPerSession: 1, perTenant: { costPerDay: 1 } } });
    expect(decide(policy, ask("pay", { amount: 1 })).limits.map(({ key }) => key)).toEqual([
      `acme|${AGENT}|till:pay|costPerDay`,
      "acme|s-1|till:pay|costPerSession",
      "acme|*|till:pay|perTenant.costPerDay",
    ]);
  });

  it.each([
    ["cost", "pay", { amount: 10.01 }, { cost: 10 }, "the call costs 10.01 and at most 10 is permitted", "args.amount"],
    ["recipients", "send", { to: ["a@x", "b@x"] }, { recipients: 1 }, "the call has 2 recipients and at most 1 are permitted", "args.to"],
    ["records", "mark", { ids: ["a", "b"] }, { records: 1 }, "the call touches 2 records and at most 1 are permitted", "args.ids"],
  ])("may be bounded for one call: %s, by grants and by gates", (_, name, args, limits, message, field) => {
    for (const policy of [shop({ limits }), shop({ gate: { limits } })]) {
      const refusal = { code: "records_exceeded", message: expect.stringContaining(message), next: [{ kind: "narrow", field }] };
      expect(decide(policy, ask(name, args))).toMatchObject({ verdict: "deny", refusal });
    }
  });
});

const count = fc.integer({ min: 1, max: 6 });
const anyLimits = fc.record(Object.fromEntries(LIMIT_NAMES.map((name) => [name, count])), { requiredKeys: [] });
const anyCall = fc.oneof(
  count.map((amount) => ask("pay", { amount })),
  fc.array(fc.constant("a@x.example"), { maxLength: 6 }).map((to) => ask("send", { to })),
  fc.array(fc.constant("a"), { maxLength: 6 }).map((ids) => ask("mark", { ids })),
  fc.constant(ask("look", {})),
);

/** As a file writes them. */
function written(limits: Readonly<Record<string, number | undefined>>): WrittenLimits {
  const entries = Object.entries(limits).filter(([name]) => !name.startsWith("perTenant."));
  const tenant = Object.entries(limits).flatMap(([name, max]) => (name.startsWith("perTenant.") ? [[name.slice(10), max]] : []));
  return { ...Object.fromEntries(entries), ...(tenant.length === 0 ? {} : { perTenant: Object.fromEntries(tenant) }) };
}

/** Whether the call goes where so much of each counter is used. */
function goes(policy: Policy, asked: DecisionRequest, used: (key: string) => number): boolean {
  const { verdict, limits } = decide(policy, asked);
  return verdict !== "deny" && limits.every(({ key, amount, max }) => used(key) + amount <= max);
}

describe("limits", () => {
  it("that are added to a grant or in a gate never let anything through that did not go before, however much is used", () => {
    fc.assert(
      fc.property(
        anyLimits,
        anyLimits,
        fc.boolean(),
        anyCall,
        fc.func(fc.integer({ min: 0, max: 5 })),
        (some, added, inGate, asked, used) => {
          const before = shop({ limits: written(some) });
          const least = {
            ...added,
            ...Object.fromEntries(Object.entries(some).map(([name, max = 9]) => [name, Math.min(max, added[name] ?? max)])),
          };
          const after = inGate ? shop({ limits: written(some), gate: { limits: written(added) } }) : shop({ limits: written(least) });
          if (goes(after, asked, used)) expect(goes(before, asked, used)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("come out of a file as they went in, and unknown ones are errors", () => {
    fc.assert(
      fc.property(anyLimits, (limits) => {
        expect(limitsOf(written(limits))).toEqual(limits);
      }),
    );
    for (const limits of [{ perWeek: 1 }, { perTenant: { costPerSession: 1 } }, { "perTenant.perDay": 1 }, { concurrent: 0 }])
      expect(folder({ limits })).toMatchObject({ ok: false });
  });

  it("are said in the table, those of one call among them, and only where the action draws from them", () => {
    const policy = shop({
      limits: { cost: 5, costPerMonth: 50, recipients: 2, concurrent: 1, repeats: 3, perTenant: { recipientsPerHour: 9 } },
    });
    const cells = matrix(policy, {}).rows[0]?.cells.map(({ ways }) => ways[0]?.limits);
    expect(cells).toEqual([
      ["cost of 5 a call, cost of 50 per month, 1 at once, the same call 3 times per minute"],
      ["2 recipients a call, 1 at once, the same call 3 times per minute, 9 recipients per hour for the tenant"],
      ["1 at once, the same call 3 times per minute"],
      ["1 at once, the same call 3 times per minute"],
    ]);
    for (const name of COUNTER_NAMES) expect(limitDemandWords({ key: `a|b|c|${name}`, max: 7 })).toContain("7");
    expect(limitDemandWords({ key: "a|b|c|perHour", max: 1 })).toBe("1 call per hour");
  });

  it("that another one makes meaningless, or that count nothing, are warned of", () => {
    const codes = (parts: Shop) => {
      const result = folder(parts);
      return result.ok ? result.policy.warnings.filter(({ code }) => code === "limit-never-reached").map(({ what }) => what) : result;
    };
    expect(codes({ gate: { limits: { cost: 100, costPerDay: 50 } } })).toEqual(["`cost: 100` is more than `costPerDay: 50` lets through"]);
    expect(codes({ gate: { limits: { recordsPerDay: 9, perTenant: { recordsPerDay: 8 } } } })).toHaveLength(1);
    expect(codes({ gate: { limits: { cost: 1 } }, on: { effect: ["read"] } })).toEqual([
      "no action it covers has `cost` in the catalog, so `cost` counts nothing",
    ]);
    expect(codes({ gate: { limits: { cost: 50, costPerDay: 50, recipients: 1 } } })).toEqual([]);
  });
});

describe("a gate on more records than a number", () => {
  const many = { gate: { approve: { by: ["operator"] } }, on: { recordsOver: 3 } };

  it("asks before a call that names more, and of a read says from how many on people have to be asked", () => {
    const policy = shop(many);
    expect(decide(policy, ask("mark", { ids: ["a", "b", "c", "d"] }))).toMatchObject({ verdict: "ask" });
    expect(decide(policy, ask("mark", { ids: ["a", "b", "c"] }))).not.toHaveProperty("asksOver");
    expect(decide(policy, ask("look", {}))).toMatchObject({ verdict: "allow", asksOver: { records: 3, rules: [{ id: "g" }] } });
  });

  it("asks before a read that is known to return more", () => {
    const policy = shop(many);
    expect(decide(policy, ask("look", {}, { expected: 3 }))).toMatchObject({ verdict: "allow", asksOver: { records: 3 } });
    const asked = decide(policy, ask("look", {}, { expected: 4 }));
    expect(asked).toMatchObject({ verdict: "ask", approve: { by: ["operator"] } });
    expect(asked).not.toHaveProperty("asksOver");
    expect(matrix(policy, {}).rows[0]?.cells[3]).toMatchObject({
      verdict: "allow",
      ways: [{ approval: ["by operator within 30 min when more than 3 records"] }],
    });
  });

  it("holds for a delegate as for its delegator", () => {
    const policy = shop(many);
    const { caller } = ask("look", {});
    expect(decide(policy, ask("look", {}, { caller: { ...caller, session: "s-2", delegator: caller } })).asksOver).toMatchObject({
      records: 3,
    });
  });
});
