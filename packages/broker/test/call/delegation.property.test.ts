import { decide, load, present, type Decision, type DecisionRequest, type JsonObject, type Policy, type RowBound } from "@bailiwick/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { callerOf } from "../../src/call/agent-of.ts";
import { restricted } from "../../src/call/restrict.ts";
import { delegate } from "../../src/domain/delegation.ts";
import type { Session } from "../../src/domain/session.ts";
import { PLAIN } from "../plain-session.ts";

const POLICIES = 50;
const TREES_EACH = 210;
const NOW = new Date("2026-11-26T10:00:00Z");
const AGENTS = ["lead", "worker", "writer", "auditor"] as const;
const SCOPES = ["tickets:*", "tickets:read", "tickets:update", "tickets:update:status", "tickets:delete", "health:ping"] as const;
const RECORDS: readonly JsonObject[] = ["T-1", "T-2", "T-3"].flatMap((id, tier) =>
  ["emea", "amer"].map((region) => ({ id, tenant: "acme", region, tier, status: "open", notes: "n", ssn: "123-45-6789" })),
);

const CATALOG = `tool: tickets
connect: { mcp: { command: [unused] } }
types: { Ticket: { id: string, tenant: string, region: string, tier: integer, status: string, notes: string, ssn: string } }
tenantField: { Ticket: tenant }
actions:
  get_ticket: { is: "tickets:read", effect: read, args: { id: string }, resource: { type: Ticket, id: args.id }, returns: { type: Ticket, at: result } }
  list_tickets: { is: "tickets:read", effect: read, args: {}, returns: { type: Ticket, at: result.tickets } }
  update_ticket: { is: "tickets:update", effect: write, args: { id: string, "status?": string, "region?": string }, resource: { type: Ticket, id: args.id, before: get_ticket }, returns: { type: Ticket, at: result } }
  delete_ticket: { is: "tickets:delete", effect: delete, args: { id: string }, resource: { type: Ticket, id: args.id, before: get_ticket } }
  ping: { is: "health:ping", effect: read, args: {} }
`;

const grant = fc.record(
  {
    do: fc.constantFrom("tickets:read", "tickets:update", "tickets:update:status", "tickets:delete", "health:ping"),
    when: fc.constantFrom(
      'context.session.task == "T-1"',
      "context.session has data && context.session.data has ticket",
      'principal.region == "emea"',
    ),
    approve: fc.constant({ by: ["boss"] }),
    limits: fc.record({ perHour: fc.integer({ min: 1, max: 9 }), records: fc.integer({ min: 1, max: 5 }) }, { requiredKeys: [] }),
  },
  { requiredKeys: ["do"] },
);
const withRows = fc
  .tuple(
    grant,
    fc.option(fc.constantFrom('resource.region == "emea"', "resource.tier < 2", "resource.region == principal.region")),
    fc.subarray(["notes", "status"]),
  )
  .map(([rule, rows, hide]) =>
    rule.do === "health:ping"
      ? rule
      : { ...rule, ...(rows === null ? {} : { rows }), ...(hide.length === 0 || rule.do === "tickets:delete" ? {} : { fields: { hide } }) },
  );
const roleRules = fc.record({
  allow: fc.array(withRows, { minLength: 2, maxLength: 6 }),
  deny: fc.array(fc.record({ do: fc.constantFrom("tickets:delete", "tickets:update"), rows: fc.constant("resource.tier == 2") }), {
    maxLength: 1,
  }),
});

function policyOf(roles: readonly object[]): Policy {
  const files = [
    {
      path: "bailiwick.yaml",
      text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople: { dana: { name: D, email: d@x.example, tenants: [acme], roles: [boss] } }\nsession: { data: { 'ticket?': string } }\n",
    },
    { path: "tools/tickets.yaml", text: CATALOG },
    { path: "gates.yaml", text: "defaults:\n  delete: { off: true, reason: the grants ask }\ngates: []\n" },
    ...AGENTS.flatMap((agent, index) => [
      { path: `roles/${agent}.yaml`, text: JSON.stringify({ role: agent, reason: "r", ...roles[index] }) },
      {
        path: `agents/${agent}.yaml`,
        text: JSON.stringify({
          agent,
          workflow: "desk",
          owner: "dana",
          tenants: ["acme"],
          environments: ["prod"],
          roles: [agent],
          attributes: { region: index % 2 === 0 ? "emea" : "amer" },
          ceiling: { allow: ["tickets:*", "health:*"] },
        }),
      },
    ]),
  ];
  const loaded = load(files);
  if (!loaded.ok) throw new Error(loaded.diagnostics.map((each) => `${each.at.file}:${each.at.line} ${each.what} ${each.why}`).join("\n"));
  return loaded.policy;
}

const rows: fc.Arbitrary<readonly RowBound[]> = fc.array(
  fc.record({
    Ticket: fc.record(
      { id: fc.subarray(["T-1", "T-2", "T-3"]), region: fc.subarray(["emea", "amer"], { minLength: 1 }) },
      { requiredKeys: [] },
    ),
  }),
  { maxLength: 1 },
);
/** One session of a tree: which earlier one it comes from, and what it asks of it. */
const node = fc.record({
  parent: fc.nat(5),
  agent: fc.constantFrom(...AGENTS),
  scope: fc.option(fc.subarray([...SCOPES], { minLength: 1 }), { nil: undefined }),
  data: fc.constantFrom({}, { ticket: "T-1" }),
  rows,
  restrict: fc.option(fc.record({ scope: fc.subarray([...SCOPES], { minLength: 1 }) }), { nil: undefined }),
});
const tree = fc.record({
  rootAgent: fc.constantFrom(...AGENTS),
  rootScope: fc.subarray([...SCOPES], { minLength: 1 }),
  rootRows: rows,
  nodes: fc.array(node, { minLength: 1, maxLength: 5 }),
});
type Tree = typeof tree extends fc.Arbitrary<infer T> ? T : never;

const name = (agent: string): string => `bailiwick://acme/prod/desk/${agent}`;

function rootOf({ rootAgent, rootScope, rootRows }: Tree): Session {
  const expiresAt = new Date(NOW.getTime() + 60_000);
  return {
    ...PLAIN,
    id: "ses_0",
    tenant: "acme",
    environment: "prod",
    workflow: "desk",
    agent: name(rootAgent),
    user: "ana",
    task: "T-1",
    data: {},
    scope: rootScope,
    rows: rootRows,
    issuedAt: NOW,
    expiresAt,
  };
}

/** The sessions of a tree, as far as delegation gives them; each but the root knows its delegator. */
function sessionsOf(plan: Tree): readonly Session[] {
  const sessions: Session[] = [rootOf(plan)];
  for (const [index, wish] of plan.nodes.entries()) {
    const delegator = sessions[wish.parent % sessions.length];
    if (delegator === undefined) continue;
    const given = delegate(delegator, {
      ...wish,
      agent: name(wish.agent),
      tenant: "acme",
      environment: "prod",
      limits: {},
      binding: { kind: "bearer" },
    });
    if ("error" in given) continue;
    const child: Session = { ...delegator, ...given, id: `ses_${index + 1}`, agent: name(wish.agent), delegator };
    sessions.push(child, ...(wish.restrict === undefined ? [] : [restricted(child, wish.restrict)]));
  }
  return sessions;
}

const calls: readonly Omit<DecisionRequest, "caller" | "now">[] = [
  ...RECORDS.flatMap((record) => {
    const resource = { type: "Ticket", id: String(record["id"]), attributes: record };
    return [
      { operation: { tool: "tickets", kind: "tool" as const, name: "get_ticket" }, args: { id: resource.id } },
      {
        operation: { tool: "tickets", kind: "tool" as const, name: "update_ticket" },
        args: { id: resource.id, status: "closed" },
        resource,
      },
      { operation: { tool: "tickets", kind: "tool" as const, name: "update_ticket" }, args: { id: resource.id, region: "apac" }, resource },
      { operation: { tool: "tickets", kind: "tool" as const, name: "delete_ticket" }, args: { id: resource.id }, resource },
    ];
  }),
  { operation: { tool: "tickets", kind: "tool", name: "list_tickets" }, args: {} },
  { operation: { tool: "tickets", kind: "tool", name: "ping" }, args: {} },
];

const RANK = { deny: 0, ask: 1, allow: 2 } as const;

/** What the session may do judged alone, as if nobody had delegated to it: the other side of the definition. */
function alone(policy: Policy, session: Session, call: Omit<DecisionRequest, "caller" | "now">): Decision {
  const { delegator: _, ...own } = callerOf(session);
  return decide(policy, { ...call, caller: own, now: NOW });
}

function chain(session: Session): readonly Session[] {
  return session.delegator === undefined ? [session] : [session, ...chain(session.delegator)];
}

function check(policy: Policy, session: Session, call: Omit<DecisionRequest, "caller" | "now">): void {
  const { delegator } = session;
  if (delegator === undefined) return;
  const asked: DecisionRequest = { ...call, caller: callerOf(session), now: NOW };
  const above: DecisionRequest = { ...call, caller: callerOf(delegator), now: NOW };
  const [child, parent] = [decide(policy, asked), decide(policy, above)];
  if (RANK[child.verdict] > RANK[parent.verdict]) expect.fail(`${child.verdict} for the delegate, ${parent.verdict} for its delegator`);
  const verdicts = chain(session).map((each) => RANK[alone(policy, each, call).verdict]);
  if (RANK[child.verdict] !== Math.min(...verdicts)) expect.fail(`${child.verdict}, but alone ${verdicts.join(", ")}`);
  for (const record of RECORDS) {
    const seen = present(policy, asked, child, record, "Ticket");
    if (!seen.visible) continue;
    const shown = present(policy, above, parent, record, "Ticket");
    if (!shown.visible) expect.fail("the delegate sees a record that its delegator does not");
    for (const field of Object.keys(seen.record))
      if (!Object.hasOwn(shown.record, field)) expect.fail(`the delegate sees \`${field}\`, its delegator does not`);
  }
}

/** Ten thousand trees take half a minute on a busy machine. */
const SLOW_MS = 180_000;

test(
  "what is allowed to a delegate is allowed to its delegator, and seen by it, in 10,500 random trees of delegations",
  () => {
    let delegations = 0;
    let trees = 0;
    const verdicts = { allow: 0, ask: 0, deny: 0 };
    const seeds = fc.sample(
      fc.tuple(fc.array(roleRules, { minLength: AGENTS.length, maxLength: AGENTS.length }), fc.noShrink(fc.integer())),
      { numRuns: POLICIES, seed: 20_261_126 },
    );
    for (const [roles, seed] of seeds) {
      const policy = policyOf(roles);
      fc.assert(
        fc.property(tree, fc.shuffledSubarray([...calls], { minLength: 3, maxLength: 6 }), (plan, asked) => {
          trees += 1;
          for (const session of sessionsOf(plan)) {
            if (session.delegator !== undefined) delegations += 1;
            for (const call of asked) {
              check(policy, session, call);
              verdicts[decide(policy, { ...call, caller: callerOf(session), now: NOW }).verdict] += 1;
            }
          }
        }),
        { numRuns: TREES_EACH, seed },
      );
    }
    expect(trees).toBeGreaterThanOrEqual(10_000);
    // Trees in which nothing is delegated, or everything refused, would prove nothing.
    expect(delegations).toBeGreaterThan(10_000);
    expect(Math.min(verdicts.allow, verdicts.ask, verdicts.deny)).toBeGreaterThan(1_000);
  },
  SLOW_MS,
);
