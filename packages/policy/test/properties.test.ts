import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, load, present } from "../src/index.ts";
import type { Decision, DecisionRequest, Json, JsonObject, Policy } from "../src/index.ts";
import { call, files, HELPDESK, loaded, NOW, SUPPORT, TICKET, ticket } from "./support/helpdesk.ts";

/** How much a verdict lets through. */
const RANK = { deny: 0, ask: 1, allow: 2 } as const;
const rank = (decision: Decision): number => RANK[decision.verdict];
const RUNS = 60;

const when = fc.constantFrom(
  'context.session.task == "T-1"',
  'context.user.id != "u-17"',
  "context.records > 1",
  'context.environment == "prod"',
  "context.records * 9223372036854775807 * 2 > 0",
);
const rows = fc.constantFrom(
  "resource.tier == 1",
  "resource.tier > 1",
  'resource.region == "emea"',
  "resource has internal_notes",
  "resource.region == principal.region",
);
const scopes = fc.constantFrom("tickets:read", "tickets:update", "tickets:*", "tickets:update:status");
const limits = fc.record(
  {
    perMinute: fc.integer({ min: 1, max: 9 }),
    perHour: fc.integer({ min: 1, max: 9 }),
    records: fc.integer({ min: 1, max: 5 }),
    recordsPerDay: fc.integer({ min: 1, max: 9 }),
    concurrent: fc.integer({ min: 1, max: 9 }),
    repeats: fc.integer({ min: 1, max: 9 }),
    perTenant: fc.record({ perDay: fc.integer({ min: 1, max: 9 }), concurrent: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const fields = fc.record(
  { hide: fc.subarray(["internal_notes", "status"]), mask: fc.constantFrom({}, { "customer.ssn": "redact" }, { status: "hash" }) },
  { requiredKeys: [] },
);

const hours = fc.constantFrom(
  { days: ["sun"], from: "08:00", to: "09:00", zone: "UTC" },
  { days: ["sun", "mon"], from: "22:00", to: "11:00", zone: "Europe/Berlin" },
);
const grant = fc.record(
  {
    do: fc.constantFrom("tickets:read", "tickets:update", "tickets:update:status"),
    when,
    rows,
    limits,
    fields,
    hours,
    approve: fc.constant({ by: ["support-lead"] }),
  },
  { requiredKeys: ["do"] },
);
const deny = fc.record({ do: scopes.filter((scope) => scope !== "tickets:*"), when, rows }, { requiredKeys: ["do"] });

const gate = fc.record(
  {
    on: fc.record(
      { do: fc.constantFrom(["tickets:read"], ["tickets:update"], ["tickets:*"]), environments: fc.constantFrom(["prod"], ["dev"]) },
      { requiredKeys: [] },
    ),
    when,
    require: fc.oneof(
      fc.record({ approve: fc.constant({ by: ["operator"] }) }),
      fc.record({ limits }),
      fc.record({ hours }),
      fc.record({ fields: fc.constant({ hide: ["internal_notes"] }) }),
    ),
  },
  { requiredKeys: ["on", "require"] },
);

interface Rules {
  readonly grants: readonly object[];
  readonly denies: readonly object[];
  readonly gates: readonly object[];
}
const rules: fc.Arbitrary<Rules> = fc.record({
  grants: fc.array(grant, { maxLength: 4 }),
  denies: fc.array(deny, { maxLength: 2 }),
  gates: fc.array(gate, { maxLength: 2 }),
});

/** JSON is YAML, so generated rules are written as JSON. */
function folder({ grants, denies, gates }: Rules, agent = HELPDESK["agents/support.yaml"]) {
  return files({
    "roles/support.yaml": JSON.stringify({ role: "support", reason: "r", allow: grants, deny: denies }),
    "gates.yaml": JSON.stringify({ gates: gates.map((entry, index) => ({ gate: `gate-${String(index)}`, reason: "r", ...entry })) }),
    "agents/support.yaml": agent,
    "tools/billing.yaml": undefined,
    "tools/mail.yaml": undefined,
    "roles/billing.yaml": undefined,
    "agents/billing.yaml": undefined,
  });
}

const AGENT = (HELPDESK["agents/support.yaml"] ?? "").replace(', "mail:send", "invoices:read"', "");

function policyOf(set: Rules, agent = AGENT): Policy {
  const result = load(folder(set, agent));
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.policy;
}

const record = fc.record({ tier: fc.integer({ min: 0, max: 3 }), region: fc.constantFrom("emea", "amer") });
const request: fc.Arbitrary<DecisionRequest> = fc.oneof(
  record.map((attributes) => call("get_ticket", { id: "T-1" }, { resource: ticket(attributes) })),
  fc
    .tuple(record, fc.subarray(["status", "assignee"], { minLength: 1 }))
    .map(([attributes, names]) =>
      call("update_ticket", { id: "T-1", ...Object.fromEntries(names.map((name) => [name, "x"])) }, { resource: ticket(attributes) }),
    ),
  fc.constant(call("list_tickets", { tenant: "acme" })),
  fc.constant(call("get_ticket", { id: "T-1" }, { resource: "unknown" })),
);

/** What can be seen of a record under the decision; nothing when refused. */
function seen(policy: Policy, asked: DecisionRequest): JsonObject {
  return present(policy, asked, decide(policy, asked), TICKET, "Ticket").record;
}

describe("adding a rule that restricts", () => {
  it("a deny never allows more", () => {
    fc.assert(
      fc.property(rules, deny, request, (set, extra, asked) => {
        const [before, after] = [policyOf(set), policyOf({ ...set, denies: [...set.denies, extra] })];
        expect(rank(decide(after, asked))).toBeLessThanOrEqual(rank(decide(before, asked)));
        for (const key of Object.keys(seen(after, asked))) expect(Object.keys(seen(before, asked))).toContain(key);
      }),
      { numRuns: RUNS },
    );
  });

  it("a gate never allows more, and never drops a limit, an approver's need or a hidden field", () => {
    fc.assert(
      fc.property(rules, gate, request, (set, extra, asked) => {
        const [before, after] = [policyOf(set), policyOf({ ...set, gates: [...set.gates, extra] })].map((policy) => ({
          decision: decide(policy, asked),
          seen: seen(policy, asked),
        }));
        if (before === undefined || after === undefined) throw new Error("unreachable");
        expect(rank(after.decision)).toBeLessThanOrEqual(rank(before.decision));
        if (after.decision.verdict === "deny") return;
        expect(after.decision.maxRecords).toBeLessThanOrEqual(before.decision.maxRecords);
        for (const limit of before.decision.limits)
          expect(after.decision.limits.find((one) => one.key === limit.key)?.max).toBeLessThanOrEqual(limit.max);
        for (const key of Object.keys(after.seen)) expect(Object.keys(before.seen)).toContain(key);
      }),
      { numRuns: RUNS },
    );
  });

  it("a ceiling never allows more", () => {
    const ceiling = fc.constantFrom(
      '{ allow: ["tickets:read"] }',
      '{ allow: ["tickets:*"], effects: [write] }',
      '{ allow: ["tickets:*"], when: context.records > 5 }',
      '{ allow: ["tickets:update:status", "tickets:read"] }',
    );
    fc.assert(
      fc.property(rules, ceiling, request, (set, bound, asked) => {
        const narrow = policyOf(set, AGENT.replace(/ceiling: .*/, `ceiling: ${bound}`));
        expect(rank(decide(narrow, asked))).toBeLessThanOrEqual(rank(decide(policyOf(set), asked)));
      }),
      { numRuns: RUNS },
    );
  });

  it("a narrower session scope never allows more", () => {
    const all = ["tickets:*", "tickets:read", "tickets:update", "tickets:update:status", "tickets:update:assignee", "knowledge:*"];
    fc.assert(
      fc.property(rules, fc.subarray(all), fc.subarray(all), request, (set, wide, drop, asked) => {
        const policy = policyOf(set);
        const narrow = wide.filter((scope) => !drop.includes(scope));
        const with_ = (scope: readonly string[]): Decision => decide(policy, { ...asked, caller: { ...SUPPORT, scope } });
        expect(rank(with_(narrow))).toBeLessThanOrEqual(rank(with_(wide)));
      }),
      { numRuns: RUNS },
    );
  });
});

describe("every decision", () => {
  it("is the same whatever the order of the files", () => {
    fc.assert(
      fc.property(rules, request, fc.infiniteStream(fc.nat()), (set, asked, order) => {
        const keyed = folder(set, AGENT).map((file) => ({ file, key: order.next().value }));
        const shuffled = load(keyed.toSorted((a, b) => Number(a.key) - Number(b.key)).map(({ file }) => file));
        expect(shuffled.ok && decide(shuffled.policy, asked)).toEqual(decide(policyOf(set), asked));
      }),
      { numRuns: RUNS },
    );
  });

  it("names at least one rule with file and line, and holds its invariants", () => {
    fc.assert(
      fc.property(rules, request, (set, asked) => {
        const decision = decide(policyOf(set), asked);
        expect(decision.rules.length).toBeGreaterThan(0);
        for (const rule of decision.rules) expect([rule.at.file.length > 0, rule.at.line > 0]).toEqual([true, true]);
        expect(decision.refusal !== undefined).toBe(decision.verdict === "deny");
        expect(decision.approve !== undefined).toBe(decision.verdict === "ask");
        expect(decision.grants.length > 0).toBe(decision.verdict !== "deny");
      }),
      { numRuns: RUNS },
    );
  });

  it("is refused for certain when the unknown record is refused", () => {
    fc.assert(
      fc.property(rules, record, (set, attributes) => {
        const policy = policyOf(set);
        const asked = (resource: DecisionRequest["resource"]): Decision =>
          decide(policy, call("update_ticket", { id: "T-1", status: "x" }, { resource }));
        if (asked("unknown").verdict === "deny") expect(asked(ticket(attributes)).verdict).toBe("deny");
      }),
      { numRuns: RUNS },
    );
  });
});

describe("arguments of any shape", () => {
  const POLICY = loaded();
  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
  const key = fc.oneof(
    fc.constantFrom("id", "status", "tenant", "to", "amount", "__proto__", "__extn", "constructor", "toString"),
    fc.string(),
  );

  it("never make decide throw, and are refused unless they are what was declared", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("get_ticket", "list_tickets", "update_ticket", "bulk_close", "no_such"),
        fc.dictionary(key, json),
        (name, args) => {
          const decision = decide(POLICY, call(name, args));
          if (decision.verdict === "allow")
            expect(Object.keys(args).every((one) => ["id", "status", "tenant", "ids"].includes(one))).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("never make decide throw, whatever JavaScript value hides behind the type", () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.anything()), (args) => {
        expect(["allow", "ask", "deny"]).toContain(decide(POLICY, call("get_ticket", args as JsonObject)).verdict);
      }),
      { numRuns: 300 },
    );
  });

  it("records of any shape never make present throw or show another tenant's", () => {
    const asked = call("get_ticket", { id: "T-1" }, { now: NOW });
    const decision = decide(POLICY, asked);
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.oneof(fc.constantFrom("id", "tenant", "tier", "region", "status", "customer", "internal_notes"), fc.string()),
          fc.oneof(json, fc.constantFrom("acme", "emea", 1)),
        ),
        (body) => {
          const result = present(POLICY, asked, decision, body, "Ticket");
          if (result.visible)
            expect([body["tenant"], body["tier"], body["region"], Object.hasOwn(result.record, "internal_notes")]).toEqual([
              "acme",
              1,
              "emea",
              false,
            ]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
