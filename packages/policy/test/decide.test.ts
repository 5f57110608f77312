import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { decide, findAction, forcedArguments, reach } from "../src/index.ts";
import type { DecisionRequest, JsonObject, NextStep } from "../src/index.ts";
import { BILLING, call, HELPDESK, loaded, NOW, SUPPORT, TICKET, ticket } from "./support/helpdesk.ts";

interface Vector {
  readonly name: string;
  readonly as?: "billing";
  readonly tool?: string;
  readonly kind?: "resource" | "prompt";
  readonly call: string;
  readonly args: JsonObject;
  readonly record?: JsonObject | "unknown";
  readonly recordType?: string;
  readonly scope?: readonly string[];
  readonly task?: string;
  readonly now?: string;
  readonly verdict: string;
  readonly code?: string;
  readonly message?: string;
  readonly rules: readonly string[];
  readonly grants?: readonly string[];
  readonly by?: readonly string[];
  readonly expiresMs?: number;
  readonly limits?: readonly string[];
  readonly next?: NextStep;
}

const VECTORS = parse(readFileSync(new URL("vectors/decisions.yaml", import.meta.url), "utf8")) as readonly Vector[];
const POLICY = loaded();

function requestOf(vector: Vector): DecisionRequest {
  const base = vector.as === "billing" ? BILLING : SUPPORT;
  const resource =
    vector.record === undefined || vector.record === "unknown"
      ? vector.record
      : { type: vector.recordType ?? "Ticket", id: "T-1", attributes: { ...TICKET, ...vector.record } };
  return {
    caller: { ...base, scope: vector.scope ?? base.scope, task: vector.task ?? base.task },
    operation: { tool: vector.tool ?? "tickets", kind: vector.kind ?? "tool", name: vector.call },
    args: vector.args,
    resource,
    now: vector.now === undefined ? NOW : new Date(vector.now),
  };
}

describe("decide", () => {
  it.each(VECTORS)("$name", (vector) => {
    const decision = decide(POLICY, requestOf(vector));
    expect([decision.verdict, decision.refusal?.code]).toEqual([vector.verdict, vector.code]);
    expect(decision.rules.map((rule) => rule.id)).toEqual(vector.rules);
    for (const rule of decision.rules) expect(rule.at.line).toBeGreaterThan(0);
    if (vector.message !== undefined) expect(decision.refusal?.message).toContain(vector.message);
    if (vector.grants !== undefined) expect(decision.grants).toEqual(vector.grants);
    if (vector.by !== undefined) expect(decision.approve?.by).toEqual(vector.by);
    if (vector.expiresMs !== undefined) expect(decision.approve?.expiresMs).toBe(vector.expiresMs);
    if (vector.limits !== undefined)
      expect(decision.limits.map((limit) => limit.key)).toEqual(vector.limits.map((key) => `acme|${SUPPORT.agent}|${key}`));
    if (vector.next !== undefined) expect(decision.refusal?.next).toContainEqual(vector.next);
  });

  it("names the policy version in every decision", () => {
    expect(decide(POLICY, call("drop", {})).policyVersion).toBe(POLICY.version);
    expect(decide(POLICY, call("get_ticket", { id: "T-1" })).policyVersion).toBe(POLICY.version);
  });

  it("refuses an agent that claims another tenant than its name says", () => {
    const decision = decide(POLICY, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, tenant: "globex" } }));
    expect(decision.refusal?.code).toBe("cross_tenant");
  });

  it("refuses an unknown agent", () => {
    const decision = decide(
      POLICY,
      call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, agent: "bailiwick://acme/prod/helpdesk/ghost" } }),
    );
    expect(decision.refusal?.code).toBe("no_grant");
  });

  it("does not open the bound of an environment", () => {
    const main = (HELPDESK["bailiwick.yaml"] ?? "").replace("[read, write, send, pay, delete]", "[read]");
    const decision = decide(loaded({ "bailiwick.yaml": main }), call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket() }));
    expect([decision.refusal?.code, decision.rules.map((rule) => rule.id)]).toEqual(["outside_ceiling", ["environment/prod"]]);
  });

  it("asks for approval above the number of records that the bulk gate names", () => {
    const role = (HELPDESK["roles/support.yaml"] ?? "").replace("    limits: { records: 10 }\n", "");
    const decide101 = (count: number) =>
      decide(loaded({ "roles/support.yaml": role }), call("bulk_close", { ids: Array.from({ length: count }, String) }));
    expect(decide101(100).verdict).toBe("allow");
    expect(decide101(101).approve).toMatchObject({ by: ["operator"], rules: [{ id: "bulk", at: { file: "defaults/gates.yaml" } }] });
  });

  it("lets a changed default gate ask other people", () => {
    const gates = "defaults:\n  payment: { by: [finance], expires: 5m, reason: money is the business of finance }\n";
    const decision = decide(
      loaded({ "gates.yaml": gates }),
      call("create_invoice", { customer: "c", amount: 1 }, { tool: "billing", caller: BILLING }),
    );
    expect(decision.approve).toMatchObject({ by: ["finance"], expiresMs: 300_000, rules: [{ at: { file: "gates.yaml", line: 2 } }] });
  });

  it("lets the gates' approvers decide when nobody satisfies grant and gate", () => {
    const gates =
      "gates:\n  - { gate: g, reason: r, on: { do: [mail:send] }, require: { approve: { by: [finance] } } }\ndefaults:\n  external-send: { off: true, reason: r }\n";
    const decision = decide(loaded({ "gates.yaml": gates }), call("send", { to: "a@b.example", subject: "", body: "" }, { tool: "mail" }));
    expect(decision.approve).toMatchObject({ by: ["finance"], expiresMs: 1_200_000 });
    expect(decision.approve?.rules.map((rule) => rule.id)).toEqual(["mail-customers", "g"]);
  });

  it("draws once from a counter that grant and gate both bound, by the smaller bound", () => {
    const gates =
      "gates:\n  - { gate: slow, reason: r, on: { do: [tickets:update] }, require: { limits: { perMinute: 5, perDay: 100 } } }\n";
    const decision = decide(loaded({ "gates.yaml": gates }), call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket() }));
    expect(decision.limits.map((limit) => [limit.key.split("|").at(-1), limit.max, limit.windowMs, limit.amount, limit.rule.id])).toEqual([
      ["perMinute", 5, 60_000, 1, "slow"],
      ["perHour", 200, 3_600_000, 1, "update-own-region"],
      ["perDay", 100, 86_400_000, 1, "slow"],
    ]);
    expect(decision.maxRecords).toBe(10);
  });

  it("draws the cost of a call from a daily budget", () => {
    const role = (HELPDESK["roles/billing.yaml"] ?? "").replace(
      "    when: context.session",
      "    limits: { costPerDay: 500 }\n    when: context.session",
    );
    const decision = decide(
      loaded({ "roles/billing.yaml": role }),
      call("create_invoice", { customer: "c", amount: 12.5 }, { tool: "billing", caller: BILLING }),
    );
    expect(decision.limits).toMatchObject([{ unit: "cost", max: 500, amount: 12.5, windowMs: 86_400_000 }]);
  });

  it("sets forced arguments from the caller and literals", () => {
    const tools = (HELPDESK["tools/tickets.yaml"] ?? "").replace(
      "force: { tenant: principal.tenant }",
      'force: { tenant: principal.tenant, env: principal.environment, who: user.id, kind: "=open" }',
    );
    const action = findAction(loaded({ "tools/tickets.yaml": tools }), { tool: "tickets", kind: "tool", name: "list_tickets" });
    expect(action && forcedArguments(action, SUPPORT)).toEqual({ tenant: "acme", env: "prod", who: "u-17", kind: "open" });
  });
});

describe("the least demanding grant", () => {
  const role = (more: string): string =>
    `role: base\nreason: r\nallow:\n  - { do: "tickets:close", id: a, approve: { by: [operator] } }\n${more}`;
  const closing = (more: string) =>
    decide(
      loaded({ "roles/base.yaml": role(more), "roles/support.yaml": "role: support\nreason: r\nextends: [base]\n" }),
      call("bulk_close", { ids: ["x"] }),
    );

  it("applies without approval before one with", () => {
    expect(closing("  - { do: tickets:close, id: b, limits: { perMinute: 1 } }\n")).toMatchObject({
      verdict: "allow",
      grants: ["b"],
      limits: [{ max: 1 }],
    });
  });

  it("is the one with fewer limits, then larger ones", () => {
    const more =
      "  - { do: tickets:close, id: b, limits: { perMinute: 1, perHour: 9 } }\n  - { do: tickets:close, id: c, limits: { perMinute: 1 } }\n  - { do: tickets:close, id: d, limits: { perMinute: 2 } }\n";
    expect(closing(more)).toMatchObject({ verdict: "allow", grants: ["d"], limits: [{ max: 2 }] });
  });

  it("shares its class with grants of the same demands only", () => {
    const more =
      "  - { do: tickets:close, id: z, limits: { perMinute: 2 } }\n  - { do: tickets:close, id: d, limits: { perMinute: 2 } }\n  - { do: tickets:close, id: e, limits: { perMinute: 1 } }\n";
    expect(closing(more).grants).toEqual(["d", "z"]);
  });

  it("does not combine the write fields of two grants in one call", () => {
    const support =
      'role: support\nreason: r\nallow:\n  - { do: "tickets:update:status", id: s }\n  - { do: "tickets:update:assignee", id: t }\n';
    const update = (args: JsonObject) =>
      decide(loaded({ "roles/support.yaml": support }), call("update_ticket", { id: "T-1", ...args }, { resource: ticket() }));
    expect(update({ status: "x" }).grants).toEqual(["s"]);
    expect(update({ assignee: "x" }).grants).toEqual(["t"]);
    expect(update({ status: "x", assignee: "y" }).refusal?.code).toBe("field_not_permitted");
  });
});

describe("policies in Cedar", () => {
  const CEDAR = `// comment; with a semicolon
@id("loud-tasks") @reason("no reads for loud tasks; ever")
forbid(principal in Role::"support", action in Action::"tickets:read", resource)
when { context.session.task like "LOUD*" };

@reason("leads may see closed tickets of any region")
permit(principal in Role::"support", action == Action::"tickets.get_ticket", resource is Ticket)
when { resource.status == "closed" };
`;

  it("grant and deny beside the roles, at their own lines", () => {
    const policy = loaded({ "policies/extra.cedar": CEDAR });
    const closed = decide(policy, call("get_ticket", { id: "T-1" }, { resource: ticket({ region: "amer", status: "closed" }) }));
    expect([closed.verdict, closed.rules[0]]).toMatchObject([
      "allow",
      { id: "extra/2", at: { file: "policies/extra.cedar", line: 6 }, reason: "leads may see closed tickets of any region" },
    ]);
    const loud = decide(policy, call("get_ticket", { id: "T-1" }, { resource: ticket(), caller: { ...SUPPORT, task: "LOUD-1" } }));
    expect([loud.refusal?.code, loud.rules[0]]).toMatchObject(["denied_by_rule", { id: "loud-tasks", at: { line: 2 } }]);
  });

  it.each([
    ["no reason", 'permit(principal, action in Action::"tickets:read", resource);', "no-reason"],
    ["every action", '@reason("r") permit(principal, action, resource);', "god-mode"],
    ["an unknown role", '@reason("r") permit(principal in Role::"suport", action in Action::"tickets:read", resource);', "unknown-role"],
    ["an unknown scope", '@reason("r") permit(principal, action in Action::"tickets:raed", resource);', "unknown-action"],
    [
      "an unknown attribute",
      '@reason("r") permit(principal, action in Action::"tickets:read", resource is Ticket) when { resource.nope == 1 };',
      "condition-type",
    ],
    [
      "an impossible condition",
      '@reason("r") permit(principal, action in Action::"tickets:read", resource) when { 1 == 2 };',
      "impossible-condition",
    ],
    ["no end", '@reason("r") permit(principal, action in Action::"tickets:read", resource)', "condition-syntax"],
  ])("are refused with %s", (_, text, code) => {
    expect(() => loaded({ "policies/x.cedar": text })).toThrow(new RegExp(`"code": "${code}"[^}]*policies/x.cedar`));
  });
});

describe("reach", () => {
  const of = (name: string, caller = SUPPORT, tool = "tickets", kind: "tool" | "resource" = "tool") =>
    reach(POLICY, caller, { tool, kind, name });

  it("is never for what a deny, a ceiling, the session or the lack of a grant certainly refuses", () => {
    expect([
      of("delete_ticket"),
      of("create_invoice", SUPPORT, "billing"),
      of("get_invoice", SUPPORT, "billing"),
      of("get_ticket", { ...SUPPORT, scope: [] }),
      of("nothing"),
    ]).toEqual(Array(5).fill("never"));
  });

  it("depends where records, arguments, people or hours decide", () => {
    expect([of("get_ticket"), of("update_ticket"), of("send", SUPPORT, "mail"), of("create_invoice", BILLING, "billing")]).toEqual(
      Array(4).fill("depends"),
    );
  });

  it("is always where nothing about the call can refuse it", () => {
    expect(of("kb://articles/1", SUPPORT, "tickets", "resource")).toBe("always");
  });
});
