import { decide, type JsonObject } from "@bailiwick/policy";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { spare } from "../../src/insight/habits/change-rule.ts";
import { conditionOf, type Sample } from "../../src/insight/habits/condition-of.ts";
import { actionNamed, loaded, ONE, requestOf, shopFiles, TWO } from "./support.ts";

const REFUNDS = { kind: "grant", id: "refunds", at: { file: "roles/clerk.yaml", line: 6 }, reason: "" } as const;
const NOBODY: ReadonlySet<string> = new Set();

function samples(args: readonly JsonObject[], agent = ONE): readonly Sample[] {
  return args.map((each) => ({ agent, args: each }));
}

function textOf(name: string, args: readonly JsonObject[], hidden = NOBODY): string | undefined {
  return conditionOf(actionNamed(name), samples(args), hidden)?.text;
}

function refund(more: JsonObject = {}): JsonObject {
  return { order: `O-${JSON.stringify(more).length}`, amount: 5, ...more };
}

/** What the changed folder says of a call: the real parser, checker and engine. */
function verdictWith(condition: string, agent: string, args: JsonObject): string {
  const change = spare(shopFiles, REFUNDS, condition);
  if (change === undefined) throw new Error("nothing to change");
  return decide(loaded(change.files), requestOf(agent, "refund", args)).verdict;
}

describe("a condition over what was always approved", () => {
  test("names agents, bounds numbers on both sides, and leaves open what differs each time", () => {
    const found = conditionOf(actionNamed("refund"), samples([refund({ amount: 2.5 }), refund({ amount: 40, note: 1 })]), NOBODY);
    expect(found?.text).toContain(`principal.name == "${ONE}"`);
    expect(found?.text).toContain('context.args.amount.greaterThanOrEqual(decimal("2.5"))');
    expect(found?.text).toContain('context.args.amount.lessThanOrEqual(decimal("40.0"))');
    expect(found?.open).toEqual(["order"]);
  });

  test("names texts that come again and again, and mail by its domain", () => {
    const args = Array.from({ length: 8 }, (_, index) => ({ to: `p${index}@shop.example`, body: `text ${index}` }));
    expect(textOf("notify", args)).toContain('context.args.to.domain == "shop.example"');
    expect(textOf("notify", args)).not.toContain("body");
  });

  test("is none where the place something goes to, or what it costs, would stay open", () => {
    const everywhere = Array.from({ length: 20 }, (_, index) => ({ to: `p@d${index}.example`, body: "hello" }));
    expect(textOf("notify", everywhere)).toBeUndefined();
    expect(textOf("refund", [refund({ amount: 0.123456 })])).toBeUndefined();
  });

  test("is none for more agents than somebody can check", () => {
    const many = Array.from({ length: 6 }, (_, index) => ({ agent: `${ONE}${index}`, args: refund() }));
    expect(conditionOf(actionNamed("refund"), many, NOBODY)).toBeUndefined();
  });

  test("tells no value that not everybody may see", () => {
    const args = Array.from({ length: 8 }, () => ({ to: "p@shop.example", body: "hi", team: "oncology" }));
    expect(textOf("notify", args)).toContain("oncology");
    const hidden = conditionOf(actionNamed("notify"), samples(args), new Set(["team"]));
    expect(hidden?.text).not.toContain("oncology");
    expect(hidden?.open).toEqual(["team"]);
    expect(textOf("notify", args, new Set(["to"]))).toBeUndefined();
  });

  test("keeps what an agent wrote inside one literal", () => {
    const nasty = 'x" || true || "';
    const args = Array.from({ length: 8 }, () => refund({ reason: nasty }));
    const condition = textOf("refund", args) ?? "";
    expect(verdictWith(condition, ONE, refund({ reason: nasty }))).toBe("allow");
    expect(verdictWith(condition, ONE, refund({ reason: "other" }))).toBe("ask");
    expect(verdictWith(condition, TWO, refund({ reason: nasty }))).toBe("ask");
  });
});

const word = fc.constantFrom("lost", "late", "broken", 'q"uote', "back\\slash", "naïve ☃", "line\nbreak", "\u{202e}turned");
const args = fc.record(
  {
    order: fc.string({ maxLength: 8, unit: "grapheme" }),
    amount: fc.integer({ min: 1, max: 999_999 }).map((cents) => cents / 100),
    reason: word,
    express: fc.boolean(),
    count: fc.integer({ min: -50, max: 50 }),
    to: fc.record({ to: fc.constantFrom("a@x.example", "b@x.example", "c@Y.example"), note: word }, { requiredKeys: ["to"] }),
    tags: fc.array(word, { maxLength: 2 }),
  },
  { requiredKeys: ["order", "amount"] },
);

test("whatever was asked, the changed folder loads, spares every question it was made of, and asks for a larger amount and another agent", () => {
  fc.assert(
    fc.property(fc.array(args, { minLength: 1, maxLength: 30 }), (asked) => {
      const condition = textOf("refund", asked);
      if (condition === undefined) throw new Error("there is always an amount");
      const change = spare(shopFiles, REFUNDS, condition);
      const policy = loaded(change?.files ?? []);
      for (const each of asked) expect(decide(policy, requestOf(ONE, "refund", each)).verdict).toBe("allow");
      const [first = refund()] = asked;
      const most = Math.max(...asked.map(({ amount }) => amount));
      expect(decide(policy, requestOf(ONE, "refund", { ...first, amount: most + 1 })).verdict).toBe("ask");
      expect(decide(policy, requestOf(TWO, "refund", { ...first, amount: most })).verdict).toBe("ask");
    }),
    { numRuns: 40 },
  );
});
