import { describe, expect, it } from "vitest";
import { decide, explain } from "../src/index.ts";
import type { DecisionRequest } from "../src/index.ts";
import { BILLING, call, HELPDESK, loaded, SUPPORT, ticket } from "./support/helpdesk.ts";

const POLICY = loaded();

function explained(request: DecisionRequest, policy = POLICY) {
  return explain(policy, request, decide(policy, request));
}

describe("explain", () => {
  it("says which part of an almost matching grant is not true, and the one change that would make it true", () => {
    const result = explained(call("get_ticket", { id: "T-1" }, { resource: ticket({ region: "amer" }) }));
    expect(result.unmatched.map((entry) => [entry.rule.id, entry.because])).toEqual([
      ["read-own-region", "not true: `resource.region == principal.region`"],
    ]);
    expect(result.wouldChange).toEqual(["would be allowed if `resource.region` were `emea` (roles/support.yaml:5)"]);
  });

  it("names all parts that would have to change together", () => {
    const result = explained(call("get_ticket", { id: "T-1" }, { resource: ticket({ region: "amer", tier: 3 }) }));
    expect(result.wouldChange).toEqual([
      "would be allowed if `resource.tier` were `1` and `resource.region` were `emea` (roles/support.yaml:5)",
    ]);
  });

  it("does not promise what another rule still refuses", () => {
    const role = (HELPDESK["roles/support.yaml"] ?? "") + '  - { do: tickets:read, id: never, rows: resource.status == "open" }\n';
    const policy = loaded({ "roles/support.yaml": role });
    const result = explained(call("get_ticket", { id: "T-1" }, { resource: ticket({ region: "amer" }) }), policy);
    expect(result.wouldChange.filter((text) => text.startsWith("would be allowed"))).toEqual([]);
  });

  it("says below what amount a deny would not apply", () => {
    const result = explained(call("create_invoice", { customer: "c", amount: 20_000 }, { tool: "billing", caller: BILLING }));
    expect(result.wouldChange).toContain(
      "would be held for approval instead of refused if `context.args.amount` were at most `10000` (roles/billing.yaml:9)",
    );
  });

  it("says what would spare the approval", () => {
    const policy = loaded({ "gates.yaml": "defaults:\n  external-send: { off: true, reason: r }\n" });
    const result = explained(call("send", { to: "a@client.example", subject: "", body: "" }, { tool: "mail" }), policy);
    expect(result.wouldChange).toEqual(["would be allowed if `context.args.to.domain` were `acme.example` (roles/support.yaml:16)"]);
    expect(result.summary).toContain("waits for a person with the role `support-lead`");
  });

  it("names the line to add when no role has the scope", () => {
    const result = explained(call("get_invoice", { id: "I-1" }, { tool: "billing" }));
    expect(result.wouldChange).toEqual(["add `- do: invoices:read` to `allow` of a role of this agent (`support`)"]);
  });

  it("names the ceiling to widen, the session to open and the time to wait for", () => {
    const pay = (caller = BILLING, now?: Date) =>
      explained(call("create_invoice", { customer: "c", amount: 1 }, { tool: "billing", caller, ...(now === undefined ? {} : { now }) }))
        .wouldChange;
    expect(pay(SUPPORT)).toEqual(["add `invoices:create` and its effect `pay` to the ceiling at agents/support.yaml:8"]);
    expect(pay({ ...BILLING, scope: ["invoices:read"] })).toEqual(["open the session with a scope that includes `invoices:create`"]);
    expect(pay(BILLING, new Date("2026-11-22T10:00:00Z"))).toEqual(["would be decided otherwise from 2026-11-23T07:00:00.000Z"]);
  });

  it("names the fields to leave out and the number of records to name", () => {
    expect(explained(call("update_ticket", { id: "T-1", status: "x", priority: 2 }, { resource: ticket() })).wouldChange).toEqual([
      "would be allowed without `priority`",
    ]);
    expect(explained(call("bulk_close", { ids: Array.from({ length: 12 }, String) })).wouldChange).toEqual([
      "name at most 10 records in `args.ids`",
    ]);
  });

  it("says which rules allow", () => {
    const result = explained(call("get_ticket", { id: "T-1" }, { resource: ticket() }));
    expect(result).toMatchObject({ summary: "`tickets:read` is allowed by read-own-region (roles/support.yaml:5)", wouldChange: [] });
  });

  it("takes whole Cedar policies apart as well", () => {
    const policy = loaded({
      "roles/support.yaml": "role: support\nreason: r\n",
      "policies/x.cedar":
        '@reason("r") permit(principal in Role::"support", action in Action::"tickets:read", resource is Ticket)\nwhen { resource.tier <= 2 }\nunless { resource.status == "closed" };',
    });
    const result = explained(call("get_ticket", { id: "T-1" }, { resource: ticket({ tier: 5 }) }), policy);
    expect(result.wouldChange).toEqual(["would be allowed if `resource.tier` were at most `2` (policies/x.cedar:1)"]);
  });

  it("survives a call that cannot be judged", () => {
    for (const request of [
      call("nothing", {}),
      call("get_ticket", { id: 5 }),
      call("get_ticket", {}, { caller: { ...SUPPORT, agent: "x" } }),
    ]) {
      expect(explained(request).summary).toContain("is refused");
    }
  });
});
