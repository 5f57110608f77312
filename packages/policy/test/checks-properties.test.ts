import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileTest } from "../src/cedar/compile.ts";
import { NO_ENTITIES } from "../src/cedar/entities.ts";
import { environmentOf } from "../src/cedar/environment.ts";
import { isTautology } from "../src/cedar/satisfiable.ts";
import { CedarRecord, Uid } from "../src/cedar/value.ts";
import { parseExpression } from "../src/engine/parse-condition.ts";
import { decide, present } from "../src/index.ts";
import type { Diagnostic } from "../src/index.ts";
import { conjunctsOf, coreOf, isImpossible } from "../src/load/checks/parts.ts";
import { policyOf, requests, rivals, rules } from "./support/random-rules.ts";

const RUNS = 150;

/** Ids in backticks of the findings of one code. */
function idsOf(warnings: readonly Diagnostic[], code: string): readonly string[] {
  return warnings.filter((one) => one.code === code).flatMap(({ what }) => /^(?:grant|the approval of) `([^`]+)`/.exec(what)?.[1] ?? []);
}

describe("a finding about a rule is true", () => {
  it("a grant reported as unreachable or shadowed never lets a call through that shows or sets anything", () => {
    let reported = 0;
    fc.assert(
      fc.property(rules, requests, (set, asks) => {
        const warnings = policyOf(set)?.warnings ?? [];
        const useless = [...idsOf(warnings, "unreachable-rule"), ...idsOf(warnings, "shadowed-grant")];
        reported += useless.length;
        for (const id of useless) {
          // Alone, so that no other grant decides or shows anything.
          const only = (list: readonly object[], name: string) => list.filter((_, index) => `${name}-${String(index)}` === id);
          const alone = policyOf({ ...set, grants: only(set.grants, "own"), inherited: only(set.inherited, "base") });
          if (alone === undefined) throw new Error("a folder with one grant less does not load");
          for (const { asked, body } of asks) {
            const decision = decide(alone, asked);
            if (decision.verdict === "deny") continue;
            expect(asked.operation.name).not.toBe("update_ticket");
            expect(present(alone, asked, decision, body, "Ticket").visible).toBe(false);
          }
        }
      }),
      { numRuns: RUNS },
    );
    expect(reported).toBeGreaterThan(5);
  });

  it("an approval reported as bypassed is never asked for", () => {
    let reported = 0;
    fc.assert(
      fc.property(rules, rivals, requests, (others, grants, asks) => {
        const policy = policyOf({ ...others, grants });
        // Those that a grant of another role bypasses for some calls only say so.
        const found = policy?.warnings.filter(({ what }) => what.includes("never happens for `helpdesk/support`")) ?? [];
        const bypassed = idsOf(found, "shadowed-approval");
        reported += bypassed.length;
        if (policy === undefined) return;
        for (const { asked } of asks) {
          const decision = decide(policy, asked);
          for (const rule of decision.approve?.rules ?? []) expect(bypassed).not.toContain(rule.id);
        }
      }),
      { numRuns: RUNS },
    );
    expect(reported).toBeGreaterThan(5);
  });
});

const atom = fc.constantFrom(
  "context.a == 1",
  "context.a != 1",
  "context.a < 2",
  "context.a >= 2",
  "1 > context.a",
  "context.b",
  'context.c == "x"',
  'context.c != "x"',
  'context.c like "x*"',
  '["x", "y"].contains(context.c)',
  "context has d",
  "true",
  "false",
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthIdentifier: "expression" },
    { arbitrary: atom, weight: 2 },
    { arbitrary: fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `(${a} && ${b})`), weight: 3 },
    { arbitrary: fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `(${a} || ${b})`), weight: 2 },
    { arbitrary: tie("expression").map((a) => `!(${a})`), weight: 1 },
    {
      arbitrary: fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
      weight: 1,
    },
  ),
}));

const SOMEBODY = new Uid("Agent", "x");
/** Every combination of the few values that the atoms tell apart. */
const WORLDS = [0, 1, 2].flatMap((a) =>
  [true, false].flatMap((b) =>
    ["x", "xx", "y", "z"].flatMap((c) =>
      [[], [["d", 1] as const]].map((d) =>
        environmentOf(
          {
            principal: SOMEBODY,
            action: SOMEBODY,
            resource: SOMEBODY,
            context: new CedarRecord(new Map<string, string | number | boolean>([["a", a], ["b", b], ["c", c], ...d])),
          },
          NO_ENTITIES,
        ),
      ),
    ),
  ),
);

describe("a finding about a condition is true", () => {
  it("what is never or always true is so for every value, and so are the parts that are named", () => {
    const seen = { impossible: 0, always: 0 };
    fc.assert(
      fc.property(expression, (text) => {
        const parsed = parseExpression(text);
        if (!parsed.ok) throw new Error(parsed.message);
        const truths = (expr: typeof parsed.expr) => WORLDS.map(compileTest(expr));
        const parts = conjunctsOf(parsed.expr);
        const all = truths(parsed.expr);
        expect(
          parts
            .map((part) => truths(part))
            .reduce(
              (a, b) => a.map((truth, index) => truth && b[index] === true),
              WORLDS.map(() => true),
            ),
        ).toEqual(all);
        if (isTautology(parsed.expr)) {
          seen.always += 1;
          expect(all).not.toContain(false);
        }
        if (!isImpossible(parts)) return;
        seen.impossible += 1;
        expect(all).not.toContain(true);
        const core = coreOf(parts).map((part) => truths(part));
        expect(WORLDS.some((_, index) => core.every((truth) => truth[index] === true))).toBe(false);
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(seen.impossible, seen.always)).toBeGreaterThan(30);
  });
});
