import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeApprovals, mergeDelegated } from "../src/decide/approvals.ts";
import type { Asking } from "../src/decide/approvals.ts";
import { leastDemanding } from "../src/decide/demands.ts";
import { decide } from "../src/index.ts";
import type { Decision } from "../src/index.ts";
import type { Gate, Grant } from "../src/rules/rule.ts";
import { call, loaded, SUPPORT } from "./support/helpdesk.ts";

const ROLES = ["a", "b", "c", "d"] as const;
const roles = fc.subarray([...ROLES], { minLength: 1 });
const count = fc.integer({ min: 1, max: 3 });
const asking: fc.Arbitrary<Asking> = fc.record(
  {
    by: roles,
    count,
    also: fc.array(fc.record({ by: roles, count }), { maxLength: 2 }),
    stepUp: fc.boolean(),
    expiresMs: fc.integer({ min: 5, max: 20 }),
    escalate: fc.record({ afterMs: fc.integer({ min: 1, max: 15 }), to: roles }),
    bounded: fc.record({ uses: count, forMs: fc.integer({ min: 1, max: 5 }) }),
  },
  { requiredKeys: ["by", "count", "also", "stepUp", "expiresMs"] },
);

const FIELDS = { hide: [], mask: new Map() } as const;
const ref = (id: string, kind: "grant" | "gate") => ({ kind, id, at: { file: "f", line: 1 }, reason: "r" }) as const;
const gate = (approve: Asking, index = 0): Gate & { readonly approve: Asking } => ({
  ref: ref(`g${String(index)}`, "gate"),
  fields: FIELDS,
  limits: {},
  approve,
});
const merged = (askings: readonly Asking[]): Asking => {
  const demand = mergeApprovals(
    undefined,
    askings.map((one, index) => gate(one, index)),
  );
  if (demand === undefined) throw new Error("there is at least one");
  const { rules: _, ...rest } = demand;
  return rest;
};

/** Who may give one of the first yeses at a time: by role. Nobody once the question is over. */
function rolesAt({ by, escalate, expiresMs }: Asking, ms: number): readonly string[] {
  if (ms >= expiresMs) return [];
  return ROLES.filter((role) => by.includes(role) || (escalate !== undefined && escalate.afterMs <= ms && escalate.to.includes(role)));
}

/** Whether the first is answered by no fewer and no other people than the second, at every time. */
function isNoWeaker(strict: Asking, than: Asking): void {
  expect(strict.count).toBeGreaterThanOrEqual(than.count);
  expect(strict.expiresMs).toBeLessThanOrEqual(than.expiresMs);
  if (than.stepUp) expect(strict.stepUp).toBe(true);
  for (const { by, count: needed } of than.also) {
    const same = strict.also.find((group) => group.by.toSorted().join() === by.toSorted().join());
    expect(same?.count ?? 0).toBeGreaterThanOrEqual(needed);
  }
  if (strict.bounded !== undefined) {
    expect(strict.bounded.uses).toBeLessThanOrEqual(than.bounded?.uses ?? 0);
    expect(strict.bounded.forMs).toBeLessThanOrEqual(than.bounded?.forMs ?? 0);
  }
}

const shareRoles = (askings: readonly Asking[]): boolean => ROLES.some((role) => askings.every(({ by }) => by.includes(role)));

describe("several approvals in one", () => {
  it("demand no less than each of them", () => {
    fc.assert(
      fc.property(fc.array(asking, { minLength: 1, maxLength: 3 }), (askings) => {
        for (const one of askings) isNoWeaker(merged(askings), one);
      }),
    );
  });

  it("are at no time answered by somebody whom one of them does not accept then, where they have a role in common", () => {
    fc.assert(
      fc.property(fc.array(asking, { minLength: 2, maxLength: 3 }).filter(shareRoles), fc.integer({ min: 0, max: 20 }), (askings, ms) => {
        for (const role of rolesAt(merged(askings), ms)) for (const one of askings) expect(rolesAt(one, ms)).toContain(role);
      }),
    );
  });

  it("are the same in whatever order, where they have a role in common", () => {
    fc.assert(
      fc.property(fc.array(asking, { minLength: 2, maxLength: 4 }).filter(shareRoles), (askings) => {
        expect(merged(askings.toReversed())).toEqual(merged(askings));
      }),
    );
  });

  it("are the same one by one or at once, save for who decides", () => {
    const withoutRoles = ({ count: people, also, stepUp, expiresMs, bounded }: Asking) => ({ people, also, stepUp, expiresMs, bounded });
    fc.assert(
      fc.property(asking, asking, asking, (a, b, c) => {
        expect(withoutRoles(merged([merged([a, b]), c]))).toEqual(withoutRoles(merged([a, merged([b, c])])));
        expect(withoutRoles(merged([merged([a, b]), c]))).toEqual(withoutRoles(merged([a, b, c])));
      }),
    );
  });

  it("are the one when there is only one, save for an order and an escalation that changes nothing", () => {
    fc.assert(
      fc.property(asking, fc.integer({ min: 0, max: 20 }), (one, ms) => {
        expect(rolesAt(merged([one]), ms)).toEqual(rolesAt(one, ms));
        expect(merged([merged([one])])).toEqual(merged([one]));
      }),
    );
  });

  it("of a delegate and its delegator demand no less than either, of the delegator's people where they share none", () => {
    fc.assert(
      fc.property(asking, asking, fc.integer({ min: 0, max: 20 }), (own, above, ms) => {
        const both = mergeDelegated(own, above);
        for (const one of [own, above]) isNoWeaker(both, one);
        for (const role of rolesAt(both, ms)) expect(rolesAt(above, ms)).toContain(role);
      }),
    );
  });
});

const ONE: Asking = { by: ["a"], count: 1, also: [], stepUp: false, expiresMs: 60 };

describe("an escalation", () => {
  it("of a grant to people whom a gate does not accept changes nothing", () => {
    const grant = { ref: ref("own", "grant"), approve: { ...ONE, escalate: { afterMs: 1, to: ["d"] } } };
    expect(mergeApprovals(grant, [gate(ONE)])?.escalate).toBeUndefined();
  });

  it("happens at the later of two times to the same people, and at once to nobody", () => {
    const escalate = (afterMs: number) => ({ ...ONE, escalate: { afterMs, to: ["d"] } });
    expect(merged([escalate(10), escalate(20)]).escalate).toEqual({ afterMs: 20, to: ["d"] });
  });

  it("happens to people whom the other accepts from the start", () => {
    const wide = { ...ONE, by: ["a", "b"] };
    expect(merged([wide, { ...ONE, escalate: { afterMs: 10, to: ["b", "c"] } }])).toMatchObject({
      by: ["a"],
      escalate: { afterMs: 10, to: ["b"] },
    });
  });

  it("is none when the question is over before", () => {
    expect(
      merged([
        { ...ONE, escalate: { afterMs: 30, to: ["d"] } },
        { ...ONE, expiresMs: 20 },
      ]).escalate,
    ).toBeUndefined();
  });
});

describe("of several grants that ask", () => {
  const grant = (id: string, approve: Partial<Asking>): { readonly rule: Grant; readonly asks: boolean } => ({
    rule: { ref: ref(id, "grant"), role: "r", on: ["t:a"], scopeText: "t:a", fields: FIELDS, limits: {}, approve: { ...ONE, ...approve } },
    asks: true,
  });
  const chosen = (...approves: readonly Partial<Asking>[]): readonly string[] =>
    leastDemanding(approves.map((approve, index) => grant(String(index), approve))).map(({ rule }) => rule.ref.id);

  it("the one without step-up applies, then the one with fewer people", () => {
    expect(chosen({ stepUp: true }, { count: 3 })).toEqual(["1"]);
    expect(chosen({ count: 2 }, {})).toEqual(["1"]);
    expect(chosen({ also: [{ by: ["b"], count: 2 }] }, { count: 2 })).toEqual(["1"]);
  });

  it.each([
    ["escalate to others", { escalate: { afterMs: 1, to: ["b"] } }],
    ["may cover several calls", { bounded: { uses: 1, forMs: 1 } }],
    ["need another group", { also: [{ by: ["b"], count: 1 }] }],
  ])("those that %s do not apply together with those that do not", (_, approve) => {
    expect(chosen({ count: 2 }, { count: 2 })).toEqual(["0", "1"]);
    expect(chosen({ ...approve, count: "also" in approve ? 1 : 2 }, { count: 2 })).toHaveLength(1);
  });
});

describe("a decision that asks", () => {
  const mail = call("send", { to: "a@client.example", subject: "s", body: "b" }, { tool: "mail" });
  const asked = (approve: string, gates?: string): Decision["approve"] => {
    const role = `role: support\nreason: r\nallow:\n  - { do: mail:send, approve: ${approve} }\n`;
    const off = "defaults: { external-send: { off: true, reason: r } }\n";
    return decide(loaded({ "roles/support.yaml": role, "gates.yaml": gates ?? off }), mail).approve;
  };

  it("asks one person for a yes that may cover twenty calls within eight hours where nothing else is said", () => {
    expect(asked("{ by: [support-lead] }")).toMatchObject({
      by: ["support-lead"],
      count: 1,
      also: [],
      stepUp: false,
      expiresMs: 1_800_000,
      bounded: { uses: 20, forMs: 28_800_000 },
    });
  });

  it("asks for all that the grant says", () => {
    const text =
      "{ by: [support-lead], also: [{ by: [operator] }], stepUp: true, escalate: { after: 10m, to: [operator] }, bounded: false, expires: 1h }";
    const demand = asked(text);
    expect(demand).toMatchObject({
      count: 1,
      also: [{ by: ["operator"], count: 1 }],
      stepUp: true,
      escalate: { afterMs: 600_000, to: ["operator"] },
      expiresMs: 3_600_000,
    });
    expect(demand?.bounded).toBeUndefined();
  });

  it("asks for what a changed default gate says, and for what it ships with otherwise", () => {
    const changed = (change: string) =>
      asked("{ by: [operator], bounded: { uses: 5 } }", `defaults:\n  external-send: { ${change}, reason: r }\n`);
    expect(changed("stepUp: true")).toMatchObject({
      stepUp: true,
      count: 1,
      bounded: { uses: 5, forMs: 28_800_000 },
      expiresMs: 1_800_000,
    });
    expect(changed("bounded: false")?.bounded).toBeUndefined();
    expect(changed("bounded: { uses: 2, for: 1h }")?.bounded).toEqual({ uses: 2, forMs: 3_600_000 });
    expect(changed("also: [{ by: [support-lead] }]")?.also).toEqual([{ by: ["support-lead"], count: 1 }]);
  });

  it("never offers a yes to several deletes or changes of rights", () => {
    const role = "role: support\nreason: r\nallow:\n  - do: tickets:delete\n";
    const deleting = decide(loaded({ "roles/support.yaml": role }), {
      ...call("delete_ticket", { id: "T-1" }, { resource: "unknown" }),
      caller: { ...SUPPORT, scope: ["tickets:delete"] },
    });
    expect(deleting.verdict).toBe("ask");
    expect(deleting.approve?.bounded).toBeUndefined();
  });
});
