import type { PersonConfig, Policy } from "@bailiwick/policy";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escalatesAt, type Question, rolesAsked, standingOf } from "../../src/domain/answering.ts";
import { barredFrom } from "../../src/domain/barred.ts";
import type { Duty } from "../../src/domain/duty.ts";

const ROLES = ["lead", "finance", "security", "operator"] as const;
const PEOPLE = ["ada", "ben", "cleo", "dana"] as const;
const CREATED = new Date("2026-11-26T10:00:00Z");
const MINUTE = 60_000;
const at = (minutes: number): Date => new Date(CREATED.getTime() + minutes * MINUTE);

const roles = fc.uniqueArray(fc.constantFrom(...ROLES), { maxLength: 3 });
const people = fc.tuple(roles, roles, roles, roles).chain((all) =>
  fc.array(fc.uniqueArray(fc.constantFrom("acme", "globex"), { minLength: 1 }), { minLength: 4, maxLength: 4 }).map((tenants) =>
    PEOPLE.map((id, place): PersonConfig => ({
      id,
      name: id,
      email: `${id}@acme.example`,
      tenants: tenants[place] ?? [],
      roles: all[place] ?? [],
    })),
  ),
);
const duty = fc
  .record({
    from: fc.constantFrom(...PEOPLE),
    to: fc.constantFrom(...PEOPLE),
    roles,
    begins: fc.integer({ min: -10, max: 10 }),
    lasts: fc.integer({ min: 1, max: 20 }),
    revoked: fc.boolean(),
    tenant: fc.constantFrom("acme", "globex"),
  })
  .filter(({ from, to }) => from !== to)
  .map(({ begins, lasts, revoked, ...rest }): Duty => ({
    ...rest,
    id: "dty_1",
    begins: at(begins),
    ends: at(begins + lasts),
    reason: "away",
    ...(revoked ? { revokedAt: at(begins) } : {}),
  }));
const question = fc
  .record({ approvers: roles, also: roles, escalate: fc.option(roles, { nil: undefined }), afterMinutes: fc.integer({ min: 1, max: 10 }) })
  .map(({ approvers, also, escalate, afterMinutes }): Question => ({
    approvers,
    terms: {
      count: 1,
      also: also.length === 0 ? [] : [{ by: also, count: 1 }],
      stepUp: false,
      ...(escalate === undefined ? {} : { escalate: { afterMs: afterMinutes * MINUTE, to: escalate } }),
    },
    answers: [],
    createdAt: CREATED,
  }));
const situation = fc.record({
  question,
  people,
  duties: fc.array(duty, { maxLength: 4 }),
  barred: fc.uniqueArray(fc.constantFrom(...PEOPLE), { maxLength: 2 }),
  minute: fc.integer({ min: 0, max: 15 }),
  who: fc.integer({ min: 0, max: 3 }),
});

function personAt(all: readonly PersonConfig[], place: number): PersonConfig {
  const found = all[place];
  if (found === undefined) throw new Error("there are four");
  return found;
}

/** A deputy of somebody barred who is asked for nothing themselves is a rare draw. */
const MANY = { numRuns: 3_000 };

describe("who may answer", () => {
  test("is never somebody who is barred, by themselves or through a deputy", () => {
    fc.assert(
      fc.property(situation, ({ question: asked, people: all, duties, barred, minute, who }) => {
        const person = personAt(all, who);
        const standing = standingOf(asked, person, { duties, people: all, barred, now: at(minute) });
        if (barred.includes(person.id as (typeof PEOPLE)[number])) expect(standing).toBeUndefined();
        if (standing?.onDutyFor !== undefined) expect(barred).not.toContain(standing.onDutyFor);
      }),
      MANY,
    );
  });

  test("answers in roles that are asked for and are held by who lends them, and in no other", () => {
    fc.assert(
      fc.property(situation, ({ question: asked, people: all, duties, barred, minute, who }) => {
        const person = personAt(all, who);
        const standing = standingOf(asked, person, { duties, people: all, barred, now: at(minute) });
        if (standing === undefined) return;
        const holder = all.find(({ id }) => id === (standing.onDutyFor ?? person.id));
        expect(standing.roles.length).toBeGreaterThan(0);
        for (const role of standing.roles) {
          expect(holder?.roles).toContain(role);
          expect(rolesAsked(asked, at(minute))).toContain(role);
        }
      }),
      MANY,
    );
  });

  test("is whoever a plain reading of the rules says", () => {
    fc.assert(
      fc.property(situation, ({ question: asked, people: all, duties, barred, minute, who }) => {
        const person = personAt(all, who);
        const now = at(minute);
        const { approvers, terms } = asked;
        const escalated = terms.escalate !== undefined && minute * MINUTE >= terms.escalate.afterMs ? terms.escalate.to : [];
        const wanted = new Set([...approvers, ...escalated, ...terms.also.flatMap(({ by }) => by)]);
        const lends = duties.some((each) => {
          const away = all.find(({ id }) => id === each.from);
          const inForce = each.revokedAt === undefined && each.begins <= now && now < each.ends;
          const lent = away?.roles.filter((role) => each.roles.length === 0 || each.roles.includes(role)) ?? [];
          return (
            inForce &&
            each.to === person.id &&
            !barred.some((id) => id === each.from) &&
            away?.tenants.includes(each.tenant) === true &&
            lent.some((role) => wanted.has(role))
          );
        });
        const may = !barred.some((id) => id === person.id) && (person.roles.some((role) => wanted.has(role)) || lends);
        expect(standingOf(asked, person, { duties, people: all, barred, now }) !== undefined).toBe(may);
      }),
      MANY,
    );
  });

  test("is nobody where no role is asked", () => {
    fc.assert(
      fc.property(situation, ({ question: asked, people: all, duties, barred, who }) => {
        const nobody: Question = { ...asked, approvers: [], terms: { count: 1, also: [], stepUp: false } };
        expect(standingOf(nobody, personAt(all, who), { duties, people: all, barred, now: at(0) })).toBeUndefined();
      }),
      MANY,
    );
  });
});

test("when it escalates is said beforehand, and no longer once it has", () => {
  const asked: Question = {
    approvers: ["lead"],
    terms: { count: 1, also: [], stepUp: false, escalate: { afterMs: 10 * MINUTE, to: ["operator"] } },
    answers: [],
    createdAt: CREATED,
  };
  expect(escalatesAt(asked, at(9))).toEqual(at(10));
  expect(escalatesAt(asked, at(10))).toBeUndefined();
  expect(rolesAsked(asked, at(9))).toEqual(["lead"]);
  expect(rolesAsked(asked, at(10))).toEqual(["lead", "operator"]);
});

describe("people who never answer", () => {
  const policy: Pick<Policy, "people" | "agents"> = {
    people: PEOPLE.map((id) => ({ id, name: id, email: `${id}@acme.example`, tenants: ["acme"], roles: [] })),
    agents: [],
  };

  test("are those it is asked for, however their name is written", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PEOPLE), fc.boolean(), fc.constantFrom("", " ", "\t"), fc.boolean(), (id, asEmail, blank, upper) => {
        const name = asEmail ? `${id}@acme.example` : id;
        expect(barredFrom(policy, { people: [`${blank}${upper ? name.toUpperCase() : name}${blank}`], agents: [] })).toEqual([id]);
      }),
    );
  });

  test("are nobody where the user is no person of the policy", () => {
    expect(barredFrom(policy, { people: ["u-17", ""], agents: ["bailiwick://acme/prod/x/y"] })).toEqual([]);
  });
});
