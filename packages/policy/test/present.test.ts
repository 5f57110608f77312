import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decide, present, presentedTypes } from "../src/index.ts";
import type { DecisionRequest, JsonObject, Policy } from "../src/index.ts";
import { call, HELPDESK, loaded, SUPPORT, TICKET } from "./support/helpdesk.ts";

const GET = call("get_ticket", { id: "T-1" });

function role(...allow: readonly string[]): Policy {
  return loaded({ "roles/support.yaml": `role: support\nreason: r\nallow:\n${allow.map((line) => `  - ${line}\n`).join("")}` });
}

function shown(policy: Policy, record: JsonObject = TICKET, request: DecisionRequest = GET) {
  return present(policy, request, decide(policy, request), record, "Ticket", { maskSalt: "salt" });
}

describe("a result record", () => {
  const policy = loaded();

  it("is shown without hidden and with masked fields", () => {
    expect(shown(policy)).toEqual({
      visible: true,
      record: {
        id: "T-1",
        tenant: "acme",
        tier: 1,
        region: "emea",
        status: "open",
        customer: { email: "a***@client.example", ssn: "[redacted]" },
        title: "printer",
      },
      hidden: ["internal_notes"],
      masked: ["customer.email", "customer.ssn"],
    });
  });

  it("is not changed in place", () => {
    const before = structuredClone(TICKET);
    shown(policy);
    expect(TICKET).toEqual(before);
  });

  it("is not visible outside the rows of the grant", () => {
    expect(shown(policy, { ...TICKET, region: "amer" })).toEqual({ visible: false, record: {}, hidden: [], masked: [] });
  });

  it("is not visible when it belongs to another tenant or does not say to which", () => {
    const everything = role("{ do: tickets:read }");
    const { tenant: _, ...unsaid } = TICKET;
    expect([
      shown(everything).visible,
      shown(everything, { ...TICKET, tenant: "globex" }).visible,
      shown(everything, unsaid).visible,
    ]).toEqual([true, false, false]);
  });

  it("is not visible when its rows cannot be evaluated", () => {
    expect(shown(policy, { ...TICKET, tier: "one" }).visible).toBe(false);
  });

  it("is not visible when a deny covers it or fails on it", () => {
    const denying = loaded({
      "roles/support.yaml":
        "role: support\nreason: r\nallow:\n  - { do: tickets:read }\ndeny:\n  - { do: tickets:read, rows: resource.tier > 2 }\n",
    });
    expect([1, 3, "x"].map((tier) => shown(denying, { ...TICKET, tier }).visible)).toEqual([true, false, false]);
  });

  it("is not visible under a refused decision or another version of the policy", () => {
    const decision = decide(policy, GET);
    expect(present(policy, GET, { ...decision, policyVersion: "sha256:0" }, TICKET, "Ticket").visible).toBe(false);
    const refused = call("get_ticket", { id: 1 });
    expect(present(policy, refused, decide(policy, refused), TICKET, "Ticket").visible).toBe(false);
  });

  it("may be empty or hold names of an object's own machinery", () => {
    const everything = role("{ do: tickets:read, fields: { hide: [internal_notes] } }");
    const record = JSON.parse('{"tenant":"acme","__proto__":{"tenant":"globex"},"constructor":"x"}') as JsonObject;
    expect(shown(everything, record).record).toEqual(record);
    expect(shown(everything, {}).visible).toBe(false);
  });
});

describe("fields of several grants", () => {
  it("are hidden only when every grant that shows the record hides them", () => {
    const policy = role(
      "{ do: tickets:read, fields: { hide: [internal_notes, status] } }",
      "{ do: tickets:read, rows: resource.tier == 1, fields: { hide: [internal_notes] } }",
    );
    expect(shown(policy).hidden).toEqual(["internal_notes"]);
    expect(shown(policy, { ...TICKET, tier: 2 }).hidden).toEqual(["internal_notes", "status"]);
  });

  it("take the weakest mask of those grants", () => {
    const policy = role(
      "{ do: tickets:read, fields: { mask: { status: redact } } }",
      "{ do: tickets:read, fields: { mask: { status: hash } } }",
      "{ do: tickets:read, fields: { hide: [status] } }",
    );
    expect(shown(policy).record["status"]).toMatch(/^[0-9a-f]{12}$/);
  });

  it("are shown when one grant leaves them alone", () => {
    expect(shown(role("{ do: tickets:read, fields: { hide: [customer] } }", "{ do: tickets:read }")).record["customer"]).toEqual(
      TICKET["customer"],
    );
  });

  it("a hidden record is a hidden field of it, too", () => {
    const policy = role("{ do: tickets:read, fields: { hide: [customer] } }", "{ do: tickets:read, fields: { hide: [customer.ssn] } }");
    expect(shown(policy)).toMatchObject({ record: { customer: { email: "ana@client.example" } }, hidden: ["customer.ssn"] });
  });

  it("keep what gates hide and mask, whatever the grants say", () => {
    const gates =
      "gates:\n  - { gate: g, reason: r, on: { do: [tickets:read] }, require: { fields: { hide: [customer.ssn], mask: { customer.email: redact } } } }\n";
    const policy = loaded({ "gates.yaml": gates });
    expect(shown(policy)).toMatchObject({
      record: { customer: { email: "[redacted]" } },
      hidden: ["customer.ssn", "internal_notes"],
      masked: ["customer.email"],
    });
  });
});

describe("masks", () => {
  const types = (HELPDESK["tools/tickets.yaml"] ?? "").replace(
    '"customer?": { email: email, "ssn?": string }',
    '"customer?": { email: email, "ssn?": string }\n    "parts?": [{ sku: string, "price?": integer }]',
  );
  const masked = (mask: string, path: string, record: JsonObject) => {
    const policy = loaded({
      "tools/tickets.yaml": types,
      "roles/support.yaml": `role: support\nreason: r\nallow:\n  - { do: tickets:read, fields: { mask: { ${path}: ${mask} } } }\n`,
    });
    return shown(policy, { ...TICKET, ...record });
  };

  it("`partial` keeps the last four characters of a text, none of a short one", () => {
    expect(masked("partial", "status", { status: "DE89370400440532" }).record["status"]).toBe("************0532");
    expect(masked("partial", "status", { status: "secret1" }).record["status"]).toBe("*******");
  });

  it("`hash` depends on the salt", () => {
    expect(masked("hash", "status", { status: "open" }).record["status"]).toBe(
      createHash("sha256").update("4\nsaltopen").digest("hex").slice(0, 12),
    );
  });

  it("look through lists and keep numbers numbers", () => {
    const result = masked("redact", "parts", { parts: [{ sku: "a", price: 9 }, { sku: "b" }] });
    expect(result).toMatchObject({ record: { parts: [{ sku: "[redacted]", price: 0 }, { sku: "[redacted]" }] }, masked: ["parts"] });
    expect(masked("redact", "parts.price", { parts: [{ sku: "a", price: 9 }, { sku: "b" }] }).record["parts"]).toEqual([
      { sku: "a", price: 0 },
      { sku: "b" },
    ]);
  });

  it("leave null and absent fields as they are", () => {
    expect(masked("redact", "status", { status: null }).record["status"]).toBeNull();
    expect(masked("redact", "parts.price", {}).masked).toEqual([]);
  });
});

describe("presentedTypes", () => {
  const KB: DecisionRequest = {
    caller: SUPPORT,
    operation: { tool: "tickets", kind: "resource", name: "kb://articles/1" },
    args: {},
    now: GET.now,
  };

  it("names the types whose records need work", () => {
    const policy = loaded();
    expect([...presentedTypes(policy, GET, decide(policy, GET))]).toEqual(["Ticket"]);
  });

  it("is empty when nothing can be hidden", () => {
    const policy = loaded();
    expect([...presentedTypes(policy, KB, decide(policy, KB))]).toEqual([]);
  });

  it("names a type for its tenant alone", () => {
    const policy = role("{ do: tickets:read }");
    expect([...presentedTypes(policy, GET, decide(policy, GET))]).toEqual(["Ticket"]);
  });
});
