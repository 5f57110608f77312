import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BUILTIN } from "../src/decide/builtin-rules.ts";
import { decide, present } from "../src/index.ts";
import type { Decision, JsonObject } from "../src/index.ts";
import { DEFAULT_GATES } from "../src/load/default-gates.ts";
import { BILLING, call, loaded, SUPPORT, TICKET, ticket } from "./support/helpdesk.ts";

const outcome = (decision: Decision) => [decision.verdict, decision.refusal?.code];

function supportRole(...allow: readonly string[]): Readonly<Record<string, string>> {
  return { "roles/support.yaml": `role: support\nreason: r\nallow:\n${allow.map((line) => `  - ${line}\n`).join("")}` };
}

describe("a grant", () => {
  it("does not grant when its condition is false", () => {
    const reading = (task: string) =>
      decide(loaded(), call("get_invoice", { id: "I-1" }, { tool: "billing", caller: { ...BILLING, task } }));
    expect(outcome(reading("T-1"))).toEqual(["allow", undefined]);
    expect(outcome(reading(""))).toEqual(["deny", "no_grant"]);
  });

  it.each([10, 11])("with ten records permits ten and refuses eleven: %i", (count) => {
    const decision = decide(loaded(), call("bulk_close", { ids: Array.from({ length: count }, String) }));
    expect(outcome(decision)).toEqual(count === 10 ? ["allow", undefined] : ["deny", "records_exceeded"]);
  });

  const plain = "{ do: tickets:close, id: z-plain, limits: { perMinute: 1, perHour: 2 } }";
  const approved = "{ do: tickets:close, id: a-approved, approve: { by: [operator] } }";

  it.each([
    ["first", [plain, approved]],
    ["last", [approved, plain]],
  ])("without approval applies before one with approval when it is written %s", (_, allow) => {
    const decision = decide(loaded(supportRole(...allow)), call("bulk_close", { ids: ["x"] }));
    expect([decision.verdict, decision.grants, decision.approve]).toEqual(["allow", ["z-plain"], undefined]);
  });
});

describe("a gate", () => {
  it.each([10, 11])("with ten records permits ten and refuses eleven: %i", (count) => {
    const gates = "gates:\n  - { gate: few, reason: r, on: { do: [tickets:close] }, require: { limits: { records: 10 } } }\n";
    const policy = loaded({ "gates.yaml": gates, ...supportRole("{ do: tickets:close }") });
    const decision = decide(policy, call("bulk_close", { ids: Array.from({ length: count }, String) }));
    expect(outcome(decision)).toEqual(count === 10 ? ["allow", undefined] : ["deny", "records_exceeded"]);
  });

  it("that masks a field does not show what the grants hide", () => {
    const gates =
      "gates:\n  - { gate: g, reason: r, on: { do: [tickets:read] }, require: { fields: { mask: { internal_notes: partial } } } }\n";
    const policy = loaded({ "gates.yaml": gates });
    const request = call("get_ticket", { id: "T-1" });
    const shown = present(policy, request, decide(policy, request), TICKET, "Ticket", { maskSalt: "salt" });
    expect([shown.visible, shown.hidden, shown.masked.includes("internal_notes")]).toEqual([true, ["internal_notes"], false]);
    expect(shown.record).not.toHaveProperty("internal_notes");
  });

  describe("over a record that is not known yet", () => {
    const GATE =
      'gates:\n  - { gate: g, reason: r, on: { do: ["tickets:update"] }, when: resource.status == "closed", require: { hours: { days: [sun], from: "08:00", to: "09:00", zone: Europe/Berlin } } }\n';
    const update = (resource: ReturnType<typeof ticket> | "unknown" | undefined, allow: string) =>
      outcome(
        decide(loaded({ "gates.yaml": GATE, ...supportRole(allow) }), call("update_ticket", { id: "T-1", status: "x" }, { resource })),
      );

    it("does not refuse for certain", () => {
      const allow = "{ do: tickets:update }";
      expect(update(ticket({ status: "closed" }), allow)).toEqual(["deny", "outside_hours"]);
      expect(update("unknown", allow)).toEqual(["allow", undefined]);
      expect(update(undefined, allow)).toEqual(["deny", "rule_error"]);
    });

    it("does not grant", () => {
      expect(update("unknown", "{ do: tickets:close }")).toEqual(["deny", "no_grant"]);
    });
  });
});

describe("a session for one field", () => {
  it("refuses a call that writes another field as well", () => {
    const update = (args: JsonObject) =>
      outcome(
        decide(
          loaded(),
          call("update_ticket", { id: "T-1", ...args }, { resource: ticket(), caller: { ...SUPPORT, scope: ["tickets:update:status"] } }),
        ),
      );
    expect(update({ status: "x" })).toEqual(["allow", undefined]);
    expect(update({ status: "x", assignee: "y" })).toEqual(["deny", "outside_session_scope"]);
  });
});

describe("the document of the policy folder", () => {
  const document = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

  it.each(Object.values(BUILTIN))("defines $id at the line that decisions name", (rule) => {
    const line = document(rule.at.file).split("\n")[rule.at.line - 1];
    expect(line).toContain(`<a id="${rule.id}"></a>\`${rule.id}\`:`);
  });

  it("lists exactly the gates that ship on", () => {
    const [, after = ""] = document("docs/spec/policy-files.md").split("The gates that ship on;");
    const [, listed] = /```yaml\n(.*?)```/su.exec(after) ?? [];
    expect(listed).toBe(DEFAULT_GATES);
  });
});
