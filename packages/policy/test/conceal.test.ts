import { describe, expect, it } from "vitest";
import { concealedFields, concealValue, findAction } from "../src/index.ts";
import type { Policy } from "../src/index.ts";
import { HELPDESK, loaded } from "./support/helpdesk.ts";

const LABELS = "labels: { body: [untrusted], customer.email: [pii], customer.ssn: [pii, secret], internal_notes: [internal] }";
function policy(reveal = "", more: Readonly<Record<string, string>> = {}): Policy {
  return loaded({
    "tools/tickets.yaml": (HELPDESK["tools/tickets.yaml"] ?? "").replace("labels: { body: [untrusted] }", LABELS),
    "bailiwick.yaml": (HELPDESK["bailiwick.yaml"] ?? "").replace("session:\n", `${reveal === "" ? "" : `reveal: ${reveal}\n`}session:\n`),
    ...more,
  });
}
function concealed(of: Policy, name: string, roles: readonly string[], tool = "tickets"): Readonly<Record<string, string>> {
  const action = findAction(of, { tool, kind: "tool", name });
  if (action === undefined) throw new Error(`no action ${name}`);
  return Object.fromEntries(concealedFields(of, action, { roles }));
}

describe("what a person does not see of a record", () => {
  it("is what is `pii` or `secret`, where nobody is named", () => {
    expect(concealed(policy(), "get_ticket", ["support-lead", "operator", "owner"])).toEqual({
      "customer.email": "partial",
      "customer.ssn": "redact",
    });
    expect(concealed(policy("{ pii: [], secret: [] }"), "get_ticket", ["owner"])).toEqual({
      "customer.email": "partial",
      "customer.ssn": "redact",
    });
  });

  it("is nothing of a label for whose roles they hold, and all of it for anybody else", () => {
    const revealing = policy("{ pii: [support-lead] }");
    expect(concealed(revealing, "get_ticket", ["support-lead"])).toEqual({ "customer.ssn": "redact" });
    expect(concealed(revealing, "get_ticket", [])).toEqual({ "customer.email": "partial", "customer.ssn": "redact" });
  });

  it("is what any of several labels hides", () => {
    expect(concealed(policy("{ secret: [support-lead] }"), "get_ticket", ["support-lead"])).toMatchObject({ "customer.ssn": "partial" });
    expect(concealed(policy("{ pii: [finance], secret: [finance] }"), "get_ticket", ["finance"])).toEqual({});
  });

  it("is of another label only when `reveal` speaks of it", () => {
    expect(concealed(policy(), "get_ticket", [])["internal_notes"]).toBeUndefined();
    expect(concealed(policy("{ internal: [support-lead] }"), "get_ticket", [])["internal_notes"]).toBe("redact");
    expect(concealed(policy("{ internal: [support-lead] }"), "get_ticket", ["support-lead"])["internal_notes"]).toBeUndefined();
  });

  it("is the same for every action on such records, whichever of them says so", () => {
    const all = concealed(policy(), "get_ticket", []);
    for (const name of ["update_ticket", "delete_ticket", "list_tickets"]) expect(concealed(policy(), name, [])).toEqual(all);
    expect(concealed(policy(), "bulk_close", [])).toEqual({});
    expect(concealed(policy(), "get_invoice", [], "billing")).toEqual({});
  });

  it("is named where its field stands among the arguments too", () => {
    const tools = (HELPDESK["tools/tickets.yaml"] ?? "")
      .replace("labels: { body: [untrusted] }", LABELS)
      .replace(
        'args: { id: string, "status?": string, "assignee?": string, "priority?": integer }',
        'args: { id: string, set: { "status?": string } }',
      )
      .replace("before: get_ticket }", "before: get_ticket, fields: args.set }");
    const nested = policy("", {
      "tools/tickets.yaml": tools,
      "roles/support.yaml": "role: support\nreason: r\nallow:\n  - do: tickets:update\n",
    });
    expect(concealed(nested, "update_ticket", [])).toEqual({
      "customer.email": "partial",
      "set.customer.email": "partial",
      "customer.ssn": "redact",
      "set.customer.ssn": "redact",
    });
  });
});

describe("a concealed value", () => {
  it("keeps of a text what the mask keeps, and shows no number or boolean in its place", () => {
    expect(concealValue("ana@client.example", "partial")).toBe("a***@client.example");
    expect(concealValue("ana@client.example", "redact")).toBe("[redacted]");
    expect(concealValue({ amount: 5, paid: true, note: null, list: [1, "longer text"] }, "partial")).toEqual({
      amount: "[redacted]",
      paid: "[redacted]",
      note: null,
      list: ["[redacted]", "*******text"],
    });
  });
});
