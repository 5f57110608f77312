import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Question, tally } from "../../src/domain/answering.ts";
import type { ApprovalAnswer } from "../../src/domain/approval.ts";
import { answerOf } from "../store/approval-sample.ts";

const ROLES = ["lead", "finance", "security", "operator"] as const;
const PEOPLE = ["ada", "ben", "cleo", "dana", "eve"] as const;
const CREATED = new Date("2026-11-26T10:00:00Z");
/** Nothing has escalated yet. */
const SOON = new Date(CREATED.getTime() + 1_000);

const roles = fc.uniqueArray(fc.constantFrom(...ROLES), { minLength: 1, maxLength: 3 });
const group = fc.record({ by: roles, count: fc.integer({ min: 1, max: 2 }) });
const terms = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  also: fc.array(group, { maxLength: 2 }),
  stepUp: fc.boolean(),
});
const yes = fc.record({ by: fc.constantFrom(...PEOPLE), roles, onDutyFor: fc.option(fc.constantFrom(...PEOPLE), { nil: undefined }) });

/** Yeses of people, each in their own name and once. */
const ownYeses = fc
  .uniqueArray(fc.record({ by: fc.constantFrom(...PEOPLE), roles }), { selector: ({ by }) => by, maxLength: 5 })
  .map((all) => all.map((each) => answerOf("approve", each)));
const anyYeses = fc
  .array(yes, { maxLength: 8 })
  .map((all) => all.filter(({ by, onDutyFor }) => by !== onDutyFor).map((each) => answerOf("approve", each)));

function asked(approvers: readonly string[], how: Question["terms"], answers: readonly ApprovalAnswer[]): Question {
  return { approvers, terms: how, answers, createdAt: CREATED };
}

function placesOf({ count, also }: Question["terms"]): number {
  return also.reduce((sum, each) => sum + each.count, count);
}

describe("a question to several people", () => {
  test("is never decided by fewer people than it has places, whoever answers for whom and how often", () => {
    fc.assert(
      fc.property(roles, terms, anyYeses, (approvers, how, answers) => {
        const { complete, groups } = tally(asked(approvers, how, answers), SOON);
        const counting = groups.flatMap((each) => each.yes);
        expect(new Set(counting).size).toBe(counting.length);
        if (complete) expect(new Set(answers.map(({ by }) => by)).size).toBeGreaterThanOrEqual(placesOf(how));
        // Somebody and who answers for them are one voice.
        if (complete) expect(new Set(answers.map(({ by, onDutyFor }) => onDutyFor ?? by)).size).toBeGreaterThanOrEqual(placesOf(how));
      }),
    );
  });

  test("counts each person for a group that one of their roles answers for, and no more than the group has places", () => {
    fc.assert(
      fc.property(roles, terms, ownYeses, (approvers, how, answers) => {
        for (const { by, count, yes: counted } of tally(asked(approvers, how, answers), SOON).groups) {
          expect(counted.length).toBeLessThanOrEqual(count);
          for (const person of counted)
            expect(answers.find((answer) => answer.by === person)?.roles.some((role) => by.includes(role))).toBe(true);
        }
      }),
    );
  });

  test("is decided when there is any way at all to seat people so that every place is filled, and only then", () => {
    fc.assert(
      fc.property(roles, terms, ownYeses, (approvers, how, answers) => {
        const question = asked(approvers, how, answers);
        const { complete, groups } = tally(question, SOON);
        const most = mostSeats([{ by: approvers, count: how.count }, ...how.also], answers);
        expect(groups.reduce((sum, each) => sum + each.yes.length, 0)).toBe(most);
        expect(complete).toBe(answers.length > 0 && most === placesOf(how));
      }),
    );
  });

  test("does not care in which order people said yes to the same thing", () => {
    fc.assert(
      fc.property(
        roles,
        terms,
        ownYeses.chain((answers) => fc.tuple(fc.constant(answers), fc.shuffledSubarray(answers, { minLength: answers.length }))),
        (approvers, how, [answers, shuffled]) => {
          expect(tally(asked(approvers, how, shuffled), SOON).complete).toBe(tally(asked(approvers, how, answers), SOON).complete);
        },
      ),
    );
  });

  test("never gains by a yes that came before others to something else", () => {
    fc.assert(
      fc.property(roles, terms, ownYeses, fc.constantFrom("sha256:other", undefined), (approvers, how, answers, digest) => {
        const last = answers.at(-1);
        if (last === undefined) return;
        const changed = [...answers.slice(0, -1), { ...last, argsDigest: digest }];
        const same = digest === undefined;
        const { groups } = tally(asked(approvers, how, changed), SOON);
        if (!same) expect(groups.flatMap((each) => each.yes).filter((by) => by !== last.by)).toEqual([]);
      }),
    );
  });

  test("is not decided once somebody said no", () => {
    fc.assert(
      fc.property(roles, terms, ownYeses, (approvers, how, answers) => {
        const denied = [...answers, answerOf("deny", { by: "zoe", roles: [...ROLES], reason: "no" })];
        expect(tally(asked(approvers, how, denied), SOON).complete).toBe(false);
      }),
    );
  });
});

/** Every way to give people to groups, tried out. */
function mostSeats(
  groups: readonly { readonly by: readonly string[]; readonly count: number }[],
  answers: readonly ApprovalAnswer[],
): number {
  const [first, ...rest] = answers;
  if (first === undefined) return 0;
  const seated = groups.flatMap(({ by, count }, at) =>
    count > 0 && by.some((role) => first.roles.includes(role)) ? [1 + mostSeats(groups.with(at, { by, count: count - 1 }), rest)] : [],
  );
  return Math.max(mostSeats(groups, rest), ...seated);
}

describe("yeses that are to different things", () => {
  const two = { count: 2, also: [], stepUp: false };
  const until = new Date("2026-11-26T12:00:00Z");
  const bounds = { uses: 3, until, within: "session", args: {} } as const;

  test.each([
    ["other arguments", { argsDigest: "sha256:x", args: { id: 2 } }],
    ["several calls instead of one", { bounds }],
  ])("do not count together: %s", (_, last) => {
    const first = answerOf("approve", { by: "ada", roles: ["lead"] });
    const second = answerOf("approve", { by: "ben", roles: ["lead"], ...last });
    const question = asked(["lead"], two, [first, second]);
    expect(tally(question, SOON)).toMatchObject({ complete: false, groups: [{ yes: ["ben"] }] });
    const again = answerOf("approve", { by: "ada", roles: ["lead"], ...last });
    expect(tally({ ...question, answers: [first, second, again] }, SOON).complete).toBe(true);
  });

  test.each([{ uses: 4 }, { until: new Date(until.getTime() + 1) }, { within: "task" as const }, { args: { amount: { max: 10 } } }])(
    "do not count together where the bounds differ in %j",
    (differs) => {
      const answers = [
        answerOf("approve", { by: "ada", roles: ["lead"], bounds }),
        answerOf("approve", { by: "ben", roles: ["lead"], bounds: { ...bounds, ...differs } }),
      ];
      expect(tally(asked(["lead"], two, answers), SOON).complete).toBe(false);
    },
  );
});

test("somebody who is away and their deputy are one voice, in either order", () => {
  const away = answerOf("approve", { by: "ada", roles: ["lead"] });
  const deputy = answerOf("approve", { by: "ben", roles: ["lead"], onDutyFor: "ada" });
  for (const answers of [
    [away, deputy],
    [deputy, away],
  ])
    expect(tally(asked(["lead"], { count: 2, also: [], stepUp: false }, answers), SOON).complete).toBe(false);
  const other = answerOf("approve", { by: "cleo", roles: ["lead"] });
  expect(tally(asked(["lead"], { count: 2, also: [], stepUp: false }, [deputy, other]), SOON).complete).toBe(true);
});

test("roles that a question escalates to count from that moment on, and for the first group only", () => {
  const how = { count: 1, also: [{ by: ["finance"], count: 1 }], stepUp: false, escalate: { afterMs: 60_000, to: ["operator"] } };
  const answers = [answerOf("approve", { by: "ada", roles: ["operator"] }), answerOf("approve", { by: "ben", roles: ["operator"] })];
  const before = new Date(CREATED.getTime() + 59_999);
  const after = new Date(CREATED.getTime() + 60_000);
  const question = asked(["lead"], how, answers);
  expect(tally(question, before).groups.map((each) => each.yes)).toEqual([[], []]);
  expect(tally(question, after).groups.map((each) => each.yes.length)).toEqual([1, 0]);
  expect(tally(question, after).complete).toBe(false);
});
