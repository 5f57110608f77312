import { describe, expect, it } from "vitest";
import { mergeApprovals } from "../src/decide/approvals.ts";
import { leastDemanding, maxRecords } from "../src/decide/demands.ts";
import type { Permitting } from "../src/decide/demands.ts";
import type { Gate, Grant } from "../src/rules/rule.ts";
import type { Limits } from "../src/rules/limits.ts";
import { decide } from "../src/index.ts";
import { call, loaded, ticket } from "./support/helpdesk.ts";

const ref = (id: string, kind: "grant" | "gate" = "grant") => ({ kind, id, at: { file: "f", line: 1 }, reason: "r" }) as const;
/** One person, and no more to it. */
const ONE = { count: 1, also: [], stepUp: false } as const;
const FIELDS = { hide: [], mask: new Map() } as const;

function grant(
  id: string,
  parts: { readonly limits?: Limits; readonly by?: readonly string[]; readonly expiresMs?: number; readonly asks?: boolean } = {},
): Permitting {
  const { limits = {}, by, expiresMs = 1000, asks = by !== undefined } = parts;
  const rule: Grant = {
    ref: ref(id),
    role: "r",
    on: ["t:a"],
    scopeText: "t:a",
    fields: FIELDS,
    limits,
    ...(by === undefined ? {} : { approve: { ...ONE, by, expiresMs } }),
  };
  return { rule, asks };
}

const chosen = (...grants: readonly Permitting[]): readonly string[] => leastDemanding(grants).map(({ rule }) => rule.ref.id);

describe("the least demanding of several grants", () => {
  it("is the one without approval", () => {
    expect(chosen(grant("a", { by: ["lead"] }), grant("b"))).toEqual(["b"]);
    expect(chosen(grant("b"), grant("a", { by: ["lead"] }))).toEqual(["b"]);
  });

  it("may ask in its text when its `unless` spares the approval", () => {
    expect(chosen(grant("a", { by: ["lead"], asks: false }), grant("b"))).toEqual(["a", "b"]);
  });

  it("is the one with fewer limits, even when a single limit of the other is larger", () => {
    expect(chosen(grant("a", { limits: { perMinute: 9, perDay: 9 } }), grant("b", { limits: { perMinute: 1 } }))).toEqual(["b"]);
    expect(chosen(grant("a", { limits: { records: 1 } }), grant("b", { limits: { perMinute: 5, records: 5 } }))).toEqual(["a"]);
  });

  it.each(["perMinute", "perHour", "perDay", "costPerDay", "records"] as const)("is the one with the larger `%s` of two", (key) => {
    expect(chosen(grant("a", { limits: { [key]: 1 } }), grant("b", { limits: { [key]: 2 } }))).toEqual(["b"]);
    expect(chosen(grant("a", { limits: { [key]: 2 } }), grant("b", { limits: { [key]: 1 } }))).toEqual(["a"]);
  });

  it("is, of as many limits, the one whose first limit by kind is larger or absent", () => {
    expect(chosen(grant("a", { limits: { perMinute: 1 } }), grant("b", { limits: { perHour: 1 } }))).toEqual(["b"]);
  });

  it("is every one with the same demands, in the order of their ids", () => {
    expect(chosen(grant("c"), grant("a"), grant("b"))).toEqual(["a", "b", "c"]);
    expect(chosen(grant("b", { limits: { records: 2 } }), grant("a", { limits: { records: 2 } }))).toEqual(["a", "b"]);
  });

  it("is only those with the same approval, when all ask", () => {
    expect(chosen(grant("a", { by: ["x", "y"] }), grant("b", { by: ["y", "x"] }), grant("c", { by: ["x"] }))).toEqual(["a", "b"]);
    expect(chosen(grant("a", { by: ["x"], expiresMs: 1 }), grant("b", { by: ["x"], expiresMs: 2 }))).toEqual(["a"]);
  });

  it("is none of none", () => {
    expect(chosen()).toEqual([]);
  });
});

function gate(id: string, by: readonly string[], expiresMs = 1000): Gate & { readonly approve: NonNullable<Gate["approve"]> } {
  return { ref: ref(id, "gate"), fields: FIELDS, limits: {}, approve: { ...ONE, by, expiresMs } };
}

const own = (by: readonly string[], expiresMs = 1000) => ({ ref: ref("own"), approve: { ...ONE, by, expiresMs } });

describe("one approval out of several", () => {
  it("is none when nobody asks", () => {
    expect(mergeApprovals(undefined, [])).toBeUndefined();
  });

  it("names the roles that all accept, sorted, every rule and the shortest expiry", () => {
    expect(mergeApprovals(own(["c", "b", "a"], 5), [gate("g", ["b", "c"], 9), gate("h", ["c", "b", "d"], 3)])).toEqual({
      ...ONE,
      by: ["b", "c"],
      expiresMs: 3,
      rules: [ref("own"), ref("g", "gate"), ref("h", "gate")],
    });
  });

  it("names what the gates have in common when the grant's roles do not satisfy them", () => {
    expect(mergeApprovals(own(["a"]), [gate("g", ["b", "c"]), gate("h", ["c"])])?.by).toEqual(["c"]);
  });

  it("names the first gate's roles when the gates have none in common", () => {
    expect(mergeApprovals(own(["a"]), [gate("g", ["b"]), gate("h", ["c"])])?.by).toEqual(["b"]);
  });

  it("names the grant's own roles without gates", () => {
    expect(mergeApprovals(own(["b", "a"]), [])?.by).toEqual(["a", "b"]);
  });
});

describe("limits of several rules", () => {
  const role = (limits: string) => `role: support\nreason: r\nallow:\n  - { do: tickets:update, id: own, limits: ${limits} }\n`;
  const gates = (limits: string) =>
    `gates:\n  - { gate: cap, reason: r, on: { do: ["tickets:update"] }, require: { limits: ${limits} } }\n`;
  const limitsOf = (grantLimits: string, gateLimits: string) =>
    decide(
      loaded({ "roles/support.yaml": role(grantLimits), "gates.yaml": gates(gateLimits) }),
      call("update_ticket", { id: "T-1", status: "x" }, { resource: ticket() }),
    ).limits.map(({ max, unit, windowMs, amount, rule }) => [max, unit, windowMs, amount, rule.id]);

  it("of one counter is the smaller, and names its rule", () => {
    expect(limitsOf("{ perMinute: 5 }", "{ perMinute: 3 }")).toEqual([[3, "calls", 60_000, 1, "cap"]]);
    expect(limitsOf("{ perMinute: 2 }", "{ perMinute: 3 }")).toEqual([[2, "calls", 60_000, 1, "own"]]);
  });

  it("names the first rule when two are equal", () => {
    expect(limitsOf("{ perMinute: 3 }", "{ perMinute: 3 }")).toEqual([[3, "calls", 60_000, 1, "own"]]);
  });

  it("of different windows all hold", () => {
    expect(limitsOf("{ perMinute: 5, perHour: 6 }", "{ perDay: 7 }")).toEqual([
      [5, "calls", 60_000, 1, "own"],
      [6, "calls", 3_600_000, 1, "own"],
      [7, "calls", 86_400_000, 1, "cap"],
    ]);
  });

  it("of records is the smallest, and 10,000 without any", () => {
    expect(maxRecords([{ limits: { records: 7 } }, { limits: { records: 3 } }, { limits: {} }])).toBe(3);
    expect(maxRecords([{ limits: {} }])).toBe(10_000);
    expect(maxRecords([{ limits: { records: 20_000 } }])).toBe(10_000);
  });
});
