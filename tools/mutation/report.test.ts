import { expect, test } from "vitest";
import { formatTallies, headline, readReport, scoreOf } from "./report.ts";

const SOURCE = "const a = 1;\nif (a < 2) {\n  go();\n}\n";

function mutant(status: string, changes: object = {}): object {
  const location = { start: { line: 2, column: 5 }, end: { line: 2, column: 10 } };
  return { id: "1", mutatorName: "EqualityOperator", replacement: "a <= 2", location, status, ...changes };
}

function tallies(...mutants: readonly object[]) {
  return readReport({ schemaVersion: "1", files: { "x.ts": { language: "typescript", source: SOURCE, mutants } } });
}

test("the score is the part of the changes that failed a test or did not come to an end", () => {
  expect(scoreOf(tallies(mutant("Killed"), mutant("Timeout"), mutant("Survived"), mutant("Survived")))).toBe(50);
});

test("code that no test reaches lowers the score", () => {
  expect(scoreOf(tallies(mutant("Killed"), mutant("NoCoverage")))).toBe(50);
});

test("changes that were ignored or did not run do not count", () => {
  expect(scoreOf(tallies(mutant("Killed"), mutant("Ignored"), mutant("RuntimeError"), mutant("CompileError")))).toBe(100);
});

test("without a change that counts there is no score, not a perfect one", () => {
  expect(scoreOf(tallies(mutant("Ignored")))).toBeUndefined();
  expect(headline("policy", tallies())).toContain("none noticed");
});

test("a score just below the aim is not rounded up to it", () => {
  const nearly = [...Array.from({ length: 8_996 }, () => mutant("Killed")), ...Array.from({ length: 1_004 }, () => mutant("Survived"))];
  expect(headline("policy", tallies(...nearly))).toBe("mutation policy: 89.9 % noticed, 1004 changes not");
});

test("a survivor is shown with its place, what stood there and what replaced it", () => {
  expect(formatTallies(tallies(mutant("Survived"), mutant("Killed")))).toContain(
    "survived:\n  x.ts:2:5 EqualityOperator\n    - a < 2\n    + a <= 2\n",
  );
});

test("a change of several lines is shown on one", () => {
  const block = { location: { start: { line: 2, column: 12 }, end: { line: 4, column: 2 } }, replacement: "{}" };
  expect(formatTallies(tallies(mutant("Survived", block)))).toContain("    - { go(); }\n    + {}\n");
});

test("timeouts are listed, because a busy machine makes them of survivors", () => {
  expect(formatTallies(tallies(mutant("Timeout")))).toContain("did not come to an end");
});

test("changes are listed in the order of the file", () => {
  const later = { location: { start: { line: 3, column: 3 }, end: { line: 3, column: 5 } } };
  const [tally] = tallies(mutant("Survived", later), mutant("Survived"));
  expect(tally?.changes.map(({ line }) => line)).toEqual([2, 3]);
});
