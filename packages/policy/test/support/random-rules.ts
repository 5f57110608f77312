import fc from "fast-check";
import { load } from "../../src/index.ts";
import type { DecisionRequest, JsonObject, Policy, PolicyFile } from "../../src/index.ts";
import { call, files, HELPDESK, SUPPORT, TICKET, ticket } from "./helpdesk.ts";

const when = fc.constantFrom(
  'context.session.task == "T-1"',
  'context.session.task != "T-1"',
  'context.session.task like "T-*"',
  'context.environment == "prod"',
  'principal.environment == "dev"',
  'principal.region == "emea"',
  'principal.region == "amer" || context.session.task == "T-2"',
  "context.records > 1",
);
const rows = fc.constantFrom(
  "resource.tier == 1",
  "resource.tier > 1",
  "resource.tier <= 2",
  'resource.region == "amer"',
  "resource.region == principal.region",
  "!(resource.tier == 1 || resource.tier > 2)",
);
const scope = fc.constantFrom("tickets:read", "tickets:update");
const limits = fc.record({ records: fc.integer({ min: 1, max: 3 }) });
const approve = fc.constant({ by: ["support-lead"] });
const write = fc.subarray(["status", "assignee"], { minLength: 1 });
const parts = { when, rows, limits, approve };
const grant = fc.oneof(
  fc.record({ do: fc.constant("tickets:read"), ...parts }, { requiredKeys: ["do"] }),
  fc.record({ do: fc.constant("tickets:update"), ...parts, fields: fc.record({ write }) }, { requiredKeys: ["do"] }),
);
const deny = fc.record(
  { do: fc.oneof(scope, fc.constantFrom("tickets:update:status", "tickets:update:assignee")), when, rows },
  { requiredKeys: ["do"] },
);

/** Two grants of one scope, of which one asks. */
export const rivals = fc
  .record({
    do: scope,
    asking: fc.record({ when, rows }, { requiredKeys: [] }),
    wide: fc.record({ when, rows, limits }, { requiredKeys: [] }),
  })
  .map(({ do: name, asking, wide }) => [
    { do: name, ...asking, approve: { by: ["support-lead"] } },
    { do: name, ...wide },
  ]);

export interface Rules {
  readonly grants: readonly object[];
  readonly denies: readonly object[];
  readonly inherited: readonly object[];
  readonly ceiling: string;
}
export const rules: fc.Arbitrary<Rules> = fc.record({
  grants: fc.array(grant, { minLength: 1, maxLength: 3 }),
  denies: fc.array(deny, { maxLength: 3 }),
  inherited: fc.array(grant, { maxLength: 2 }),
  ceiling: fc.constantFrom(
    '{ allow: ["tickets:*"] }',
    '{ allow: ["tickets:read"] }',
    '{ allow: ["tickets:*"], effects: [write] }',
    `{ allow: ["tickets:*"], when: 'context.session.task != "T-1"' }`,
  ),
});

/** JSON is YAML, so generated rules are written as JSON. */
export function folder({ grants, denies, inherited, ceiling }: Rules): readonly PolicyFile[] {
  const named = (list: readonly object[], name: string) => list.map((entry, index) => ({ id: `${name}-${String(index)}`, ...entry }));
  return files({
    "roles/support.yaml": JSON.stringify({
      role: "support",
      reason: "r",
      extends: ["base"],
      allow: named(grants, "own"),
      deny: named(denies, "deny"),
    }),
    "roles/base.yaml": JSON.stringify({ role: "base", reason: "r", allow: named(inherited, "base") }),
    "agents/support.yaml": (HELPDESK["agents/support.yaml"] ?? "").replace(/ceiling: .*/, `ceiling: ${ceiling}`),
    "gates.yaml": undefined,
    "tools/billing.yaml": undefined,
    "tools/mail.yaml": undefined,
    "roles/billing.yaml": undefined,
    "agents/billing.yaml": undefined,
  });
}

export function policyOf(set: Rules): Policy | undefined {
  const result = load(folder(set));
  return result.ok ? result.policy : undefined;
}

const record = fc.record({ tier: fc.integer({ min: 0, max: 3 }), region: fc.constantFrom("emea", "amer") });
const caller = fc
  .tuple(fc.constantFrom("prod", "dev"), fc.constantFrom("T-1", "T-2", "X"))
  .map(([environment, task]) => ({ ...SUPPORT, environment, agent: SUPPORT.agent.replace("prod", environment), task }));
const request: fc.Arbitrary<{ readonly asked: DecisionRequest; readonly body: JsonObject }> = fc
  .tuple(record, caller, write, fc.constantFrom("get", "list", "update"))
  .map(([attributes, from, names, kind]) => {
    const body = { ...TICKET, ...attributes };
    if (kind === "list") return { asked: call("list_tickets", { tenant: "acme" }, { caller: from }), body };
    if (kind === "get") return { asked: call("get_ticket", { id: "T-1" }, { caller: from }), body };
    const args = { id: "T-1", ...Object.fromEntries(names.map((name) => [name, "x"])) };
    return { asked: call("update_ticket", args, { caller: from, resource: ticket(attributes) }), body };
  });
export const requests = fc.array(request, { minLength: 12, maxLength: 12 });
