import { describe, expect, it } from "vitest";
import { decide, explain, present, presentedTypes, reach, residual, selects } from "../src/index.ts";
import type { Caller, DecisionRequest, JsonObject } from "../src/index.ts";
import { BILLING, call, loaded, NOW, SUPPORT, TICKET, ticket } from "./support/helpdesk.ts";

const policy = loaded();
const oneTicket: Caller = { ...SUPPORT, rows: [{ Ticket: { id: ["T-1"] } }] };
const as = (caller: Caller, request: DecisionRequest): DecisionRequest => ({ ...request, caller });
const delegated = (delegator: Caller, more: Partial<Caller> = {}): Caller => ({ ...SUPPORT, session: "s-2", delegator, ...more });

describe("a session that was opened for certain records", () => {
  it("reads the record it names, and no other, before anything is sent", () => {
    expect(decide(policy, as(oneTicket, call("get_ticket", { id: "T-1" }))).verdict).toBe("allow");
    const other = decide(policy, as(oneTicket, call("get_ticket", { id: "T-2" })));
    expect(other).toMatchObject({
      verdict: "deny",
      refusal: { code: "outside_session_scope", message: expect.stringContaining("this session was opened for Ticket T-1") },
      rules: [{ id: "session-scope" }],
    });
  });

  it("writes by the loaded record, not by what the call says of it", () => {
    const write = call("update_ticket", { id: "T-1", status: "closed" });
    expect(decide(policy, as(oneTicket, { ...write, resource: ticket() })).verdict).toBe("allow");
    expect(decide(policy, as(oneTicket, { ...write, resource: ticket({ id: "T-2" }) })).refusal?.code).toBe("outside_session_scope");
    expect(decide(policy, as(oneTicket, { ...write, resource: "unknown" })).verdict).toBe("allow");
  });

  it("refuses a write whose other bounds cannot be judged without the record", () => {
    const byRegion: Caller = { ...SUPPORT, rows: [{ Ticket: { region: ["emea"] } }] };
    const write = call("update_ticket", { id: "T-1", status: "closed" });
    expect(decide(policy, as(byRegion, write)).verdict).toBe("deny");
    expect(decide(policy, as(byRegion, { ...write, resource: ticket() })).verdict).toBe("allow");
    expect(decide(policy, as(byRegion, { ...write, resource: ticket({ region: "amer" }) })).verdict).toBe("deny");
  });

  it("sees only these records in a list, and a record without the field is not one of them", () => {
    const request = as(oneTicket, call("list_tickets", { tenant: "acme" }));
    const decision = decide(policy, request);
    const visible = (record: JsonObject): boolean => present(policy, request, decision, record, "Ticket").visible;
    expect([visible(TICKET), visible({ ...TICKET, id: "T-2" }), visible({ ...TICKET, id: ["T-1"] })]).toEqual([true, false, false]);
    const { id: _, ...nameless } = TICKET;
    expect(visible(nameless)).toBe(false);
    expect([...presentedTypes(policy, request, decision)]).toEqual(["Ticket"]);
  });

  it("is pushed down to a database as it filters", () => {
    const { where, matches, complete } = residual(policy, as(oneTicket, call("list_tickets", { tenant: "acme" })));
    for (const record of [TICKET, { ...TICKET, id: "T-2" }, { ...TICKET, tier: 2 }]) expect(selects(where, record)).toBe(matches(record));
    expect(complete).toBe(true);
    const byTier = residual(policy, as({ ...SUPPORT, rows: [{ Ticket: { tier: ["1"] } }] }, call("list_tickets", { tenant: "acme" })));
    expect(byTier.complete).toBe(false);
    expect(byTier.matches({ ...TICKET, tier: 2 })).toBe(false);
  });

  it("cannot do what nobody can judge by record: a batch, a resource, making another one", () => {
    const desk = loaded({
      "tools/desk.yaml": `tool: desk
connect: { mcp: { command: [unused] } }
types: { Card: { id: string } }
actions:
  create_card: { is: "tickets:create", effect: write, args: { title: string }, returns: { type: Card, at: result } }
  find_cards: { is: "tickets:find", effect: read, args: { title: string }, returns: { type: Card, at: result.cards } }
  bulk_drop: { is: "tickets:drop", effect: write, args: { ids: [string] }, batch: args.ids }
resources:
  "card://*": { is: "tickets:card", effect: read }
prompts:
  tell_card: { is: "tickets:tell", effect: read, args: { card: string } }
`,
      "roles/support.yaml": `role: support\nreason: r\nallow:\n${["create", "find", "drop", "card", "tell", "update"].map((name) => `  - do: tickets:${name}\n`).join("")}`,
    });
    const oneCard: Caller = { ...SUPPORT, rows: [{ Card: { id: ["C-1"] } }] };
    const unjudged: readonly DecisionRequest[] = [
      call("create_card", { title: "x" }, { tool: "desk" }),
      call("bulk_drop", { ids: ["C-1", "C-2"] }, { tool: "desk" }),
      { ...call("", {}), operation: { tool: "desk", kind: "resource", name: "card://C-2" } },
      { ...call("tell_card", { card: "C-2" }), operation: { tool: "desk", kind: "prompt", name: "tell_card" } },
    ];
    for (const request of unjudged) {
      expect(decide(desk, request).verdict).toBe("allow");
      expect(decide(desk, as(oneCard, request))).toMatchObject({ verdict: "deny", refusal: { code: "outside_session_scope" } });
      expect(decide(desk, as(delegated(oneCard), request)).refusal?.code).toBe("outside_delegation");
      expect(reach(desk, oneCard, request.operation)).toBe("never");
    }
    const judged = [call("find_cards", { title: "x" }, { tool: "desk" }), call("bulk_close", { ids: ["T-1"] })];
    expect(judged.map((request) => decide(desk, as(oneCard, request)).refusal?.code)).toEqual([undefined, "no_grant"]);
  });

  it("is not bound in types that it does not name", () => {
    expect(decide(policy, as(oneTicket, call("send", { to: "a@acme.example", subject: "s", body: "b" }, { tool: "mail" }))).verdict).toBe(
      "allow",
    );
  });

  it("can do nothing with a bound that no record fits", () => {
    const none: Caller = { ...SUPPORT, rows: [{ Ticket: { id: [] } }] };
    expect(decide(policy, as(none, call("get_ticket", { id: "T-1" }))).verdict).toBe("deny");
  });
});

describe("a delegate", () => {
  it("may do what both it and its delegator may", () => {
    expect(decide(policy, as(delegated(SUPPORT), call("get_ticket", { id: "T-1" }))).verdict).toBe("allow");
  });

  it("cannot use a right of its own that its delegator lacks (confused deputy)", () => {
    const request = as(delegated(BILLING), call("get_ticket", { id: "T-1" }));
    const decision = decide(policy, request);
    expect(decision).toMatchObject({
      verdict: "deny",
      refusal: { code: "outside_delegation", message: expect.stringContaining(`delegated by \`${BILLING.agent}\` (session s-1)`) },
    });
    expect(explain(policy, request, decision)).toMatchObject({
      summary: expect.stringContaining("outside_delegation"),
      wouldChange: [expect.stringContaining("ceiling")],
    });
    expect(reach(policy, delegated(BILLING), { tool: "tickets", kind: "tool", name: "get_ticket" })).toBe("never");
  });

  it("cannot use a right of its delegator that it lacks itself", () => {
    const request = as(
      { ...delegated(SUPPORT), agent: BILLING.agent, workflow: "finance", scope: ["tickets:*"] },
      call("get_ticket", { id: "T-1" }),
    );
    expect(decide(policy, request).refusal?.code).toBe("outside_ceiling");
  });

  it("is bound by the records of every session above it", () => {
    const grandchild = delegated(delegated(oneTicket), { session: "s-3" });
    expect(decide(policy, as(grandchild, call("get_ticket", { id: "T-1" }))).verdict).toBe("allow");
    expect(decide(policy, as(grandchild, call("get_ticket", { id: "T-2" }))).refusal?.code).toBe("outside_delegation");
    const list = as(grandchild, call("list_tickets", { tenant: "acme" }));
    expect(present(policy, list, decide(policy, list), { ...TICKET, id: "T-2" }, "Ticket").visible).toBe(false);
    expect(residual(policy, list).matches({ ...TICKET, id: "T-2" })).toBe(false);
    expect(selects(residual(policy, list).where, { ...TICKET, id: "T-2" })).toBe(false);
  });

  it("waits for a person when its delegator would, and draws from its delegator's counters too", () => {
    const mail = call("send", { to: "a@client.example", subject: "s", body: "b" }, { tool: "mail" });
    const decision = decide(policy, as(delegated(SUPPORT), mail));
    expect(decision).toMatchObject({ verdict: "ask", approve: { by: ["support-lead"] } });
    const otherAgent = { ...SUPPORT, agent: "bailiwick://acme/dev/helpdesk/support", environment: "dev" };
    const keys = decide(
      policy,
      as(delegated(otherAgent), call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket() })),
    ).limits.map(({ key }) => key);
    expect(new Set(keys.map((key) => key.split("|")[1])).size).toBe(2);
    // One agent, one counter: its own narrowing of itself is not counted twice.
    const self = decide(policy, as(delegated(SUPPORT), call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket() })));
    expect(self.limits.map(({ key }) => key)).toEqual([...new Set(self.limits.map(({ key }) => key))]);
  });

  it("is refused at the hour at which its delegator is", () => {
    const night = new Date("2026-11-22T10:00:00Z");
    const pay = call("create_invoice", { customer: "c", amount: 1 }, { tool: "billing", now: night });
    expect(decide(policy, as({ ...BILLING, delegator: BILLING }, { ...pay, now: NOW })).verdict).toBe("ask");
    expect(decide(policy, as({ ...BILLING, delegator: BILLING }, pay)).verdict).toBe("deny");
  });
});
