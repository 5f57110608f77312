import { decide, type DecisionRequest, findAction, type JsonObject, load, type Policy } from "@bailiwick/policy";
import { expect, test } from "vitest";
import { pushedArguments } from "../../src/call/views.ts";

function policyWith(allow: readonly object[], effect = "read"): Policy {
  const result = load([
    {
      path: "bailiwick.yaml",
      text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  ada: { name: Ada, email: a@acme.example, tenants: [acme], roles: [operator] }\n",
    },
    {
      path: "tools/things.yaml",
      text: `tool: things\nconnect: { mcp: { command: [x] } }\ntypes:\n  Thing: { id: string, region: string, open: boolean, tier: integer }\nactions:\n  list: { is: "things:read", effect: ${effect}, args: { "region?": string, "open?": boolean, "tier?": integer }, returns: { type: Thing, at: result.things }, push: { region: args.region, open: args.open, tier: args.tier }, reviewed: "sha256:${"0".repeat(64)}" }\n`,
    },
    {
      path: "roles/worker.yaml",
      text: JSON.stringify({ role: "worker", reason: "r", allow: allow.map((each) => ({ do: "things:read", ...each })) }),
    },
    {
      path: "agents/w.yaml",
      text: 'agent: w\nworkflow: w\nowner: ada\ntenants: [acme]\nenvironments: [prod]\nroles: [worker]\nattributes: { region: emea }\nceiling: { allow: ["things:*"] }\n',
    },
  ]);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.policy;
}

function pushed(policy: Policy, args: JsonObject = {}): JsonObject | undefined {
  const operation = { tool: "things", kind: "tool", name: "list" } as const;
  const common = {
    tenant: "acme",
    environment: "prod",
    workflow: "w",
    user: "u",
    session: "s",
    task: "T-1",
    data: {},
    scope: ["things:*"],
  };
  const request: DecisionRequest = {
    caller: { ...common, agent: "bailiwick://acme/prod/w/w" },
    operation,
    args,
    now: new Date("2026-11-23T10:00:00Z"),
  };
  const action = findAction(policy, operation);
  if (action === undefined) throw new Error("the action is declared");
  return pushedArguments({ action, args, policy, request, decision: decide(policy, request) });
}

test("a field that has one value in all visible records is asked of the tool", () => {
  const policy = policyWith([{ rows: "resource.region == principal.region && resource.open && resource.tier == 1" }]);
  expect(pushed(policy)).toEqual({ region: "emea", open: true, tier: 1 });
});

test("what the agent asks for itself is left as it is", () => {
  const policy = policyWith([{ rows: "resource.region == principal.region" }]);
  expect(pushed(policy, { region: "apac" })).toBeUndefined();
});

test("grants that show records of several values push none", () => {
  const rows = ['resource.region == "emea"', 'resource.region == "apac"'].map((each) => ({ rows: each }));
  expect(pushed(policyWith(rows))).toBeUndefined();
  expect(pushed(policyWith([{ rows: 'resource.region == "emea" || resource.tier == 1' }]))).toBeUndefined();
});

test("grants that agree on a value push it, whatever else they say", () => {
  const policy = policyWith([
    { rows: 'resource.region == "emea" && resource.tier == 1' },
    { rows: 'resource.region == "emea" && resource.tier == 2' },
  ]);
  expect(pushed(policy)).toEqual({ region: "emea" });
});

test("a call that is more than a read is sent as it was permitted", () => {
  expect(pushed(policyWith([{ rows: 'resource.region == "emea"' }], "export"))).toBeUndefined();
});
