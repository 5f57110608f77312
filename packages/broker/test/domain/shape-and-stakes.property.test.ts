import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Approval } from "../../src/domain/approval.ts";
import { shapeOf } from "../../src/domain/approval-shape.ts";
import { HIGH_EFFECTS, stakesOf } from "../../src/domain/stakes.ts";
import { approvalOf } from "../store/approval-sample.ts";

describe("the shape of a question", () => {
  const rule = (id: string): Approval["rules"][number] => ({ kind: "gate", id, at: { file: "gates.yaml", line: 1 }, reason: id });

  test("is the same whatever the values, the record, the run and the order of names and rules", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(["a", "b", "c"], { minLength: 3 }), fc.string(), fc.string(), (names, one, other) => {
        const first = approvalOf({
          args: Object.fromEntries(["a", "b", "c"].map((name) => [name, one])),
          rules: [rule("x"), rule("y")],
          diff: [{ path: "p" }, { path: "q" }],
        });
        const second = approvalOf({
          args: Object.fromEntries(names.map((name) => [name, other])),
          rules: [rule("y"), rule("x")],
          diff: [
            { path: "q", before: one },
            { path: "p", after: other },
          ],
          run: other,
          session: one,
          resource: { type: "Ticket", id: other, digest: one },
        });
        expect(shapeOf(first)).toBe(shapeOf(second));
      }),
    );
  });

  test.each<[string, Partial<Approval>]>([
    ["agent", { agent: "bailiwick://acme/prod/helpdesk/other" }],
    ["tool", { operation: { tool: "mail", kind: "tool", name: "update_ticket" } }],
    ["operation", { operation: { tool: "tickets", kind: "tool", name: "delete_ticket" } }],
    ["kind", { operation: { tool: "tickets", kind: "prompt", name: "update_ticket" } }],
    ["names of arguments", { args: { id: 1, status: "open" } }],
    ["fields it writes", { diff: [{ path: "status", before: 1, after: 2 }] }],
    ["rules", { rules: [rule("another")] }],
  ])("differs with the %s", (_, changed) => {
    expect(shapeOf(approvalOf(changed))).not.toBe(shapeOf(approvalOf({})));
  });
});

describe("what is at stake", () => {
  const LEVELS = ["low", "medium", "high"] as const;
  const situation = fc.record({
    effect: fc.constantFrom<string>("read", "write", "delete", "send", "pay", "export", "grant", "execute"),
    environment: fc.constantFrom("prod", "dev"),
    records: fc.integer({ min: 0, max: 300 }),
    cost: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    undo: fc.option(fc.constant<string>("tickets:restore"), { nil: undefined }),
    external: fc.array(fc.boolean(), { maxLength: 3 }),
    untrusted: fc.array(fc.boolean(), { maxLength: 2 }),
  });
  type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;
  const stakes = ({ effect, environment, records, cost, undo, external, untrusted }: Situation) =>
    stakesOf({
      effect,
      environment,
      reach: { records, cost, undo, destinations: external.map((each, at) => ({ argument: `to${at}`, value: "x", external: each })) },
      origins: untrusted.map((each, at) => ({ argument: `arg${at}`, from: "result" as const, untrusted: each })),
    });

  test("is never said without a reason, and a reason is never without a level", () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { level, because } = stakes(given);
        expect(because.length === 0).toBe(level === "low");
      }),
    );
  });

  test("never sinks when there is more to fear", () => {
    fc.assert(
      fc.property(situation, (given) => {
        const before = LEVELS.indexOf(stakes(given).level);
        for (const worse of [
          { ...given, undo: undefined },
          { ...given, records: given.records + 200 },
          { ...given, external: [...given.external, true] },
          { ...given, untrusted: [...given.untrusted, true] },
          { ...given, cost: (given.cost ?? 0) + 1 },
        ])
          expect(LEVELS.indexOf(stakes(worse).level)).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  test("is high for what nobody can take back, for many records, and for an argument out of somebody else's words", () => {
    const calm: Situation = { effect: "write", environment: "dev", records: 1, cost: undefined, undo: "x", external: [], untrusted: [] };
    expect(stakes(calm).level).toBe("low");
    for (const effect of HIGH_EFFECTS) {
      expect(stakes({ ...calm, effect, undo: undefined }).level, effect).toBe("high");
      expect(stakes({ ...calm, effect }).level, effect).toBe("medium");
    }
    expect(stakes({ ...calm, records: 100 }).level).toBe("low");
    expect(stakes({ ...calm, records: 101 }).level).toBe("high");
    expect(stakes({ ...calm, untrusted: [true] })).toEqual({ level: "high", because: ["`arg0` comes from somebody else's words"] });
    expect(stakes({ ...calm, effect: "read", undo: undefined }).level).toBe("low");
    expect(stakes({ ...calm, environment: "prod", undo: undefined }).level).toBe("medium");
  });
});
