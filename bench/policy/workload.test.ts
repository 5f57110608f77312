import { expect, test } from "vitest";
import { actionsIn, typeOf } from "./rules.ts";
import type { Rule } from "./rules.ts";
import { makeWorkload } from "./workload.ts";
import type { Question, Workload } from "./workload.ts";

function bearing({ rules }: Workload, { agent, action, record }: Question): readonly Rule[] {
  return rules.filter(
    (rule) =>
      (rule.role === undefined || agent.roles.includes(rule.role)) &&
      actionsIn(rule.scope).includes(action) &&
      typeOf(rule.tool) === record.type,
  );
}

function holds({ when }: Rule, { agent, record, context }: Question): boolean {
  return when.every(({ of, field, is, to }) => {
    const left = (of === "resource" ? record.attributes : context)[field] ?? Number.NaN;
    const right = ("principal" in to ? agent.attributes[to.principal] : to.value) ?? Number.NaN;
    return { "==": left === right, "!=": left !== right, "<=": left <= right, ">": left > right }[is];
  });
}

test("the same size gives the same workload, so that runs can be compared", () => {
  expect(makeWorkload(100, 50)).toEqual(makeWorkload(100, 50));
  expect(makeWorkload(100, 50).rules.map((rule) => rule.id)).toHaveLength(100);
});

test("a folder of 10000 policies has as many that bear on a question as one of 10", () => {
  const mean = (size: number): number => {
    const workload = makeWorkload(size, 200);
    return workload.questions.reduce((sum, question) => sum + bearing(workload, question).length, 0) / 200;
  };
  expect(mean(10)).toBeGreaterThan(1);
  expect(Math.abs(mean(10) - mean(10_000))).toBeLessThan(0.5);
});

test("permits alone would allow more at every size, so the forbids decide something", () => {
  for (const size of [10, 100, 1_000, 10_000]) {
    const workload = makeWorkload(size, 200);
    const of = (effect: Rule["effect"], question: Question): boolean =>
      bearing(workload, question).some((rule) => rule.effect === effect && holds(rule, question));
    const permitted = workload.questions.filter((question) => of("permit", question));
    const forbidden = permitted.filter((question) => of("forbid", question));
    expect(permitted.length).toBeGreaterThan(70);
    expect(forbidden.length).toBeGreaterThan(5);
  }
});
