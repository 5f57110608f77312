import { expect, test } from "vitest";
import { filesInFolder, filesOfCorpus } from "../../../../tools/conformance/cedar-files.ts";
import type { TestFiles } from "../../../../tools/conformance/cedar-files.ts";
import { runTest, testsIn } from "../../../../tools/conformance/cedar-suite.ts";
import { needsSharedData } from "../../../../tools/needs.ts";

/** The whole corpus is read, parsed and answered; seconds on an idle machine. */
const TIMEOUT_MS = 120_000;

test("every request of Cedar's hand-written suites is answered as they say", (context) => {
  const { files, passed, failures } = run(filesInFolder(needsSharedData(context, "cedar")));
  expect(failures).toEqual([]);
  expect(files).toBeGreaterThan(20);
  expect(passed).toBeGreaterThan(60);
});

test("every request of Cedar's generated corpus is answered as it says", { timeout: TIMEOUT_MS }, (context) => {
  const { files, passed, failures } = run(filesOfCorpus(needsSharedData(context, "cedar/corpus-tests.tar.gz")));
  expect(failures).toEqual([]);
  expect(files).toBeGreaterThan(3_900);
  expect(passed).toBeGreaterThan(31_000);
});

function run(files: TestFiles): { readonly files: number; readonly passed: number; readonly failures: readonly unknown[] } {
  const results = testsIn(files).map((path) => runTest(files, path));
  return {
    files: results.length,
    passed: results.reduce((sum, result) => sum + result.passed, 0),
    failures: results.flatMap(({ path, failures }) => failures.map((failure) => ({ path, ...failure }))),
  };
}
