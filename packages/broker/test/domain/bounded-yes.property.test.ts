import type { Json, JsonObject } from "@bailiwick/policy";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ApprovalBounds, ArgumentBound, BoundedApproval } from "../../src/domain/approval.ts";
import { type AskedAgain, boundsProblem, covers } from "../../src/domain/bounded-yes.ts";
import { approvalOf } from "../store/approval-sample.ts";

const NOW = new Date("2026-11-26T10:00:00Z");
const HOUR = 3_600_000;
const NAMES = ["amount", "to", "__proto__", "constructor", "toString"] as const;

const value: fc.Arbitrary<Json> = fc.oneof(
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom("a@x.example", "b@x.example", ""),
  fc.constant(null),
  fc.constantFrom<Json>(["a"], { deep: 1 }),
);
/** Made from entries, so that `__proto__` is a member as it is in parsed JSON. */
const args: fc.Arbitrary<JsonObject> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), value), { selector: ([name]) => name, maxLength: 4 })
  .map((entries) => Object.fromEntries(entries));
const bound: fc.Arbitrary<ArgumentBound> = fc.oneof(
  fc.constant({ any: true as const }),
  fc.record({ min: fc.integer({ min: -2, max: 5 }), max: fc.integer({ min: 0, max: 10 }) }, { requiredKeys: ["max"] }),
  fc.record({ in: fc.array(value, { minLength: 1, maxLength: 3 }) }),
);
const bounds: fc.Arbitrary<ApprovalBounds> = fc
  .record({
    uses: fc.integer({ min: 1, max: 30 }),
    minutes: fc.integer({ min: -5, max: 90 }),
    within: fc.constantFrom("session" as const, "task" as const),
    args: fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), bound), { selector: ([name]) => name, maxLength: 3 }),
  })
  .map(({ minutes, args: named, ...rest }) => ({
    ...rest,
    until: new Date(NOW.getTime() + minutes * 60_000),
    args: Object.fromEntries(named),
  }));
/** Mostly as it was, so that each condition is often the only one that fails. */
const mostly = <T>(same: T, other: T): fc.Arbitrary<T> => fc.oneof({ arbitrary: fc.constant(same), weight: 6 }, fc.constant(other));
const again = (approved: JsonObject): fc.Arbitrary<AskedAgain> =>
  fc.record({
    session: mostly("s1", "s2"),
    task: mostly("ticket-4711", "other"),
    args: fc.oneof(
      fc.constant(approved),
      args,
      fc
        .tuple(fc.constantFrom(...NAMES), value)
        .map(([name, changed]) => Object.fromEntries([...Object.entries(approved), [name, changed]])),
    ),
    fingerprint: mostly("sha256:f", "sha256:g"),
    policyVersion: mostly("sha256:p", "sha256:q"),
    rules: mostly(["big-change"], ["big-change", "stranger"]),
  });
const cases = fc.tuple(bounds, args).chain(([given, approved]) => again(approved).map((asked) => ({ given, approved, asked })));

function standing(given: ApprovalBounds, approved: JsonObject): BoundedApproval {
  return { approval: approvalOf({ args: approved }), bounds: given, args: approved, usesLeft: given.uses - 1 };
}

const text = (of: Json | undefined): string => (of === undefined ? "absent" : JSON.stringify(of));
const own = (of: JsonObject, name: string): Json | undefined => Object.getOwnPropertyDescriptor(of, name)?.value as Json | undefined;

describe("a yes to several calls", () => {
  test("covers what a plain reading of its bounds says, and nothing else", () => {
    fc.assert(
      fc.property(cases, ({ given, approved, asked }) => {
        const names = new Set([...Object.getOwnPropertyNames(approved), ...Object.getOwnPropertyNames(asked.args)]);
        const within = [...names].every((name) => {
          const named = Object.getOwnPropertyDescriptor(given.args, name)?.value as ArgumentBound | undefined;
          const now = own(asked.args, name);
          if (named === undefined) return text(now) === text(own(approved, name));
          if ("any" in named) return true;
          if ("in" in named) return named.in.some((each) => text(each) === text(now));
          return typeof now === "number" && now <= named.max && now >= (named.min ?? 0);
        });
        const same =
          asked.task === "ticket-4711" &&
          (given.within === "task" || asked.session === "s1") &&
          asked.fingerprint === "sha256:f" &&
          asked.policyVersion === "sha256:p" &&
          !asked.rules.includes("stranger");
        expect(covers(standing(given, approved), asked)).toBe(same && within);
      }),
      { numRuns: 2_000 },
    );
  });

  test("covers an argument that is not bound only as it was approved: no other, none more and none fewer", () => {
    const given = { uses: 5, until: NOW, within: "task", args: { amount: { max: 10 } } } as const;
    const yes = standing(given, { amount: 5, to: "a@x.example" });
    const again = (of: JsonObject): boolean =>
      covers(yes, {
        session: "s9",
        task: "ticket-4711",
        args: of,
        fingerprint: "sha256:f",
        policyVersion: "sha256:p",
        rules: ["big-change"],
      });
    expect(again({ amount: 10, to: "a@x.example" })).toBe(true);
    expect(again({ amount: 10.01, to: "a@x.example" })).toBe(false);
    expect(again({ amount: -1, to: "a@x.example" })).toBe(false);
    expect(again({ amount: "5", to: "a@x.example" })).toBe(false);
    expect(again({ amount: 5, to: "b@x.example" })).toBe(false);
    expect(again({ amount: 5 })).toBe(false);
    expect(again({ amount: 5, to: "a@x.example", cc: "b@x.example" })).toBe(false);
  });

  test("may be given only within what the rules allow, and holds for the call that is asked for", () => {
    fc.assert(
      fc.property(
        bounds,
        args,
        fc.option(fc.record({ uses: fc.integer({ min: 1, max: 30 }), forMs: fc.constantFrom(HOUR / 2, HOUR) }), { nil: undefined }),
        (given, approved, most) => {
          const approval = approvalOf({
            args: approved,
            terms: { count: 1, also: [], stepUp: false, ...(most === undefined ? {} : { bounded: most }) },
          });
          const problem = boundsProblem(approval, given, approved, NOW);
          if (most === undefined) expect(problem).toBeDefined();
          if (problem !== undefined || most === undefined) return;
          expect(given.uses).toBeLessThanOrEqual(most.uses);
          expect(given.until.getTime()).toBeGreaterThan(NOW.getTime());
          expect(given.until.getTime()).toBeLessThanOrEqual(NOW.getTime() + most.forMs);
          const itself = {
            session: "s1",
            task: "ticket-4711",
            args: approved,
            fingerprint: "sha256:f",
            policyVersion: "sha256:p",
            rules: [],
          };
          expect(covers({ ...standing(given, approved), approval }, itself)).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test.each([
    [{ uses: 21 }, "at most 20 calls may be approved together"],
    [{ until: new Date(NOW.getTime() + HOUR + 1) }, "it may hold for 60 minutes at most"],
    [{ until: NOW }, "it would be over already"],
    [{ args: { nothing: { any: true } as const } }, "the call has no argument `nothing`"],
    [{ args: { amount: { max: 4 } } }, "the bound of `amount` does not hold for the call that is asked for"],
    [{ args: { to: { in: ["b@x.example"] } } }, "the bound of `to` does not hold for the call that is asked for"],
  ])("says of bounds with %j why not", (wrong, why) => {
    const approval = approvalOf({ terms: { count: 1, also: [], stepUp: false, bounded: { uses: 20, forMs: HOUR } } });
    const given: ApprovalBounds = { uses: 2, until: new Date(NOW.getTime() + HOUR), within: "session", args: {}, ...wrong };
    expect(boundsProblem(approval, given, { amount: 5, to: "a@x.example" }, NOW)).toBe(why);
  });
});
