import fc from "fast-check";
import { decide, roleScopes } from "@bailiwick/policy";
import { describe, expect, test } from "vitest";
import { askElevation } from "../../src/domain/ask-elevation.ts";
import { covers } from "../../src/domain/delegation.ts";
import { boundsArgs, boundsAsked, entryBehind, widerThan } from "../../src/domain/elevation.ts";
import { companyWithRefunds } from "../people-support/elevations.ts";
import { SUPPORT_BOT } from "../people-support/rest.ts";

const policy = companyWithRefunds();
const NOW = new Date("2026-11-26T10:00:00Z");
const MOST_MS = 4 * 3_600_000;

const scope = fc.constantFrom(
  "billing:refund",
  "billing:read",
  "billing:*",
  "billing:refund:amount",
  "tickets:read",
  "tickets:*",
  "files:write",
);
const scopes = fc.uniqueArray(scope, { maxLength: 4 });
const forMs = fc.integer({ min: 1, max: MOST_MS * 2 });
const bounds = fc.record({ scope: scopes, forMs });

const ask = (wish: { scope: readonly string[]; forMs: number; role?: string }) =>
  askElevation(
    policy,
    { agent: SUPPORT_BOT, role: "refunds", reason: "x", askedBy: { person: "lena" }, ...wish },
    { id: "elv_1", now: NOW },
  );

/** Exact scopes of the catalog that some pattern names; an empty list names all. */
const ALL = policy.tools.flatMap(({ actions }) => actions.map((action) => action.scope));
const named = (patterns: readonly string[], whole: readonly string[]): readonly string[] =>
  patterns.length === 0 ? whole : ALL.filter((each) => patterns.some((pattern) => covers(pattern, each)));

describe("narrowing", () => {
  test("whatever is not called wider names no scope that was not asked for, and lasts no longer", () => {
    fc.assert(
      fc.property(bounds, bounds, (asked, given) => {
        if (widerThan(asked, given) !== undefined) return;
        const whole = roleScopes(policy, "refunds");
        const before = named(asked.scope, whole);
        expect(named(given.scope, whole).filter((each) => !before.includes(each) && asked.scope.length > 0)).toEqual([]);
        expect(given.forMs).toBeLessThanOrEqual(asked.forMs);
      }),
    );
  });

  test("is reflexive and transitive", () => {
    fc.assert(
      fc.property(bounds, bounds, bounds, (a, b, c) => {
        expect(widerThan(a, a)).toBeUndefined();
        if (widerThan(a, b) === undefined && widerThan(b, c) === undefined) expect(widerThan(a, c)).toBeUndefined();
      }),
    );
  });

  test("what is kept of a yes says exactly its bounds", () => {
    fc.assert(
      fc.property(bounds, bounds, (a, b) => {
        const same = JSON.stringify([a.scope, a.forMs]) === JSON.stringify([b.scope, b.forMs]);
        expect(JSON.stringify(boundsArgs(a)) === JSON.stringify(boundsArgs(b))).toBe(same);
      }),
    );
  });
});

describe("asking", () => {
  test("a question that is put is inside the role, the ceiling and the time that the policy gives, and still stands under the same policy", () => {
    fc.assert(
      fc.property(scopes, forMs, (wished, ms) => {
        const question = ask({ scope: wished, forMs: ms });
        const possible = wished.every((each) => each.startsWith("billing:")) && ms >= 60_000 && ms <= MOST_MS;
        expect(question.ok).toBe(possible);
        if (!question.ok) return;
        const { elevation } = question;
        expect(named(boundsAsked(elevation).scope, roleScopes(policy, "refunds")).every((each) => each.startsWith("billing:"))).toBe(true);
        expect(entryBehind(policy, elevation)).toBeDefined();
        expect(entryBehind(companyWithRefunds("eligible: []\n"), elevation)).toBeUndefined();
      }),
    );
  });

  test("no role is had by its name alone: only those the policy lists, of an agent it has", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom("support", "refund", "Refunds", "__proto__")), (role) => {
        fc.pre(role !== "refunds");
        expect(ask({ scope: [], forMs: 60_000, role }).ok).toBe(false);
      }),
    );
  });
});

test("what is given lets pass no call that all that was asked for would not, and nothing after its end", () => {
  const operations = policy.tools.flatMap(({ actions }) => actions.map(({ operation }) => operation));
  fc.assert(
    fc.property(bounds, bounds, fc.integer({ min: -1_000, max: MOST_MS * 2 }), (asked, given, laterMs) => {
      const question = ask(asked);
      if (!question.ok || widerThan(asked, given) !== undefined) return;
      const at = new Date(NOW.getTime() + laterMs);
      const allowed = (elevated: readonly { scope: readonly string[]; forMs: number }[], name: string): boolean => {
        const operation = operations.find((each) => each.name === name);
        if (operation === undefined) return false;
        const elevations = elevated.map((each, index) => ({
          id: `elv_${index}`,
          role: "refunds",
          scope: each.scope,
          until: new Date(NOW.getTime() + each.forMs),
        }));
        const caller = {
          agent: SUPPORT_BOT,
          tenant: "acme",
          environment: "prod",
          workflow: "support",
          user: "u",
          session: "s",
          task: "t",
          data: {},
          scope: ["tickets:*", "billing:*"],
          elevations,
        };
        return decide(policy, { caller, operation, args: { id: "1" }, now: at }).verdict === "allow";
      };
      for (const { name } of operations) {
        if (allowed([given], name)) expect(allowed([asked], name)).toBe(true);
        if (laterMs >= given.forMs) expect(allowed([given], name)).toBe(allowed([], name));
      }
    }),
    { numRuns: 300 },
  );
});
