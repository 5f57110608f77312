import { describe, expect, it } from "vitest";
import { decide } from "../src/index.ts";
import type { Decision, PolicyRefusal } from "../src/index.ts";
import { BILLING, call, loaded, SUPPORT, ticket } from "./support/helpdesk.ts";

const POLICY = loaded();
const withGates = (text: string) => loaded({ "gates.yaml": text });

const REFUSALS: readonly (readonly [string, () => Decision, PolicyRefusal, readonly string[]])[] = [
  [
    "a deny",
    () => decide(POLICY, call("delete_ticket", { id: "T-1" }, { resource: ticket() })),
    {
      code: "denied_by_rule",
      message: "`tickets:delete` is denied by roles/support.yaml:20: support never deletes; no grant can override this",
      next: [{ kind: "ask_owner", owner: "dana", text: "`tickets:delete` is denied by roles/support.yaml:20: support never deletes" }],
    },
    ["never-delete"],
  ],
  [
    "a scope outside the ceiling",
    () => decide(POLICY, call("create_invoice", { customer: "c", amount: 1 }, { tool: "billing", caller: SUPPORT })),
    {
      code: "outside_ceiling",
      message: "`invoices:create` (pay) is outside what this agent may ever do (agents/support.yaml:8); only its owner can change that",
      next: [{ kind: "ask_owner", owner: "dana", text: "`invoices:create` is outside the ceiling at agents/support.yaml:8" }],
    },
    ["helpdesk/support/ceiling"],
  ],
  [
    "a scope outside the session",
    () => decide(POLICY, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, scope: ["mail:send", "tickets:update"] } })),
    {
      code: "outside_session_scope",
      message: "this session was opened for mail:send, tickets:update, which does not include `tickets:read`; open a session that does",
      next: [{ kind: "reauthenticate", scope: "tickets:read" }],
    },
    ["session-scope"],
  ],
  [
    "a session without scopes",
    () => decide(POLICY, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, scope: [] } })),
    {
      code: "outside_session_scope",
      message: "this session was opened for nothing, which does not include `tickets:read`; open a session that does",
      next: [{ kind: "reauthenticate", scope: "tickets:read" }],
    },
    ["session-scope"],
  ],
  [
    "an agent nobody declared",
    () => decide(POLICY, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, agent: "bailiwick://acme/prod/helpdesk/nobody" } })),
    { code: "no_grant", message: "no agent `bailiwick://acme/prod/helpdesk/nobody` is declared; add it to a file in agents/", next: [] },
    ["deny-by-default"],
  ],
  [
    "a caller of another tenant",
    () => decide(POLICY, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, tenant: "globex" } })),
    {
      code: "cross_tenant",
      message: "`bailiwick://acme/prod/helpdesk/support` acts only for its own tenant, environment and workflow; open a session for those",
      next: [{ kind: "reauthenticate" }],
    },
    ["tenant-isolation"],
  ],
  [
    "an action nobody reviewed",
    () => decide(POLICY, call("no_such", {})),
    {
      code: "no_grant",
      message: "`no_such` of `tickets` is not in the catalog; a person must review it first",
      next: [{ kind: "ask_owner", owner: "dana", text: "add `no_such` to tools/tickets.yaml" }],
    },
    ["deny-by-default"],
  ],
  [
    "a scope no role grants",
    () => decide(POLICY, call("get_invoice", { id: "I-1" }, { tool: "billing", caller: SUPPORT })),
    {
      code: "no_grant",
      message: "no role of this agent grants `invoices:read`; do without or ask the agent's owner",
      next: [{ kind: "ask_owner", owner: "dana", text: "`invoices:read` is not granted to `helpdesk/support`" }],
    },
    ["deny-by-default"],
  ],
  [
    "grants whose condition is not met",
    () => decide(POLICY, call("get_invoice", { id: "I-1" }, { tool: "billing", caller: { ...BILLING, task: "" } })),
    {
      code: "no_grant",
      message: "the grants for `invoices:read` do not apply to this call (roles/billing.yaml:5); change the call or ask the agent's owner",
      next: [{ kind: "ask_owner", owner: "dana", text: "`invoices:read` is not granted to `finance/billing`" }],
    },
    ["invoices", "deny-by-default"],
  ],
  [
    "a record of another tenant",
    () => decide(POLICY, call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket({ tenant: "globex" }) })),
    {
      code: "cross_tenant",
      message: "the Ticket is not a record of `acme`; name one of this tenant",
      next: [{ kind: "ask_owner", owner: "dana", text: "which Ticket of `acme` is meant" }],
    },
    ["tenant-isolation"],
  ],
  [
    "a field that no grant may write",
    () => decide(POLICY, call("update_ticket", { id: "T-1", priority: 3, status: "x" }, { resource: ticket() })),
    {
      code: "field_not_permitted",
      message: "`tickets:update` may set `status`, `assignee` but not `priority` (roles/support.yaml:9); leave that out",
      next: [{ kind: "narrow", field: "args", allowed: ["status", "assignee"] }],
    },
    ["update-own-region"],
  ],
  [
    "a record that no grant covers",
    () => decide(POLICY, call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket({ region: "amer" }) })),
    {
      code: "row_not_permitted",
      message: "the grants for `tickets:update` do not cover this Ticket (roles/support.yaml:9); name a record they cover",
      next: [{ kind: "ask_owner", owner: "dana", text: "whether `helpdesk/support` should reach this record" }],
    },
    ["update-own-region", "deny-by-default"],
  ],
  [
    "a record that could not be loaded",
    () => decide(POLICY, call("update_ticket", { id: "T-1", status: "x" })),
    {
      code: "row_not_permitted",
      message:
        "the grants for `tickets:update` do not cover the record, which could not be loaded (roles/support.yaml:9); name a record they cover",
      next: [{ kind: "ask_owner", owner: "dana", text: "whether `helpdesk/support` should reach this record" }],
    },
    ["update-own-region", "deny-by-default"],
  ],
  [
    "more records than the grant permits",
    () => decide(POLICY, call("bulk_close", { ids: Array.from({ length: 11 }, (_, i) => `T-${i}`) })),
    {
      code: "records_exceeded",
      message: "the call touches 11 records and at most 10 are permitted (roles/support.yaml:14); name fewer",
      next: [{ kind: "narrow", field: "args.ids", allowed: [10] }],
    },
    ["support/allow/3"],
  ],
  [
    "an argument nobody declared",
    () => decide(POLICY, call("get_ticket", { id: "T-1", extra: 1 })),
    {
      code: "argument_invalid",
      message: "argument `extra` is not declared in the catalog; correct it and call again",
      next: [{ kind: "narrow", field: "args", allowed: ["id"] }],
    },
    ["typed-arguments"],
  ],
  [
    "an argument of the wrong type",
    () => decide(POLICY, call("get_ticket", { id: 1 })),
    {
      code: "argument_invalid",
      message: "argument `id` must be a text; correct it and call again",
      next: [{ kind: "narrow", field: "id", allowed: [] }],
    },
    ["typed-arguments"],
  ],
  [
    "a record of the wrong type",
    () => decide(POLICY, call("get_ticket", { id: "T-1" }, { resource: { type: "Invoice", id: "x", attributes: {} } })),
    {
      code: "rule_error",
      message: "the loaded record is a `Invoice`, which `get_ticket` does not act on; correct `resource.type` in the catalog",
      next: [{ kind: "ask_owner", owner: "dana", text: "check tools/tickets.yaml" }],
    },
    ["fail-closed"],
  ],
  [
    "a fault inside",
    () => decide(POLICY, call("get_ticket", { id: "T-1" }, { now: new Date(Number.NaN) })),
    {
      code: "rule_error",
      message: "the decision failed: the time of the call is not valid; nothing was permitted, try again or tell the operator",
      next: [{ kind: "retry_after", ms: 1000 }],
    },
    ["fail-closed"],
  ],
  [
    "a closed hour",
    () =>
      decide(
        withGates(
          'gates:\n  - { gate: office, reason: people sleep, on: { do: ["tickets:read"] }, require: { hours: { days: [sun], from: "08:00", to: "09:00", zone: UTC } } }\n',
        ),
        call("get_ticket", { id: "T-1" }, { resource: ticket() }),
      ),
    {
      code: "outside_hours",
      message: "`tickets:read` is not possible at this time (gates.yaml:2: people sleep); try again when the hours are open",
      next: [{ kind: "retry_after", ms: 511200000 }],
    },
    ["office"],
  ],
  [
    "more records than a gate permits",
    () =>
      decide(
        withGates('gates:\n  - { gate: few, reason: few at once, on: { do: ["tickets:close"] }, require: { limits: { records: 2 } } }\n'),
        call("bulk_close", { ids: ["a", "b", "c"] }),
      ),
    {
      code: "records_exceeded",
      message: "the call touches 3 records and at most 2 are permitted (gates.yaml:2); name fewer",
      next: [{ kind: "narrow", field: "args.ids", allowed: [2] }],
    },
    ["few"],
  ],
  [
    "a gate that fails",
    () =>
      decide(
        withGates(
          'gates:\n  - { gate: g, reason: r, on: { do: ["tickets:update"] }, when: resource.tier * 9223372036854775807 > 5, require: { approve: { by: [operator] } } }\n',
        ),
        call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket({ tier: 2 }) }),
      ),
    {
      code: "rule_error",
      message:
        "the rule at gates.yaml:2 could not be evaluated (its condition fails for this call), so the call is refused; check the arguments or ask the owner to correct the rule",
      next: [{ kind: "ask_owner", owner: "dana", text: "correct the rule at gates.yaml:2" }],
    },
    ["g", "fail-closed"],
  ],
];

describe("a refusal says what, why and what to do next, and names the rules that determined it:", () => {
  it.each(REFUSALS)("%s", (_, decided, refusal, rules) => {
    const decision = decided();
    expect(decision).toMatchObject({
      verdict: "deny",
      policyVersion: expect.stringMatching(/^sha256:/),
      grants: [],
      limits: [],
      maxRecords: 0,
    });
    expect(decision.refusal).toEqual(refusal);
    expect(decision.rules.map((rule) => rule.id)).toEqual(rules);
  });
});
