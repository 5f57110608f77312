import { describe, expect, it } from "vitest";
import { cedarGeneration, EngineFault, withCedar } from "../../src/cedar/cedar-instance.ts";
import { decide, load, present, reach } from "../../src/index.ts";
import type { Decision, Json, JsonObject, Policy } from "../../src/index.ts";
import { when } from "../support/cedar-oracle.ts";
import { BILLING, call, files, HELPDESK, loaded, SUPPORT, TICKET, ticket } from "../support/helpdesk.ts";

/** What a program may hand over where the types promise JSON. */
// unsafe: the wrong forms are the point
const outside = (value: unknown): never => value as never;

/** Support with a deny over an argument of every kind, and one over the record. */
const TOOL = (HELPDESK["tools/tickets.yaml"] ?? "").replace(
  'args: { id: string, "status?": string, "assignee?": string, "priority?": integer }',
  'args: { id: string, "status?": string, "labels?": [string], "who?": email, "more?": { "deep?": [{ "n?": integer }] }, "free?": any, "toString?": string }',
);
const DENYING = loaded({
  "tools/tickets.yaml": TOOL,
  "roles/support.yaml": `role: support
reason: r
allow:
  - do: tickets:update
  - do: tickets:read
deny:
  - { do: "tickets:update", id: bad-label, when: 'context.args has labels && context.args.labels.contains("bad")' }
  - { do: "tickets:update", id: closed, rows: resource.status == "closed" }
`,
});

function update(args: unknown, changes: JsonObject = {}, policy: Policy = DENYING): Decision {
  return decide(policy, call("update_ticket", outside(args), { resource: ticket(changes) }));
}

const code = (decision: Decision): string => decision.refusal?.code ?? decision.verdict;

it("the folder denies what it says and allows the rest", () => {
  expect(code(update({ id: "T-1", labels: ["good"] }))).toBe("allow");
  expect(code(update({ id: "T-1", labels: ["good", "bad"] }))).toBe("denied_by_rule");
  expect(code(update({ id: "T-1" }, { status: "closed" }))).toBe("denied_by_rule");
});

describe("arguments that pretend to be Cedar's own values are refused", () => {
  const extension = { fn: "ip", arg: "::1" };
  it.each<[string, JsonObject]>([
    ["an extension value for a text", { status: { __extn: extension } }],
    ["an extension value in a list", { labels: ["good", { __extn: extension }] }],
    ["an entity for an address", { who: { __entity: { type: "Agent", id: SUPPORT.agent } } }],
    ["an expression in a record", { more: { __expr: "1" } }],
    ["an extension value deep in a record", { more: { deep: [{ n: { __extn: extension } }] } }],
    ["a key deep in a record", { more: { deep: [{ __entity: 1 }] } }],
    ["an extension value where policy does not look", { free: { a: [{ b: { __extn: extension } }] } }],
    ["an entity where policy does not look", { free: [{ __entity: { type: "Role", id: "support" } }] }],
    ["a prototype where policy does not look", { free: JSON.parse('{"__proto__":{"admin":true}}') as Json }],
    ["a prototype beside the arguments", JSON.parse('{"__proto__":{"labels":[]},"labels":["good"]}') as JsonObject],
    ["a record for an address", { who: { address: "a@acme.example", local: "a", domain: "acme.example" } }],
    ["a list for a text", { status: ["open"] }],
    ["a text for a list", { labels: "good" }],
    ["an object for a list", { labels: { 0: "good", length: 1 } }],
  ])("%s", (_, args) => expect(code(update({ id: "T-1", ...args }))).toBe("argument_invalid"));
});

describe("values that JSON cannot hold are refused", () => {
  const holes: unknown[] = [];
  holes[1] = "good";
  it.each<[string, unknown]>([
    ["a list with holes", { labels: holes }],
    ["a list of nothing but holes", { labels: Object.assign([], { length: 3 }) }],
    ["an undefined item", { labels: [undefined] }],
    ["a function", { status: () => "open" }],
    ["a symbol", { status: Symbol("open") }],
    ["a big integer", { more: { deep: [{ n: 1n }] } }],
    ["not a number", { more: { deep: [{ n: Number.NaN }] } }],
    ["a boxed text", { status: Object("open") }],
    ["a boxed text in a list", { labels: [Object("bad")] }],
    ["a set for a list", { labels: new Set(["bad"]) }],
    ["a date for a text", { status: new Date(0) }],
    ["a lone surrogate", { labels: ["b\ud800"] }],
    ["a lone surrogate where policy does not look", { free: { a: "\udfff" } }],
    ["infinity where policy does not look", { free: [Number.POSITIVE_INFINITY] }],
  ])("%s", (_, args) => expect(code(update({ id: "T-1", ...(args as object) }))).toBe("argument_invalid"));

  it.each<[string, () => unknown]>([
    [
      "a record that contains itself",
      () => {
        const circle: Record<string, unknown> = {};
        circle["a"] = circle;
        return circle;
      },
    ],
    [
      "a list that contains itself",
      () => {
        const list: unknown[] = [];
        list.push(list);
        return list;
      },
    ],
    ["lists in lists without end", () => JSON.parse("[".repeat(5_000) + "]".repeat(5_000))],
  ])("%s", (_, make) => {
    for (const args of [{ free: make() }, { labels: make() }, { more: make() }, { id: make() }])
      expect(code(update({ id: "T-1", ...args }))).toBe("argument_invalid");
  });
});

describe("names of JavaScript's own members", () => {
  it("are not arguments, unless the catalog declares them", () => {
    expect(code(update({ id: "T-1", toString: "x" }))).toBe("allow");
    for (const name of ["constructor", "hasOwnProperty", "valueOf", "__defineGetter__"])
      expect(code(update({ id: "T-1", [name]: "x" }))).toBe("argument_invalid");
  });

  it("are not arguments that an object inherits", () => {
    expect(code(update(Object.create({ id: "T-1" })))).toBe("argument_invalid");
    expect(code(update(Object.assign(Object.create({ labels: ["bad"] }) as object, { id: "T-1" })))).toBe("allow");
  });

  it("name no agent, action, tool or record type", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(code(decide(DENYING, call(name, {})))).toBe("no_grant");
      expect(code(decide(DENYING, call("get_ticket", { id: "T-1" }, { tool: name })))).toBe("no_grant");
      expect(code(decide(DENYING, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, agent: name } })))).toBe("no_grant");
      expect(code(decide(DENYING, call("get_ticket", { id: "T-1" }, { resource: { type: name, id: "x", attributes: TICKET } })))).toBe(
        "rule_error",
      );
      expect(reach(DENYING, { ...SUPPORT, agent: name }, { tool: name, kind: "tool", name })).toBe("never");
    }
  });

  it("in a record decide nothing and stay hidden when undeclared rules name nothing", () => {
    const record = JSON.parse('{"__proto__":{"status":"open"},"constructor":1}') as JsonObject;
    expect(code(update({ id: "T-1" }, { ...record, status: "closed" }))).toBe("denied_by_rule");
    const polluted = JSON.parse('{"id":"T-1","tenant":"acme","__proto__":{"status":"open"}}') as JsonObject;
    expect(
      code(decide(DENYING, call("update_ticket", { id: "T-1" }, { resource: { type: "Ticket", id: "T-1", attributes: polluted } }))),
    ).toBe("rule_error");
  });
});

describe("a record that is not what its type says skips no deny", () => {
  it.each<[string, unknown]>([
    ["no status", undefined],
    ["null", null],
    ["a number", 1],
    ["a list", ["closed"]],
    ["an entity", { __entity: { type: "Ticket", id: "closed" } }],
    ["an extension value", { __extn: { fn: "ip", arg: "::1" } }],
    ["a boxed text", Object("closed")],
    ["a lone surrogate", "closed\ud800"],
    [
      "a circle",
      (() => {
        const circle: Record<string, unknown> = {};
        circle["a"] = circle;
        return circle;
      })(),
    ],
  ])("%s", (_, status) => expect(code(update({ id: "T-1" }, outside({ status })))).toBe("rule_error"));

  it("an accessor is read once for each decision, so that it cannot say two things", () => {
    let reads = 0;
    const attributes = {
      ...TICKET,
      get status(): string {
        reads += 1;
        return reads === 1 ? "closed" : "open";
      },
    };
    const resource = { type: "Ticket", id: "T-1", attributes };
    expect(code(decide(DENYING, call("update_ticket", { id: "T-1" }, { resource })))).toBe("denied_by_rule");
    expect(reads).toBe(1);
  });

  it("an id with strange characters is an id", () => {
    for (const id of ["a\0b", "\ud800", "__proto__", "", 'x"y'])
      expect(code(decide(DENYING, call("update_ticket", { id: "T-1" }, { resource: { ...ticket({ status: "closed" }), id } })))).toBe(
        "denied_by_rule",
      );
  });
});

describe("a result that is nested without end", () => {
  const policy = loaded();
  const request = call("get_ticket", { id: "T-1" });
  const decision = decide(policy, request);
  const deep = JSON.parse("[".repeat(30_000) + "]".repeat(30_000)) as Json;

  it.each<[string, JsonObject]>([
    ["in a field that is masked", { customer: { email: deep } }],
    ["around a field that is masked", { customer: deep }],
    ["in a field that is hidden", { internal_notes: deep }],
    ["in a field that a condition reads", { region: deep }],
    ["in the tenant's name", { tenant: deep }],
  ])("%s is not shown in part, and nothing is thrown", (_, changes) => {
    const shown = present(policy, request, decision, { ...TICKET, ...changes }, "Ticket");
    if (shown.visible) expect(JSON.stringify(Object.keys(shown.record))).not.toContain("internal_notes");
    else expect(shown).toEqual({ visible: false, record: {}, hidden: [], masked: [] });
  });
});

describe("session data and agents that do not fit their types", () => {
  it.each<[string, unknown]>([
    ["an entity", { ticket: { __entity: { type: "Agent", id: "x" } } }],
    ["a lone surrogate", { ticket: "\ud800" }],
    ["a number", { ticket: 1 }],
    ["a prototype", JSON.parse('{"__proto__":{"ticket":"x"}}')],
  ])("%s refuse the call", (_, data) => {
    const caller = { ...SUPPORT, data: outside(data) };
    expect(code(decide(DENYING, call("get_ticket", { id: "T-1" }, { caller })))).toBe("argument_invalid");
    expect(reach(DENYING, caller, { tool: "tickets", kind: "tool", name: "get_ticket" })).toBe("never");
  });

  it.each(["user", "session", "task"])("a %s that is not well-formed refuses the call", (name) => {
    expect(code(decide(DENYING, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, [name]: "\ud800" } })))).toBe("argument_invalid");
  });
});

describe("a policy file that hides a rule", () => {
  const cedar = (text: string) => load(files({ "policies/extra.cedar": text }));
  const permit = '@id("extra") @reason("r") permit(principal in Role::"billing", action in Action::"tickets:read", resource);';
  const forbid = '@id("never") @reason("r") forbid(principal in Role::"support", action in Action::"tickets:read", resource);';

  it.each([
    ["behind a comment that a carriage return ends", `${permit} //\r ${forbid}`],
    ["in a file with the line ends of old systems", `// first\r${permit}\r// second\r${forbid}\r`],
    ["behind a comment that a line feed ends", `${permit} // "\n${forbid}`],
    ["behind a text that looks like a comment", `@id("extra") @reason("// r") ${permit.slice(permit.indexOf("permit"))}${forbid}`],
  ])("%s does not lose it", (_, text) => {
    const result = cedar(text);
    if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
    expect(decide(result.policy, call("get_ticket", { id: "T-1" }, { resource: ticket() })).rules.map((rule) => rule.id)).toEqual([
      "never",
    ]);
  });

  it.each([
    ["in a condition that closes the braces", "true }; permit(principal, action, resource) when { true"],
    ["in a condition of two clauses", "true } unless { false"],
    ["in a condition that a comment should swallow", "true // }"],
  ])("%s is no expression, or means what it says", (_, text) => {
    const role = `role: base\nreason: r\nallow:\n  - do: knowledge:read\n    when: ${JSON.stringify(text)}\n`;
    const result = load(files({ "roles/base.yaml": role }));
    expect(result.ok ? [] : result.diagnostics.map((diagnostic) => diagnostic.code)).toEqual(
      text.includes("//") ? [] : ["condition-syntax"],
    );
  });
});

describe("a text that breaks the parser", () => {
  const BOMB = `${"(".repeat(3_000)}true${")".repeat(3_000)}`;

  it("never reaches it through a folder, also behind a carriage return", () => {
    const before = cedarGeneration();
    for (const text of [BOMB, `true // \r && ${BOMB}`]) {
      const role = `role: base\nreason: r\nallow:\n  - do: knowledge:read\n    when: ${JSON.stringify(text)}\n`;
      expect(load(files({ "roles/base.yaml": role })).ok).toBe(false);
      expect(load(files({ "policies/extra.cedar": `@reason("r") ${when(text)}` })).ok).toBe(false);
    }
    expect(cedarGeneration()).toBe(before);
  });

  it("changes no decision when it does break the instance", () => {
    const asked = call("get_ticket", { id: "T-1" }, { resource: ticket() });
    const policy = loaded();
    const [before, refused] = [decide(policy, asked), decide(policy, call("delete_ticket", { id: "T-1" }, { resource: ticket() }))];
    const shown = present(policy, asked, before, TICKET, "Ticket");
    expect(() => withCedar((cedar) => cedar.policyToJson(when(BOMB)))).toThrow(EngineFault);
    expect(decide(policy, asked)).toEqual(before);
    expect(decide(policy, call("delete_ticket", { id: "T-1" }, { resource: ticket() }))).toEqual(refused);
    expect(present(policy, asked, before, TICKET, "Ticket")).toEqual(shown);
    expect(decide(loaded(), { ...asked, caller: BILLING }).verdict).toBe("deny");
    expect([before.verdict, refused.verdict]).toEqual(["allow", "deny"]);
  });
});
