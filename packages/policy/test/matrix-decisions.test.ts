import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ceilingScopes, decide, findAction, load, matrix } from "../src/index.ts";
import type { DecisionRequest, JsonObject, Operation, Policy } from "../src/index.ts";
import { BILLING, call, files, HELPDESK, loaded, NOW, SUPPORT, TICKET, ticket } from "./support/helpdesk.ts";

const POLICY = loaded();
const EXEMPT = new Set(["outside_session_scope", "argument_invalid", "records_exceeded"]);

/** Fails when a decision, in a session as wide as the ceiling, says more than its cell. */
function agree(policy: Policy, request: DecisionRequest): void {
  const { caller, operation } = request;
  const decision = decide(policy, { ...request, caller: { ...caller, scope: ceilingScopes(policy, caller.agent) } });
  const action = findAction(policy, operation);
  const one = matrix(policy, { agents: [caller.agent] }).rows[0]?.cells.find((each) => each.operation === action?.operation);
  if (one === undefined) return expect(decision.verdict).toBe("deny");
  if (one.when === "always" && !EXEMPT.has(decision.refusal?.code ?? "")) expect(decision.verdict).toBe(one.verdict);
  if (decision.verdict === "deny") return undefined;
  const ways = one.ways.filter((way) => decision.grants.includes(way.grant.id));
  expect(ways.map((way) => way.grant.id).toSorted()).toEqual(decision.grants.toSorted());
  if (decision.verdict === "allow") expect([one.verdict, ...ways.map((way) => way.verdict)]).not.toContain("ask");
  for (const by of decision.approve?.by ?? []) expect(ways.flatMap((way) => way.approval).join(" ")).toContain(by);
  for (const { max, windowMs } of decision.limits)
    expect(ways[0]?.limits.join(", ")).toContain(`${String(max)} per ${windowMs === 60_000 ? "minute" : "hour"}`);
}

/** Loads take long, and a counterexample is read as texts rather than as a compiled policy. */
const policies = new WeakMap<object, Policy | undefined>();

function policyOf(changes: Readonly<Record<string, string>>): Policy | undefined {
  if (policies.has(changes)) return policies.get(changes);
  const result = load(files(changes));
  const policy = result.ok ? result.policy : undefined;
  policies.set(changes, policy);
  return policy;
}

describe("the table and the decisions agree", () => {
  const conditions = (...atoms: readonly string[]): fc.Arbitrary<string> => {
    const { any } = fc.letrec<{ any: string }>((tie) => ({
      any: fc.oneof(
        { withCrossShrink: true, depthSize: "small" },
        fc.constantFrom(...atoms),
        fc.tuple(tie("any"), fc.constantFrom("&&", "||"), tie("any")).map(([left, op, right]) => `(${left} ${op} ${right})`),
        tie("any").map((inner) => `!(${inner})`),
      ),
    }));
    return any;
  };
  const when = conditions(
    'context.session.task == "T-1"',
    'context.session.task == "T-2"',
    'context.user.id == "u-1"',
    "context.records > 1",
    "context.records <= 2",
    'context.environment == "prod"',
    'principal.tenant == "globex"',
    'principal.region == "emea"',
    "context.records * 9223372036854775807 > 0",
  );
  const rows = conditions("resource.tier == 1", "resource.tier > 1", 'resource.region == "emea"', "resource.region == principal.region");
  const limits = fc.record({ perMinute: fc.integer({ min: 1, max: 9 }), records: fc.integer({ min: 1, max: 5 }) }, { requiredKeys: [] });
  const approve = fc.record({ by: fc.constantFrom(["support-lead"], ["operator", "finance"]), unless: when }, { requiredKeys: ["by"] });
  const rule = { when, rows };
  const seen = fc.constantFrom("tickets:read", "tickets:read", "tickets:update", "tickets:update:status", "tickets:delete");
  const plain = fc.constantFrom("tickets:close", "tickets:close:ids");
  const rulesOf = <T>(more: Readonly<Record<string, fc.Arbitrary<T>>>) =>
    fc.oneof(
      fc.record({ do: seen, ...rule, ...more }, { requiredKeys: ["do"] }),
      fc.record({ do: plain, when, ...more }, { requiredKeys: ["do"] }),
    );
  const gate = fc.record(
    {
      on: fc.record(
        {
          do: fc.subarray(["tickets:read", "tickets:update", "tickets:close"], { minLength: 1 }),
          recordsOver: fc.integer({ min: 1, max: 3 }),
        },
        { requiredKeys: [] },
      ),
      when,
      require: fc.oneof(
        fc.record({ approve: fc.constantFrom({ by: ["operator"] }, { by: ["finance"], expires: "5m" }) }),
        limits.filter((some) => Object.keys(some).length > 0).map((some) => ({ limits: some })),
        fc.constant({ hours: { days: ["sun"], from: "08:00", to: "09:00", zone: "UTC" } }),
      ),
    },
    { requiredKeys: ["on", "require"] },
  );
  const bound = fc.record(
    {
      allow: fc.constantFrom(["tickets:*"], ["tickets:read", "tickets:update:status", "tickets:close"]),
      when,
      effects: fc.constantFrom(["read", "write"], ["read", "write", "delete"]),
    },
    { requiredKeys: ["allow"] },
  );
  const folders = fc
    .record({
      allow: fc.array(rulesOf<unknown>({ limits, approve }), { minLength: 1, maxLength: 6, size: "max" }),
      deny: fc.array(rulesOf<unknown>({}), { maxLength: 2 }),
      gates: fc.array(gate, { maxLength: 2 }),
      bound,
    })
    .map(({ allow, deny, gates, bound: agentBound }) => ({
      "agents/support.yaml": (HELPDESK["agents/support.yaml"] ?? "").replace(/ceiling: .*/, `ceiling: ${JSON.stringify(agentBound)}`),
      "roles/support.yaml": JSON.stringify({ role: "support", reason: "r", allow, deny }),
      "gates.yaml": JSON.stringify({ gates: gates.map((entry, index) => ({ gate: `g${String(index)}`, reason: "r", ...entry })) }),
    }))
    // Some conditions can never be true, which is an error of the folder.
    .filter((folder) => policyOf(folder) !== undefined);

  const record = fc
    .record({
      tier: fc.integer({ min: 0, max: 2 }),
      region: fc.constantFrom("emea", "amer"),
      tenant: fc.constantFrom("acme", "acme", "globex"),
    })
    .map((attributes) => ticket(attributes));
  const caller = fc
    .record({
      user: fc.constantFrom("u-1", "u-2"),
      task: fc.constantFrom("T-1", "T-2", "T-3"),
      environment: fc.constantFrom("dev", "prod"),
    })
    .map((facts) => ({ ...SUPPORT, ...facts, agent: `bailiwick://acme/${facts.environment}/helpdesk/support` }));
  const requests = fc.oneof(
    fc.tuple(record, caller).map(([resource, who]) => call("get_ticket", { id: "T-1" }, { resource, caller: who })),
    caller.map((who) => call("get_ticket", { id: "T-1" }, { caller: who })),
    caller.map((who) => call("list_tickets", { tenant: "acme" }, { caller: who })),
    fc
      .tuple(fc.option(record, { nil: undefined }), caller, fc.subarray(["status", "assignee"]))
      .map(([resource, who, names]) =>
        call("update_ticket", { id: "T-1", ...Object.fromEntries(names.map((name) => [name, "x"])) }, { resource, caller: who }),
      ),
    fc.tuple(record, caller).map(([resource, who]) => call("delete_ticket", { id: "T-1" }, { resource, caller: who })),
    fc
      .tuple(fc.integer({ min: 0, max: 6 }), caller)
      .map(([count, who]) => call("bulk_close", { ids: Array.from({ length: count }, String) }, { caller: who })),
  );

  it("for any rules and any calls: no call is decided better than its cell, and what is always so is never decided otherwise", () => {
    fc.assert(
      fc.property(folders, fc.array(requests, { minLength: 10, maxLength: 20 }), (folder, calls) => {
        const policy = policyOf(folder);
        for (const one of calls) if (policy !== undefined) agree(policy, one);
      }),
      { numRuns: 60 },
    );
  });

  const vectors = parse(readFileSync(new URL("vectors/decisions.yaml", import.meta.url), "utf8")) as readonly {
    readonly name: string;
    readonly as?: "billing";
    readonly tool?: string;
    readonly kind?: Operation["kind"];
    readonly call: string;
    readonly args: JsonObject;
    readonly record?: JsonObject | "unknown";
    readonly task?: string;
    readonly now?: string;
  }[];

  it.each(vectors)("for the vector: $name", ({ as, tool = "tickets", kind = "tool", record: attributes, task, now, ...vector }) => {
    const base = as === "billing" ? BILLING : SUPPORT;
    agree(POLICY, {
      caller: { ...base, task: task ?? base.task },
      operation: { tool, kind, name: vector.call },
      args: vector.args,
      resource: typeof attributes === "object" ? { type: "Ticket", id: "T-1", attributes: { ...TICKET, ...attributes } } : undefined,
      now: now === undefined ? NOW : new Date(now),
    });
  });
});
