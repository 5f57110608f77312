import { describe, expect, it } from "vitest";
import { decide } from "../src/index.ts";
import type { Decision, JsonObject, Policy } from "../src/index.ts";
import { call, HELPDESK, loaded, ticket } from "./support/helpdesk.ts";

/** The helpdesk, whose `update_ticket` is declared so; support may write `status`. */
function updating(args: string, resource: string): Policy {
  const tools = (HELPDESK["tools/tickets.yaml"] ?? "")
    .replace('args: { id: string, "status?": string, "assignee?": string, "priority?": integer }', `args: ${args}`)
    .replace("resource: { type: Ticket, id: args.id, before: get_ticket }\n    returns", `resource: ${resource}\n    returns`);
  return loaded({
    "tools/tickets.yaml": tools,
    "roles/support.yaml":
      "role: support\nreason: r\nallow:\n  - { do: tickets:read }\n  - { do: tickets:update, fields: { write: [status] } }\n",
  });
}

function update(policy: Policy, args: JsonObject): Decision {
  return decide(policy, call("update_ticket", args, { resource: ticket() }));
}

function verdicts(policy: Policy, ...calls: readonly JsonObject[]): readonly string[] {
  return calls.map((args) => {
    const { verdict, refusal } = update(policy, args);
    return refusal?.code ?? verdict;
  });
}

const RECORD = "{ type: Ticket, id: args.id, before: get_ticket }";
const CHANGES = "{ type: Ticket, id: args.id, before: get_ticket, fields: args.changes }";

describe("an allowlist of written fields holds", () => {
  it("for arguments, also for one that is null", () => {
    const policy = updating('{ id: string, "status?": string, "priority?": integer }', RECORD);
    expect(verdicts(policy, { id: "T-1", status: "x" }, { id: "T-1", status: "x", priority: 1 }, { id: "T-1", priority: null })).toEqual([
      "allow",
      "field_not_permitted",
      "field_not_permitted",
    ]);
  });

  it("against names that only look like a permitted one", () => {
    const policy = updating("{ id: string, changes: any }", CHANGES);
    const names = ["Status", "status ", "ѕtatus", "status.x", "constructor", ""];
    expect(verdicts(policy, ...names.map((name) => ({ id: "T-1", changes: { [name]: "x" } })))).toEqual(
      names.map(() => "field_not_permitted"),
    );
  });

  it("for the keys of the declared object, whatever their values are", () => {
    const policy = updating("{ id: string, changes: any }", CHANGES);
    const changes: readonly JsonObject[] = [
      { status: "x" },
      { status: { priority: 1 } },
      { priority: null },
      { priority: { status: "x" } },
    ];
    expect(verdicts(policy, ...changes.map((each) => ({ id: "T-1", changes: each })))).toEqual([
      "allow",
      "allow",
      "field_not_permitted",
      "field_not_permitted",
    ]);
  });

  it("for each object of a list where the catalog names an object", () => {
    const policy = updating("{ id: string, changes: any }", CHANGES);
    expect(
      verdicts(
        policy,
        { id: "T-1", changes: [{ status: "x" }, { status: "y" }] },
        { id: "T-1", changes: [{ status: "x" }, { priority: 1 }] },
        { id: "T-1", changes: [[{ priority: 1 }]] },
      ),
    ).toEqual(["allow", "field_not_permitted", "field_not_permitted"]);
  });

  it("for what has no keys, such as a text that the tool reads for itself", () => {
    const policy = updating("{ id: string, changes: any }", CHANGES);
    expect(verdicts(policy, { id: "T-1", changes: '{"priority":1}' }, { id: "T-1", changes: ["priority=1"] })).toEqual([
      "field_not_permitted",
      "field_not_permitted",
    ]);
  });

  it("for what stands beside the id in one object", () => {
    const policy = updating(
      '{ ticket: { id: string, "priority?": integer }, "status?": string }',
      "{ type: Ticket, id: args.ticket.id, before: get_ticket, beforeArgs: { id: args.ticket.id } }",
    );
    expect(
      verdicts(
        policy,
        { ticket: { id: "T-1" }, status: "x" },
        { ticket: { id: "T-1", priority: 1 } },
        { ticket: { id: "T-1", priority: null } },
      ),
    ).toEqual(["allow", "field_not_permitted", "field_not_permitted"]);
  });

  it("against arguments that the catalog does not declare", () => {
    const policy = updating('{ id: string, "status?": string }', RECORD);
    expect(verdicts(policy, { id: "T-1", status: "x", priority: 1 })).toEqual(["argument_invalid"]);
    const nested = updating('{ id: string, changes: { "status?": string } }', CHANGES);
    expect(verdicts(nested, { id: "T-1", changes: { status: "x", assignee: "y" } })).toEqual(["argument_invalid"]);
  });
});
