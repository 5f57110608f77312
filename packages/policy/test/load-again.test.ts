import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, load, present } from "../src/index.ts";
import type { Diagnostic, LoadResult, Policy, PolicyFile } from "../src/index.ts";
import { compiledOf } from "../src/load/compiled.ts";
import { files, HELPDESK, loaded } from "./support/helpdesk.ts";
import { folder, requests, rules } from "./support/random-rules.ts";
import type { Rules } from "./support/random-rules.ts";

/** An edit of the folder: other rules, and sometimes another catalog or other agents. */
interface Edit {
  readonly set: Rules;
  readonly tool: string;
  readonly region: string;
  readonly cedar: string;
}
const edit: fc.Arbitrary<Edit> = fc.record({
  set: rules,
  tool: fc.oneof(
    { arbitrary: fc.constantFrom("tier: integer", "tier: integer, extra: string"), weight: 6 },
    { arbitrary: fc.constantFrom("tier: string", "tear: integer"), weight: 1 },
  ),
  region: fc.oneof(
    { arbitrary: fc.constantFrom("region: emea", "region: amer"), weight: 6 },
    { arbitrary: fc.constant("level: 1"), weight: 1 },
  ),
  cedar: fc.constantFrom(
    "",
    "",
    '@id("c") @reason("r") forbid (principal, action in Action::"tickets:read", resource) when { context.session.task == "X" };',
    '@id("c") @reason("r") forbid (principal in Role::"support", action in Action::"tickets:update", resource is Ticket) when { resource.tier == 3 };',
    '@id("c") @reason("r") forbid (principal, action in Action::"tickets:raed", resource);',
  ),
});

function edited({ set, tool, region, cedar }: Edit): readonly PolicyFile[] {
  const changed = folder(set).map(({ path, text }) => {
    if (path === "tools/tickets.yaml") return { path, text: text.replace("tier: integer", tool.replace(", ", "\n    ")) };
    return { path, text: path === "agents/support.yaml" ? text.replace("region: emea", region) : text };
  });
  return cedar === "" ? changed : [...changed, { path: "policies/extra.cedar", text: cedar }];
}

describe("loading with the version before", () => {
  it("gives the findings and decisions that loading without it gives, edit by edit", () => {
    let loaded = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 2, maxLength: 4 }), requests, (edits, asks) => {
        let previous: Policy | undefined;
        for (const one of edits) {
          const [fresh, reused] = [load(edited(one)), load(edited(one), previous)];
          expect(findingsOf(reused)).toEqual(findingsOf(fresh));
          if (!fresh.ok || !reused.ok) continue;
          loaded += 1;
          for (const { asked, body } of asks) {
            const [expected, decision] = [decide(fresh.policy, asked), decide(reused.policy, asked)];
            expect(decision).toEqual(expected);
            expect(present(reused.policy, asked, decision, body, "Ticket")).toEqual(present(fresh.policy, asked, expected, body, "Ticket"));
          }
          previous = reused.policy;
        }
      }),
      { numRuns: 60 },
    );
    expect(loaded).toBeGreaterThan(20);
  });
});

describe("what one version keeps for the next", () => {
  const first = loaded();
  const role = (HELPDESK["roles/support.yaml"] ?? "").replace("resource.tier == 1", "resource.tier == 2");
  const second = reloaded({ "roles/support.yaml": role });

  function reloaded(changes: Readonly<Record<string, string>>): Policy {
    const result = load(files(changes), first);
    if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
    return result.policy;
  }

  it("is what was parsed before, for a text that is unchanged", () => {
    const [before, after] = [compiledOf(first).remembered.expressions, compiledOf(second).remembered.expressions];
    const text = "resource.region == principal.region";
    expect(after.get(text)).toBe(before.get(text));
    expect(after.get(text)).toBeDefined();
  });

  it("is the verdict of the validator, while text, action and schema are unchanged", () => {
    const verdicts = (policy: Policy, text: string) =>
      [...compiledOf(policy).remembered.verdicts].flatMap(([place, texts]) => (texts.has(text) ? [[place, texts.get(text)] as const] : []));
    const kept = verdicts(second, "resource.region == principal.region");
    expect(kept.length).toBeGreaterThan(0);
    for (const [index, [place, verdict]] of verdicts(first, "resource.region == principal.region").entries()) {
      expect(kept[index]?.[0]).toBe(place);
      expect(kept[index]?.[1]).toBe(verdict);
    }
    const other = reloaded({
      "tools/tickets.yaml": (HELPDESK["tools/tickets.yaml"] ?? "").replace("region: string", "region: string\n    zone: string"),
    });
    expect(verdicts(other, "resource.region == principal.region").map(([place]) => place)).not.toContain(kept[0]?.[0]);
  });

  it("holds nothing of texts that are no longer there", () => {
    const { expressions, verdicts } = compiledOf(second).remembered;
    const texts = [...expressions.keys(), ...[...verdicts.values()].flatMap((texts) => [...texts.keys()])];
    expect(texts.filter((text) => text.includes("resource.tier == 1"))).toEqual([]);
    expect(texts.some((text) => text.includes("resource.tier == 2"))).toBe(true);
  });

  it("does not hide that a type changed which only a .cedar policy speaks of", () => {
    const policy =
      '@id("x") @reason("r") forbid (principal, action in [Action::"tickets.get_ticket"], resource) unless { resource is Invoice && resource.amount == decimal("1.0") };';
    const before = loaded({ "policies/x.cedar": policy });
    const billing = (HELPDESK["tools/billing.yaml"] ?? "").replace("tenant: string, amount: decimal", "tenant: string, amount: integer");
    const after = load(files({ "policies/x.cedar": policy, "tools/billing.yaml": billing }), before);
    expect(findingsOf(after).map(({ code }) => code)).toEqual(["condition-type"]);
  });
});

function findingsOf(result: LoadResult): readonly Diagnostic[] {
  return result.ok ? result.policy.warnings : result.diagnostics;
}
