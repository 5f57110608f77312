import { describe, expect, it } from "vitest";
import { decide, explain, present, presentedTypes, reach, residual, selects } from "../src/index.ts";
import type { Caller, Decision, DecisionRequest } from "../src/index.ts";
import { placeOf, sessionOf } from "../src/decide/session.ts";
import { findAction } from "../src/index.ts";
import { call, NOW, SUPPORT, TICKET, ticket } from "./support/helpdesk.ts";
import { elevated, elevation, eligiblePolicy, REFUNDS } from "./support/elevations.ts";

const POLICY = eligiblePolicy();
const invoice = (caller: Caller, now = NOW): DecisionRequest => call("get_invoice", { id: "I-1" }, { tool: "billing", caller, now });
const update = (caller: Caller, args: Readonly<Record<string, string>> = { status: "x" }, region = "amer"): DecisionRequest =>
  call("update_ticket", { id: "T-1", ...args }, { caller, resource: ticket({ region }) });
const verdict = (request: DecisionRequest, policy = POLICY): string => {
  const decision = decide(policy, request);
  return decision.refusal?.code ?? decision.verdict;
};
const later = (ms: number): Date => new Date(NOW.getTime() + ms);

describe("an elevation", () => {
  it("gives the grants of its role, and the decision names it", () => {
    expect(verdict(invoice(SUPPORT))).toBe("no_grant");
    expect(decide(POLICY, invoice(elevated()))).toMatchObject({ verdict: "allow", grants: ["look-up"], elevations: ["elv_1"] });
  });

  it("brings the denies of its role as well", () => {
    const mail = (caller: Caller) => call("send", { to: "a@acme.example", subject: "s", body: "b" }, { tool: "mail", caller });
    expect(verdict(mail(SUPPORT))).toBe("allow");
    expect(decide(POLICY, mail(elevated()))).toMatchObject({ verdict: "deny", rules: [{ id: "no-mail-while-refunding" }] });
    expect(verdict(mail(elevated(elevation({ scope: ["invoices:*"] }))))).toBe("allow");
  });

  it("ends at its time to the millisecond, for the same caller object", () => {
    const caller = elevated(elevation({ until: later(1000) }));
    expect([0, 999, 1000, 1001].map((ms) => verdict(invoice(caller, later(ms))))).toEqual(["allow", "allow", "no_grant", "no_grant"]);
    expect(verdict(invoice(caller))).toBe("allow");
  });

  it("counts for nothing with a time that is none", () => {
    expect(verdict(invoice(elevated(elevation({ until: new Date(Number.NaN) }))))).toBe("no_grant");
  });

  it("counts only within its scopes", () => {
    expect(verdict(invoice(elevated(elevation({ scope: ["invoices:read"] }))))).toBe("allow");
    expect(verdict(invoice(elevated(elevation({ scope: ["invoices:*"] }))))).toBe("allow");
    expect(verdict(invoice(elevated(elevation({ scope: ["tickets:*"] }))))).toBe("no_grant");
    expect(verdict(invoice(elevated(elevation({ scope: ["no scope", "*"] }))))).toBe("no_grant");
  });

  it("counts in the field form only for calls that set that field and no other", () => {
    const caller = elevated(elevation({ scope: ["tickets:update:priority"] }));
    const priority = call("update_ticket", { id: "T-1", priority: 1 }, { caller, resource: ticket() });
    expect(verdict(priority)).toBe("allow");
    expect(verdict({ ...priority, args: { id: "T-1", priority: 1, status: "x" } })).toBe("field_not_permitted");
    expect(verdict(update(caller, { status: "x" }))).toBe("row_not_permitted");
  });

  it("to a role that is not among the agent's `eligible` counts for nothing", () => {
    expect(verdict(invoice(elevated(elevation({ role: "billing" }))))).toBe("no_grant");
    const gone = eligiblePolicy({ "agents/support.yaml": (REFUNDS["agents/support.yaml"] ?? "").replace(/eligible:[^]*/, "") });
    expect(verdict(invoice(elevated()), gone)).toBe("no_grant");
  });

  it("is bounded by the ceiling, the session's scope, the agent's own denies, its tenant and its records", () => {
    const wide = eligiblePolicy({
      "roles/refunds.yaml": (REFUNDS["roles/refunds.yaml"] ?? "").replace(
        "deny:",
        "  - do: invoices:create\n    id: make\n  - do: tickets:delete\n    id: drop\ndeny:",
      ),
    });
    const make = call("create_invoice", { customer: "c", amount: 1 }, { tool: "billing", caller: elevated() });
    expect(verdict(make, wide)).toBe("outside_ceiling");
    expect(verdict(invoice({ ...elevated(), scope: ["tickets:*"] }), wide)).toBe("outside_session_scope");
    expect(verdict(call("delete_ticket", { id: "T-1" }, { caller: elevated(), resource: ticket() }), wide)).toBe("denied_by_rule");
    expect(verdict({ ...update(elevated()), resource: ticket({ tenant: "globex" }) })).toBe("cross_tenant");
    expect(verdict(update({ ...elevated(), rows: [{ Ticket: { id: ["T-2"] } }] }))).toBe("outside_session_scope");
  });

  it("is under the gates", () => {
    const gates = 'gates:\n  - { gate: look, reason: r, on: { do: ["invoices:read"] }, require: { approve: { by: [support-lead] } } }\n';
    expect(decide(eligiblePolicy({ "gates.yaml": gates }), invoice(elevated()))).toMatchObject({
      verdict: "ask",
      elevations: ["elv_1"],
      approve: { rules: [{ id: "look" }] },
    });
  });

  it("makes the agent be in its role for every rule, within scope and time", () => {
    const gate =
      'gates:\n  - { gate: watched, reason: r, on: { do: ["tickets:update"] }, when: \'principal in Role::"refunds"\', require: { approve: { by: [support-lead] } } }\n';
    const watched = eligiblePolicy({ "gates.yaml": gate });
    const own = update(SUPPORT, { status: "x" }, "emea");
    expect(verdict(own, watched)).toBe("allow");
    const asked = decide(watched, { ...own, caller: elevated() });
    expect([asked.verdict, asked.elevations]).toEqual(["ask", ["elv_1"]]);
    expect(verdict({ ...own, caller: elevated(elevation({ scope: ["invoices:*"] })) }, watched)).toBe("allow");
    expect(verdict({ ...own, caller: elevated(), now: later(3_600_000) }, watched)).toBe("allow");
  });

  it("lets a `.cedar` policy for its role speak, and is named for it", () => {
    const cedar = {
      "policies/refunds.cedar":
        '@id("by-cedar") @reason("r")\npermit (principal in Role::"refunds", action in Action::"tickets:close", resource);\n',
      "roles/support.yaml": "role: support\nreason: r\nextends: [base]\nallow:\n  - { do: tickets:read, id: own }\n",
    };
    const close = call("bulk_close", { ids: ["T-1"] });
    const policy = eligiblePolicy(cedar);
    expect(verdict(close, policy)).toBe("no_grant");
    expect(decide(policy, { ...close, caller: elevated() })).toMatchObject({ grants: ["by-cedar"], elevations: ["elv_1"] });
  });
});

describe("the elevations that a decision names", () => {
  it("are none where the agent's own grants give the same", () => {
    const own = call("bulk_close", { ids: ["T-1"] });
    expect(decide(POLICY, { ...own, caller: elevated() })).toEqual(decide(POLICY, own));
    expect(decide(POLICY, { ...own, caller: elevated() }).elevations).toBeUndefined();
  });

  it("are those whose grants apply together with the agent's own, since they show records too", () => {
    const list = call("list_tickets", { tenant: "acme" });
    const decision = decide(POLICY, { ...list, caller: elevated() });
    expect(decision.grants).toEqual(["read-any-region", "read-own-region"]);
    expect(decision.elevations).toEqual(["elv_1"]);
  });

  it("are the one that lasts longest of several that give the same", () => {
    const caller = elevated(elevation({ id: "long", until: later(9000) }), elevation({ id: "short", until: later(5000) }));
    expect(decide(POLICY, invoice(caller)).elevations).toEqual(["long"]);
    expect(decide(POLICY, invoice(elevated(...(caller.elevations ?? []).toReversed()))).elevations).toEqual(["long"]);
  });

  it("are only those that this call needs", () => {
    const two = eligiblePolicy({
      "roles/closing.yaml": "role: closing\nreason: r\nallow:\n  - { do: tickets:close, id: close }\n",
      "agents/support.yaml": `${REFUNDS["agents/support.yaml"] ?? ""}  - { role: closing, most: 1h, reason: r, approve: { by: [support-lead] } }\n`,
    });
    const caller = elevated(elevation(), elevation({ id: "elv_2", role: "closing" }));
    expect(decide(two, invoice(caller)).elevations).toEqual(["elv_1"]);
  });
});

describe("what an elevation shows", () => {
  const request = (caller: Caller): DecisionRequest => call("list_tickets", { tenant: "acme" }, { caller });
  const foreign = { ...TICKET, region: "amer" };
  const shown = (caller: Caller, now = NOW) => {
    const asked = { ...request(caller), now };
    return present(POLICY, asked, decide(POLICY, asked), foreign, "Ticket");
  };

  it("is its rows, with the fields of its grant", () => {
    expect(shown(SUPPORT).visible).toBe(false);
    expect(shown(elevated())).toMatchObject({ visible: true, hidden: ["internal_notes"], masked: [] });
    expect(shown(elevated(), later(3_600_000)).visible).toBe(false);
  });

  it("is pushed down to a database, exactly", () => {
    const { where, matches, complete } = residual(POLICY, request(elevated()));
    expect(complete).toBe(true);
    for (const [record, seen] of [
      [foreign, true],
      [{ ...foreign, tier: 2 }, false],
      [TICKET, true],
    ] as const)
      expect([selects(where, record), matches(record)]).toEqual([seen, seen]);
    expect(residual(POLICY, request(SUPPORT)).matches(foreign)).toBe(false);
  });

  it("needs `present` as the rules of any role do", () => {
    expect([...presentedTypes(POLICY, request(elevated()), decide(POLICY, request(elevated())))]).toEqual(["Ticket"]);
  });
});

describe("what an elevated session can reach", () => {
  const operation = { tool: "billing", kind: "tool", name: "get_invoice" } as const;

  it("depends, since it ends, and is never without", () => {
    expect(reach(POLICY, SUPPORT, operation)).toBe("never");
    expect(reach(POLICY, elevated(), operation)).toBe("depends");
    expect(reach(POLICY, elevated(elevation({ scope: ["tickets:*"] })), operation)).toBe("never");
  });

  it("depends where only a deny of its role refuses all, since it ends", () => {
    const silent = eligiblePolicy({ "roles/refunds.yaml": `${REFUNDS["roles/refunds.yaml"] ?? ""}  - do: knowledge:read\n    id: none\n` });
    const article = { tool: "tickets", kind: "resource", name: "kb://articles/1" } as const;
    expect(reach(silent, SUPPORT, article)).toBe("always");
    expect(reach(silent, elevated(), article)).toBe("depends");
    expect(decide(silent, { ...invoice(elevated()), operation: article, args: {} }).verdict).toBe("deny");
  });
});

describe("a delegate's elevation", () => {
  const delegate = (own: Caller, delegator: Caller): Caller => ({ ...own, session: "s-2", delegator });

  it("gives nothing that its delegator lacks, and its delegator's gives it nothing", () => {
    expect(verdict(invoice(delegate(elevated(), SUPPORT)))).toBe("outside_delegation");
    expect(verdict(invoice(delegate(SUPPORT, elevated())))).toBe("no_grant");
  });

  it("counts when both have one, and the decision names both", () => {
    const decision = decide(POLICY, invoice(delegate(elevated(), elevated(elevation({ id: "elv_9" })))));
    expect([decision.verdict, decision.elevations]).toEqual(["allow", ["elv_1", "elv_9"]]);
  });

  it("is a next step only for the agent that lacks it", () => {
    const same = decide(POLICY, invoice(delegate(elevated(), SUPPORT)));
    expect(same.refusal?.next.map(({ kind }) => kind)).toContain("request_elevation");
    const dev: Caller = { ...elevated(), agent: "bailiwick://acme/dev/helpdesk/support", environment: "dev" };
    const other = decide(POLICY, invoice(delegate(dev, SUPPORT)));
    expect(other.refusal?.code).toBe("outside_delegation");
    expect(other.refusal?.next.map(({ kind }) => kind)).not.toContain("request_elevation");
  });
});

describe("a refusal", () => {
  const next = (request: DecisionRequest): Decision["refusal"] => decide(POLICY, request).refusal;

  it("names an elevation that would let the call through", () => {
    expect(next(invoice(SUPPORT))).toMatchObject({
      code: "no_grant",
      message: "no role of this agent grants `invoices:read`; do without or ask for an elevation",
      next: [{ kind: "request_elevation", scope: "invoices:read" }, { kind: "ask_owner" }],
    });
    expect(next(update(SUPPORT))).toMatchObject({
      code: "row_not_permitted",
      message: expect.stringMatching(/; name a record they cover or ask for an elevation$/),
      next: [{ kind: "request_elevation", scope: "tickets:update" }, { kind: "ask_owner" }],
    });
    expect(next(call("update_ticket", { id: "T-1", priority: 1 }, { resource: ticket() }))).toMatchObject({
      code: "field_not_permitted",
      next: [{ kind: "narrow" }, { kind: "request_elevation", scope: "tickets:update" }],
    });
  });

  it.each([
    ["no role would permit the call", call("get_article", { id: "x" }, { tool: "tickets" })],
    ["the role covers neither", update(SUPPORT, { assignee: "x" })],
    ["the role's rows leave the record out", { ...update(SUPPORT), resource: ticket({ region: "amer", tier: 2 }) }],
    ["the agent has the role already", { ...update(elevated()), resource: ticket({ region: "amer", tier: 2 }) }],
    ["a deny of the agent's own refuses", call("delete_ticket", { id: "T-1" }, { resource: ticket() })],
  ] as const)("names none where %s", (_, request) => {
    expect(next(request)).toBeDefined();
    expect(next(request)?.next.map(({ kind }) => kind)).not.toContain("request_elevation");
    expect(next(request)?.message).not.toContain("elevation");
  });

  it("is explained by the role that would turn it, and an elevated yes by its elevation", () => {
    const refused = explain(POLICY, update(SUPPORT), decide(POLICY, update(SUPPORT)));
    expect(refused.wouldChange).toContain(
      "would be allowed with the role `refunds`, which this agent may ask for (agents/support.yaml:10)",
    );
    const allowed = explain(POLICY, update(elevated()), decide(POLICY, update(elevated())));
    expect(allowed.summary).toBe("`tickets:update` is allowed by any-region (roles/refunds.yaml:7), with the elevation `elv_1`");
  });
});

describe("the place of an action for an elevated session", () => {
  const at = (caller: Caller, ...roles: readonly string[]) => {
    const session = sessionOf(POLICY, caller);
    const action = findAction(POLICY, { tool: "tickets", kind: "tool", name: "get_ticket" });
    if ("code" in session || action === undefined) throw new Error("the folder knows both");
    return placeOf(
      session,
      action,
      session.elevations.filter(({ elevation: { role } }) => roles.includes(role)),
    );
  };

  it("is shared by all sessions of the agent with the same role, and not with the others", () => {
    expect(at(elevated(), "refunds")).toBe(at({ ...elevated(elevation({ id: "elv_7" })), session: "s-9" }, "refunds"));
    expect(at(elevated(), "refunds")).not.toBe(at(SUPPORT));
    expect(at(elevated())).toBe(at(SUPPORT));
  });
});
