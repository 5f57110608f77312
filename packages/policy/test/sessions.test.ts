import { describe, expect, it } from "vitest";
import { decide, reach } from "../src/index.ts";
import type { Caller, Decision, Policy } from "../src/index.ts";
import { call, HELPDESK, loaded, SUPPORT, ticket } from "./support/helpdesk.ts";

/** What sessions of one agent may differ in, one that meets the condition first. */
const DIFFERENT: readonly (readonly [condition: string, meets: Partial<Caller>, misses: Partial<Caller>])[] = [
  ['context.session.task == "T-1"', { task: "T-1" }, { task: "T-2" }],
  ['context.session.id == "s-1"', { session: "s-1" }, { session: "s-2" }],
  ['context.user.id == "u-17"', { user: "u-17" }, { user: "u-18" }],
  ["context.session.data has ticket", { data: { ticket: "x" } }, { data: {} }],
  ['context.session.data has ticket && context.session.data.ticket == "x"', { data: { ticket: "x" } }, { data: { ticket: "y" } }],
  ['context.session.task == "T-1" && context.environment == "prod"', { task: "T-1" }, { task: "T-2" }],
  ['context.session.task like "T-1*" && principal.region == "emea"', { task: "T-10" }, { task: "T-2" }],
  ['[context.session].contains(context.session) && context.session.id == "s-1"', {}, { session: "s-2" }],
];

const ALLOW = "  - { do: tickets:update, id: g }\n";

/** Folders in which a condition of each kind of rule decides, and what is decided where it is met and where it is missed. */
const PLACES: readonly (readonly [place: string, folder: (when: string) => Policy, met: string, missed: string])[] = [
  ["a grant", (when) => role(`  - { do: tickets:update, id: g, when: '${when}' }\n`), "allow", "no_grant"],
  ["the rows of a grant", (when) => role(`  - { do: tickets:update, id: g, rows: '${when}' }\n`), "allow", "row_not_permitted"],
  ["a deny", (when) => role(`${ALLOW}deny:\n  - { do: tickets:update, id: d, when: '${when}' }\n`), "denied_by_rule", "allow"],
  ["the rows of a deny", (when) => role(`${ALLOW}deny:\n  - { do: tickets:update, id: d, rows: '${when}' }\n`), "denied_by_rule", "allow"],
  [
    "an exception from approval",
    (when) => role(`  - { do: tickets:update, id: g, approve: { by: [operator], unless: '${when}' } }\n`),
    "allow",
    "ask",
  ],
  ["a gate", (when) => gate(`when: '${when}', require: { approve: { by: [operator] } }`), "ask", "allow"],
  [
    "the ceiling of an agent",
    (when) => {
      const agent = (HELPDESK["agents/support.yaml"] ?? "").replace("effects: [read,", `when: '${when}', effects: [read,`);
      return loaded({ "agents/support.yaml": agent, ...support(ALLOW) });
    },
    "allow",
    "outside_ceiling",
  ],
];

function support(allow: string): Readonly<Record<string, string>> {
  return { "roles/support.yaml": `role: support\nreason: r\nallow:\n${allow}` };
}

function role(allow: string): Policy {
  return loaded(support(allow));
}

function gate(rest: string): Policy {
  return loaded({ ...support(ALLOW), "gates.yaml": `gates:\n  - { gate: x, reason: r, on: { do: [tickets:update] }, ${rest} }\n` });
}

const asked = (policy: Policy, caller: Caller): Decision =>
  decide(policy, call("update_ticket", { id: "T-1", status: "x" }, { caller, resource: ticket() }));
const outcome = (decision: Decision): string => decision.refusal?.code ?? decision.verdict;

describe("what one session knows never answers for another of the same agent", () => {
  describe.each(PLACES)("in %s", (_, folder, met, missed) => {
    it.each(DIFFERENT)("%s", (condition, meets, misses) => {
      const [one, other] = [
        { ...SUPPORT, ...meets },
        { ...SUPPORT, ...misses },
      ];
      for (const order of [
        [one, other, one],
        [other, one, other],
      ]) {
        const policy = folder(condition);
        // The same object for the calls of one session, and a copy of it for the next session with the same facts.
        for (const caller of [...order, ...order.map((each) => ({ ...each }))])
          expect(outcome(asked(policy, caller))).toBe(
            caller.task === one.task && caller.user === one.user && sameRest(caller, one) ? met : missed,
          );
      }
    });
  });
});

function sameRest(a: Caller, b: Caller): boolean {
  return a.session === b.session && JSON.stringify(a.data) === JSON.stringify(b.data);
}

describe("one session object asked of several policies", () => {
  it("is judged by each of them", () => {
    const caller = { ...SUPPORT };
    const [open, closed] = [role(ALLOW), role(`  - { do: tickets:update, id: g, when: 'context.session.task == "T-2"' }\n`)];
    for (const [policy, expected] of [
      [open, "allow"],
      [closed, "no_grant"],
      [open, "allow"],
    ] as const)
      expect(outcome(asked(policy, caller))).toBe(expected);
  });

  it("is refused by each that does not know its agent, and known by the others", () => {
    const caller = { ...SUPPORT };
    const without = loaded({ "agents/support.yaml": undefined });
    expect(outcome(asked(without, caller))).toBe("no_grant");
    expect(outcome(asked(role(ALLOW), caller))).toBe("allow");
  });
});

describe("a session whose data cannot be read", () => {
  const bad = { ...SUPPORT, data: { ticket: 1 } };

  it("is refused alone: others of the agent go on", () => {
    const policy = role(ALLOW);
    for (const [caller, expected] of [
      [SUPPORT, "allow"],
      [bad, "argument_invalid"],
      [{ ...SUPPORT }, "allow"],
      [bad, "argument_invalid"],
    ] as const)
      expect(outcome(asked(policy, caller))).toBe(expected);
  });

  it("reaches nothing, and is told which datum it is", () => {
    const policy = role(ALLOW);
    expect(reach(policy, bad, { tool: "tickets", kind: "tool", name: "update_ticket" })).toBe("never");
    expect(asked(policy, bad).refusal?.message).toContain("`session.data.ticket` must be a text");
  });
});

describe("a session reaches", () => {
  const reached = (policy: Policy, changes: Partial<Caller> = {}) =>
    reach(policy, { ...SUPPORT, ...changes }, { tool: "tickets", kind: "tool", name: "bulk_close" });
  const closing = (rest: string, gates = ""): Policy =>
    loaded({
      "bailiwick.yaml": (HELPDESK["bailiwick.yaml"] ?? "").replace('"ticket?": string', '"level?": integer'),
      "gates.yaml": `defaults:\n  bulk: { off: true, reason: r }\n${gates}`,
      ...support(`  - { do: tickets:close, id: g${rest} }\n`),
    });
  const denying = (rest: string): Policy => closing(` }\ndeny:\n  - { do: tickets:close, id: d${rest}`);
  const open = ", when: '(context.session.task == \"T-1\" || context.records > 5) && context.records < 3'";
  const failing = ", when: context.session.data has level && context.session.data.level * 9223372036854775807 > 0";
  const task = ", when: 'context.session.task == \"T-1\"'";

  it.each<[string, () => string, string]>([
    ["what a grant permits without conditions", () => reached(closing("")), "always"],
    ["what a grant's condition on the session leaves, for certain", () => reached(closing(task)), "always"],
    ["nothing where the condition on the session is missed", () => reached(closing(task), { task: "T-2" }), "never"],
    ["what depends on the call", () => reached(closing(", when: context.records > 1")), "depends"],
    ["what depends on the call as far as the session lets it", () => reached(closing(open)), "depends"],
    ["nothing where the session leaves a condition that no call can meet", () => reached(closing(open), { task: "T-2" }), "never"],
    ["what a deny on the session leaves", () => reached(denying(task), { task: "T-2" }), "always"],
    ["nothing where a deny on the session is met", () => reached(denying(task)), "never"],
    ["what a deny on the call leaves", () => reached(denying(", when: context.records > 1")), "depends"],
    ["nothing where a deny fails for the whole session", () => reached(denying(failing), { data: { level: 2 } }), "never"],
    ["what a deny that could have failed leaves", () => reached(denying(failing)), "always"],
    ["what an approval leaves", () => reached(closing(", approve: { by: [operator] }")), "depends"],
    ["what a gate on the session leaves", () => reached(closing("", gateOn(task))), "depends"],
    ["all where a gate's condition on the session is missed", () => reached(closing("", gateOn(task)), { task: "T-2" }), "always"],
    ["nothing where a gate fails for the whole session", () => reached(closing("", gateOn(failing)), { data: { level: 2 } }), "never"],
    ["nothing where a grant fails for the whole session", () => reached(closing(failing), { data: { level: 2 } }), "never"],
  ])("%s", (_, find, expected) => expect(find()).toBe(expected));

  function gateOn(rest: string): string {
    return `gates:\n  - { gate: x, reason: r, on: { do: [tickets:close] }${rest}, require: { approve: { by: [operator] } } }\n`;
  }
});
