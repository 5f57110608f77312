import { describe, expect, it } from "vitest";
import { decide, obligationsOf } from "../src/index.ts";
import type { DecisionRequest, Policy } from "../src/index.ts";
import { call, loaded, SUPPORT, ticket } from "./support/helpdesk.ts";

const GET = call("get_ticket", { id: "T-1" });

const role = (...allow: readonly string[]): Policy =>
  loaded({ "roles/support.yaml": `role: support\nreason: r\nallow:\n${allow.map((line) => `  - ${line}\n`).join("")}` });
const demanded = (policy: Policy, request: DecisionRequest = GET): readonly string[] =>
  obligationsOf(policy, request, decide(policy, request));

describe("obligations", () => {
  it("of a read say that records are filtered, and fields hidden and masked", () => {
    expect(demanded(loaded())).toEqual(["filter", "hide", "mask"]);
  });

  it("name the filter alone where only the tenant of a record counts", () => {
    expect(demanded(role("{ do: tickets:read }"))).toEqual(["filter"]);
  });

  it("are none where nothing has to be done", () => {
    expect(demanded(loaded(), { ...GET, operation: { tool: "tickets", kind: "resource", name: "kb://articles/1" }, args: {} })).toEqual([]);
  });

  it("name approval, counters and the bound on records", () => {
    const policy = role("{ do: tickets:update, approve: { by: [support-lead], expires: 30m }, limits: { perHour: 5, records: 2 } }");
    expect(demanded(policy, call("update_ticket", { id: "T-1", status: "solved" }, { resource: ticket() }))).toEqual([
      "approve",
      "limit",
      "records",
      "filter",
    ]);
  });

  it("name the hours of a gate that is open", () => {
    const policy = loaded({
      "roles/support.yaml": "role: support\nreason: r\nallow:\n  - { do: tickets:read }\n",
      "gates.yaml": `gates:
  - gate: office
    reason: people are there
    on: { do: ["tickets:read"] }
    require: { hours: { days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "23:59", zone: UTC } }
`,
    });
    expect(demanded(policy)).toEqual(["filter", "hours"]);
  });

  it("are also those of the delegator, whose rules bound what is shown", () => {
    const policy = role("{ do: tickets:read, fields: { hide: [internal_notes] } }");
    const caller = { ...SUPPORT, session: "ses_below", delegator: SUPPORT };
    expect(demanded(policy, { ...GET, caller })).toEqual(["filter", "hide"]);
  });

  it("are none of a call that is denied", () => {
    expect(demanded(loaded(), call("get_ticket", { id: "T-1", more: 1 }))).toEqual([]);
    expect(demanded(role("{ do: tickets:update }"))).toEqual([]);
  });
});
