import { expect, test } from "vitest";
import { agreedVerdicts } from "./contender.ts";
import type { InProcess } from "./contender.ts";
import { makeWorkload } from "./workload.ts";

const { questions } = makeWorkload(10, 6);

function answering(name: string, verdicts: readonly boolean[]): InProcess {
  return { kind: "in process", name, loadMs: 0, batch: 1, decide: (question) => verdicts[question] ?? false };
}

test("contenders that answer alike give the verdicts that every later answer is held against", async () => {
  const verdicts = [true, false, true, true, false, false];
  await expect(agreedVerdicts([answering("a", verdicts), answering("b", verdicts)], questions)).resolves.toEqual(verdicts);
});

test("a contender that differs stops the bench, which says who differed how often and on what", async () => {
  const contenders = [
    answering("a", [true, false, true, true, false, false]),
    answering("b", [true, false, true, true, false, false]),
    answering("c", [true, false, false, true, true, false]),
  ];
  const what = questions[2]?.action;
  await expect(agreedVerdicts(contenders, questions)).rejects.toThrow(`c on 2 of 6 questions, first number 2: ${what} by agent`);
  await expect(agreedVerdicts(contenders, questions)).rejects.not.toThrow("b on");
});
