import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decide, present } from "../src/index.ts";
import type { Caller, JsonObject, Policy } from "../src/index.ts";
import { planOf, treat } from "../src/present/treat-fields.ts";
import { call, loaded, SUPPORT, TICKET } from "./support/helpdesk.ts";

const hashed = (text: string): string => createHash("sha256").update(`1\ns${text}`).digest("hex").slice(0, 12);

function shown(policy: Policy, record: JsonObject, caller: Caller = SUPPORT) {
  const request = call("get_ticket", { id: "T-1" }, { caller });
  return present(policy, request, decide(policy, request), record, "Ticket", { maskSalt: "s" });
}

function masking(mask: string): Policy {
  return loaded({
    "roles/support.yaml": `role: support\nreason: r\nallow:\n  - { do: tickets:read, fields: { mask: ${mask} } }\n`,
  });
}

describe("a value is masked once", () => {
  it("where a rule speaks of a field and of what it lies in", () => {
    const { record, masked } = shown(masking("{ customer: partial, customer.ssn: hash }"), TICKET);
    expect(record["customer"]).toEqual({ email: "a***@client.example", ssn: hashed("078-05-1120") });
    expect(masked).toEqual(["customer", "customer.ssn"]);
  });

  it("and none is left out because its key looks like a path that a rule names", () => {
    const plan = planOf(
      new Map([
        ["customer", "redact"],
        ["customer.address.street", "hash"],
      ]),
    );
    const customer = {
      "address.street": "x",
      address: { street: "y", city: "z" },
      "address.": { street: "x" },
      list: [{ "address.street": "x" }],
    };
    expect(treat({ customer }, plan, { salt: "s" }).record).toEqual({
      customer: {
        "address.street": "[redacted]",
        address: { street: hashed("y"), city: "[redacted]" },
        "address.": { street: "[redacted]" },
        list: [{ "address.street": "[redacted]" }],
      },
    });
  });

  it("by a gate that is about the delegator only", () => {
    const policy = loaded({
      "agents/lead.yaml":
        'agent: lead\nworkflow: helpdesk\nowner: dana\ntenants: [acme]\nenvironments: [prod]\nroles: [support]\nattributes: { region: emea, level: 9 }\nceiling: { allow: ["tickets:*"] }\n',
      "roles/support.yaml": "role: support\nreason: r\nallow:\n  - { do: tickets:read }\n",
      "gates.yaml":
        "gates:\n  - { gate: g, reason: r, on: { do: [tickets:read] }, when: principal has level && principal.level == 9, require: { fields: { mask: { status: hash } } } }\n",
    });
    const lead = { ...SUPPORT, agent: "bailiwick://acme/prod/helpdesk/lead", session: "s-0" };
    expect(shown(policy, TICKET, { ...SUPPORT, delegator: lead }).record["status"]).toBe(hashed("open"));
    expect(shown(policy, TICKET, lead).record["status"]).toBe(hashed("open"));
    expect(shown(policy, TICKET).record["status"]).toBe("open");
  });
});
