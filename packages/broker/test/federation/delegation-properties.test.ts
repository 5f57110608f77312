import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject, RowBound } from "@bailiwick/policy";
import { covers, type Delegated, delegate, type DelegationWish } from "../../src/domain/delegation.ts";
import { chainOf } from "../../src/domain/ended.ts";
import type { Session } from "../../src/domain/session.ts";
import { name } from "./company.ts";

const CHAINS = 2_000;
const scope = fc.constantFrom("tickets:*", "tickets:read", "tickets:update", "tickets:update:status", "mail:*", "mail:send", "pay:refund");
const scopes = fc.uniqueArray(scope, { maxLength: 4 });
const amount = fc.option(fc.nat(100), { nil: undefined });
const limits = fc.record({ calls: amount, records: amount, cost: amount });
const rows: fc.Arbitrary<readonly RowBound[]> = fc.array(
  fc.record({ Ticket: fc.record({ id: fc.uniqueArray(fc.constantFrom("T-1", "T-2", "T-3"), { minLength: 1 }) }) }),
  { maxLength: 2 },
);
const data: fc.Arbitrary<JsonObject> = fc.dictionary(fc.constantFrom("ticket", "customer", "order"), fc.constantFrom("A", "B"), {
  maxKeys: 2,
});
const binding = fc.oneof(
  fc.constant({ kind: "bearer" } as const),
  fc.constantFrom("j1", "j2", "j3", "j4").map((jkt) => ({ kind: "dpop", jkt }) as const),
  fc.constant({ kind: "hmac" } as const),
);
const wish: fc.Arbitrary<DelegationWish> = fc.record({
  agent: fc.constantFrom(...["lead", "helper", "third", "fourth"].map((bot) => name(bot))),
  tenant: fc.constant("acme"),
  environment: fc.constant("prod"),
  scope: fc.option(scopes, { nil: undefined }),
  data,
  rows,
  limits,
  binding,
});
const root: fc.Arbitrary<Session> = fc.record({ scope: scopes, data, rows, limits, binding }).map((held) => ({
  id: "ses_root",
  tenant: "acme",
  environment: "prod",
  workflow: "support",
  agent: name("lead"),
  user: "ana",
  userProof: "asserted",
  task: "T",
  run: "ses_root",
  grant: "client_credentials",
  lineage: [],
  actors: [],
  issuedAt: new Date(0),
  expiresAt: new Date(300_000),
  ...held,
}));
const chain = fc.tuple(root, fc.array(wish, { minLength: 1, maxLength: 5 }));

/** A root and whatever of these wishes can be had one from the other. */
function grown(first: Session, wishes: readonly DelegationWish[]): Session {
  return wishes.reduce<Session>((delegator, each, index) => {
    const got = delegate(delegator, each);
    return "error" in got ? delegator : child(delegator, each, got, `ses_${index}`);
  }, first);
}

function child(delegator: Session, { agent, binding: bound }: DelegationWish, got: Delegated, id: string): Session {
  return { ...delegator, ...got, id, agent, binding: bound, delegator, grant: "token_exchange" };
}

const holds = (above: Session, scopes: readonly string[]): boolean =>
  scopes.every((asked) => above.scope.some((held) => covers(held, asked)));

test("what a chain holds is held by every session above it", () => {
  fc.assert(
    fc.property(chain, ([first, wishes]) => {
      const [leaf, ...above] = chainOf(grown(first, wishes));
      for (const each of above) {
        expect(holds(each, leaf?.scope ?? [])).toBe(true);
        for (const key of ["calls", "records", "cost"] as const) {
          if (each.limits[key] !== undefined) expect(leaf?.limits[key]).toBeLessThanOrEqual(each.limits[key]);
        }
        for (const [key, value] of Object.entries(each.data)) expect(leaf?.data[key]).toEqual(value);
      }
    }),
    { numRuns: CHAINS },
  );
});

test("every row bound of a chain is kept by the session that set it, and the chain keeps every session", () => {
  fc.assert(
    fc.property(chain, ([first, wishes]) => {
      const all = chainOf(grown(first, wishes));
      const [leaf, ...above] = all;
      expect(above.map(({ id }) => id).toReversed()).toEqual(leaf?.lineage);
      expect(all.at(-1)?.rows).toEqual(first.rows);
    }),
    { numRuns: CHAINS },
  );
});

test("no chain is deeper than three, comes back to an agent, or loosens how its sender proves itself", () => {
  fc.assert(
    fc.property(chain, ([first, wishes]) => {
      const all = chainOf(grown(first, wishes));
      expect(all.length).toBeLessThanOrEqual(4);
      const agents = all.map(({ agent }) => agent).filter((agent, index, list) => agent !== list[index - 1]);
      expect(new Set(agents).size).toBe(agents.length);
      const loosened = all.findIndex(({ binding: bound }) => bound.kind !== "bearer");
      expect(all.slice(0, Math.max(loosened, 0)).every(({ binding: bound }) => bound.kind !== "bearer")).toBe(true);
      expect(all[0]?.actors).toEqual(agents.slice(1));
    }),
    { numRuns: CHAINS },
  );
});

test("attenuation is transitive: what two steps give, one step with the same wishes could have had", () => {
  fc.assert(
    fc.property(root, wish, wish, (first, one, two) => {
      const leaf = grown(first, [one, two]);
      const direct = delegate(first, {
        ...two,
        scope: leaf.scope,
        data: leaf.data,
        limits: leaf.limits,
        binding: leaf.binding,
        agent: name("fifth"),
      });
      if (leaf.lineage.length === 0 || "error" in direct) return;
      expect(direct).toMatchObject({ scope: leaf.scope, data: leaf.data });
      expect(direct.limits).toEqual(leaf.limits);
    }),
    { numRuns: CHAINS },
  );
});

test("asking for less never gives more", () => {
  fc.assert(
    fc.property(root, wish, (first, asked) => {
      const [all, less] = [delegate(first, { ...asked, scope: undefined }), delegate(first, asked)];
      if ("error" in all || "error" in less) return;
      expect(less.scope.every((each) => all.scope.some((held) => covers(held, each)))).toBe(true);
    }),
    { numRuns: CHAINS },
  );
});

test("covering is reflexive and transitive", () => {
  fc.assert(
    fc.property(scope, scope, scope, (a, b, c) => {
      expect(covers(a, a)).toBe(true);
      if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
    }),
    { numRuns: CHAINS },
  );
});

test.each(["tenant", "environment"] as const)("nothing is delegated into another %s", (place) => {
  fc.assert(
    fc.property(root, wish, (first, asked) => {
      expect(delegate(first, { ...asked, [place]: "elsewhere" })).toMatchObject({ error: "invalid_target" });
    }),
    { numRuns: 200 },
  );
});
