import { describe, expect, it } from "vitest";
import { cedarGeneration, EngineFault, withCedar } from "../src/cedar/cedar-instance.ts";
import { tooDeep } from "../src/cedar/cedar-text.ts";
import { parseExpression } from "../src/engine/parse-condition.ts";
import { decide, load } from "../src/index.ts";
import type { Json, JsonObject } from "../src/index.ts";
import { BILLING, call, files, HELPDESK, loaded, SUPPORT, ticket } from "./support/helpdesk.ts";

const POLICY = loaded();
const pay = (args: JsonObject) => decide(POLICY, call("create_invoice", { customer: "c", ...args }, { tool: "billing", caller: BILLING }));

/** Breaks the interpreter as a hostile text would. */
function breakCedar(): void {
  expect(() =>
    withCedar((cedar) => cedar.policyToJson(`permit(principal, action, resource) when { ${"(".repeat(2_000)}true${")".repeat(2_000)} };`)),
  ).toThrow(EngineFault);
}

describe("forbid bypass by an extension value in the arguments", () => {
  it("refuses the call before any rule sees it", () => {
    const decision = pay({ amount: { __extn: { fn: "unknown", arg: "x" } } });
    expect(decision.refusal).toMatchObject({ code: "argument_invalid" });
    expect(decision.refusal?.message).toContain("`amount.__extn`");
  });

  it("refuses an entity, an expression and a prototype anywhere, also where policy does not look", () => {
    for (const key of ["__entity", "__extn", "__expr", "__proto__"]) {
      const hidden = JSON.parse(`{"a":[{"b":{"${key}":{"type":"Agent","id":"x"}}}]}`) as Json;
      expect(pay({ amount: 1, meta: hidden }).refusal).toMatchObject({ code: "argument_invalid" });
      expect(pay({ amount: 1, meta: hidden }).refusal?.message).toContain(`meta.a.0.b.${key}`);
    }
  });

  it("does not let session data become an entity", () => {
    const data = { ticket: { __entity: { type: "Agent", id: SUPPORT.agent } } };
    expect(decide(POLICY, call("get_ticket", { id: "T-1" }, { caller: { ...SUPPORT, data } })).refusal).toMatchObject({
      code: "argument_invalid",
    });
  });

  it("does not let an attribute of a record become an entity", () => {
    const region = { __entity: { type: "Agent", id: SUPPORT.agent } };
    expect(decide(POLICY, call("get_ticket", { id: "T-1" }, { resource: ticket({ region }) })).refusal).toMatchObject({
      code: "row_not_permitted",
    });
  });
});

describe("a rule that fails is not skipped", () => {
  const overflow = 'context.records * 9223372036854775807 * 2 > 0 && context.args.id != ""';
  const policyWith = (deny: string) => loaded({ "roles/support.yaml": `role: support\nreason: r\nallow:\n  - do: tickets:read\n${deny}` });
  const read = (policy: ReturnType<typeof loaded>) => decide(policy, call("get_ticket", { id: "T-1" }, { resource: ticket() }));

  it("an overflowing deny denies", () => {
    const text = (HELPDESK["tools/tickets.yaml"] ?? "").replace('args: { "status?": string }', "args: { id: string }");
    const policy = loaded({
      "tools/tickets.yaml": text,
      "roles/support.yaml": `role: support\nreason: r\nallow:\n  - do: tickets:read\ndeny:\n  - { do: "tickets:read", id: big, when: '${overflow}' }\n`,
    });
    expect(read(policy)).toMatchObject({ verdict: "deny", refusal: { code: "rule_error" }, rules: [{ id: "big" }, { id: "fail-closed" }] });
  });

  it("a deny on a record that does not fit its type denies", () => {
    const policy = policyWith("deny:\n  - { do: tickets:read, id: high, rows: resource.tier > 3 }\n");
    const record = ticket({ tier: 4.5 });
    expect(decide(policy, call("get_ticket", { id: "T-1" }, { resource: record }))).toMatchObject({
      verdict: "deny",
      refusal: { code: "rule_error" },
    });
    expect(read(policy).verdict).toBe("allow");
  });

  it("a failing gate denies", () => {
    const gates =
      "gates:\n  - { gate: g, reason: r, on: { do: [tickets:update] }, when: resource.tier * 9223372036854775807 > 5, require: { approve: { by: [operator] } } }\n";
    const update = (tier: number) =>
      decide(loaded({ "gates.yaml": gates }), call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket({ tier }) }));
    expect(update(2)).toMatchObject({ verdict: "deny", refusal: { code: "rule_error" }, rules: [{ id: "g" }, { id: "fail-closed" }] });
    expect(update(0).verdict).toBe("allow");
  });

  it("a failing ceiling denies", () => {
    const agent = (HELPDESK["agents/support.yaml"] ?? "").replace(
      "effects: [read,",
      "when: context.records * 9223372036854775807 * 2 > 0, effects: [read,",
    );
    expect(read(loaded({ "agents/support.yaml": agent }))).toMatchObject({ verdict: "deny", refusal: { code: "rule_error" } });
  });

  it("a failing `unless` asks", () => {
    const role = (HELPDESK["roles/support.yaml"] ?? "").replace(
      'unless: context.args.to.domain == "acme.example"',
      "unless: context.records * 9223372036854775807 * 2 > 0",
    );
    const decision = decide(
      loaded({ "roles/support.yaml": role }),
      call("send", { to: "a@acme.example", subject: "", body: "" }, { tool: "mail" }),
    );
    expect(decision).toMatchObject({ verdict: "ask", approve: { by: ["support-lead"] } });
  });

  it("a failing grant does not grant", () => {
    const role = "role: support\nreason: r\nallow:\n  - { do: tickets:read, rows: resource.tier * 9223372036854775807 > 0 }\n";
    expect(
      decide(loaded({ "roles/support.yaml": role }), call("get_ticket", { id: "T-1" }, { resource: ticket({ tier: 2 }) })),
    ).toMatchObject({ verdict: "deny" });
  });
});

describe("a text that breaks the interpreter", () => {
  it.each([
    ["brackets", `${"(".repeat(140)}true${")".repeat(140)}`],
    ["if chains", `${"if true then ".repeat(140)}true${" else true".repeat(140)}`],
    ["operator chains", `${"true && ".repeat(450)}true`],
    ["attribute chains", `context${".a".repeat(1_000)} == 1`],
    ["sheer length", `context.user.id == "${"a".repeat(5_000)}"`],
  ])("is refused before the interpreter sees it: %s", (_, text) => {
    const before = cedarGeneration();
    expect(tooDeep(text)).toBeTypeOf("string");
    expect(parseExpression(text).ok).toBe(false);
    const role = `role: base\nreason: r\nallow:\n  - do: knowledge:read\n    when: '${text}'\n`;
    const result = load(files({ "roles/base.yaml": role }));
    expect(result.ok ? [] : result.diagnostics.map((diagnostic) => diagnostic.code)).toEqual(["condition-syntax"]);
    expect(cedarGeneration()).toBe(before);
  });

  it("does not count brackets in strings and comments", () => {
    expect(parseExpression(`context.user.id == "${"(".repeat(200)}" // ${"(".repeat(200)}`).ok).toBe(true);
  });

  it("is survived: a new instance answers the next decision", () => {
    const request = call("get_ticket", { id: "T-1" }, { resource: ticket() });
    expect(decide(POLICY, request).verdict).toBe("allow");
    breakCedar();
    expect(decide(POLICY, request).verdict).toBe("allow");
    expect(decide(POLICY, call("get_ticket", { id: "T-1" }, { resource: ticket({ region: "amer" }) })).verdict).toBe("deny");
  });
});

describe("a fault inside the decision", () => {
  it("denies with a rule error", () => {
    const decision = decide(POLICY, call("get_ticket", { id: "T-1" }, { now: new Date(Number.NaN) }));
    expect(decision).toMatchObject({
      verdict: "deny",
      refusal: { code: "rule_error", next: [{ kind: "retry_after" }] },
      rules: [{ id: "fail-closed" }],
    });
  });

  it("denies when the policy was not made by load", () => {
    expect(decide({ ...POLICY, engine: {} }, call("get_ticket", { id: "T-1" }))).toMatchObject({
      verdict: "deny",
      refusal: { code: "rule_error" },
    });
  });
});

describe("numbers and texts that Cedar cannot hold exactly", () => {
  it.each<[string, JsonObject, string]>([
    ["not a number", { amount: Number.NaN }, "amount"],
    ["infinity", { amount: Number.POSITIVE_INFINITY }, "amount"],
    ["a fifth digit after the point", { amount: 1.00001 }, "amount"],
    ["a decimal beyond 64 bits", { amount: 1e15 }, "amount"],
    ["an integer beyond 2^53", { amount: 1, lines: [{ sku: "a", qty: 2 ** 53 }] }, "lines.0.qty"],
    ["a fraction for an integer", { amount: 1, lines: [{ sku: "a", qty: 1.5 }] }, "lines.0.qty"],
    ["null in a list", { amount: 1, lines: [null] }, "lines.0"],
    ["a null where a value is required", { amount: null }, "amount"],
    ["a lone surrogate", { amount: 1, customer: "\ud800" }, "customer"],
    ["a day that does not exist", { amount: 1, due: "2026-02-30" }, "due"],
    ["a time without its zone", { amount: 1, due: "2026-02-20T10:00:00" }, "due"],
    ["arguments nested without end", { amount: 1, meta: JSON.parse("[".repeat(200) + "]".repeat(200)) as Json }, "meta.0"],
  ])("%s is refused by the argument's name", (_, args, path) => {
    const decision = pay(args);
    expect(decision.refusal?.code).toBe("argument_invalid");
    expect(decision.refusal?.message).toContain(`\`${path}`);
  });

  it("zero, negative zero and whole decimals are exact", () => {
    for (const amount of [0, -0, 10_000, 0.0001]) expect(pay({ amount }).verdict).toBe("ask");
  });

  it("a negative cost is refused, since it would refill the budget", () => {
    expect(pay({ amount: -1 }).refusal?.code).toBe("argument_invalid");
  });
});

describe("reloads", () => {
  it("leave nothing of the version before behind", () => {
    const request = call("get_ticket", { id: "T-1" }, { resource: ticket() });
    for (let version = 0; version < 40; version += 1) {
      const role = `role: support\nreason: version ${String(version)}\nallow:\n  - { do: tickets:read, rows: resource.tier + 0 ${version % 2 === 0 ? "==" : "!="} 1 }\n`;
      expect(decide(loaded({ "roles/support.yaml": role }), request).verdict).toBe(version % 2 === 0 ? "allow" : "deny");
    }
    expect(decide(POLICY, request).verdict).toBe("allow");
  });
});
