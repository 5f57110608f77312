import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";

const TESTS = "packages/policy/test";

const LEFT_OUT = [
  // Many random policies, each through every line: they would double the time, and noticed no change that the vectors had not.
  "properties",
  "checks-properties",
  "matrix-decisions",
  "cedar/conformance",
  // About loading a folder, and they read files that are not in Stryker's copy.
  "checks",
  "checks-rules",
  "load-again",
  // All its cases run in a hook, where Stryker cannot tell which test they belong to, and would run every test for every change.
  "cedar/differential",
  // Starts programs, and those run the unchanged sources.
  "readme",
];

/** Run last, slowest at the end: the first failing test ends the run of a changed program. */
const SLOW = ["cedar/policy-index", "cedar/attacks", "cedar/values", "cedar/satisfiable", "traps", "residual"];

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => slownessOf(a) - slownessOf(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

function slownessOf({ moduleId }: TestSpecification): number {
  return SLOW.findIndex((name) => moduleId.endsWith(`/${TESTS}/${name}.test.ts`));
}

const shared = {
  exclude: LEFT_OUT.map((name) => `${TESTS}/${name}.test.ts`),
  setupFiles: ["tools/mutation/repeatable.ts"],
  testTimeout: 60_000,
  env: { BAILIWICK_FUZZ_CASES: process.env["BAILIWICK_FUZZ_CASES"] ?? "200" },
};

// oxlint-disable-next-line import/no-default-export -- the form that Vitest reads
export default defineConfig({
  test: {
    sequence: { sequencer: QuickFirst },
    projects: [
      // Each file in a worker of its own: they drive the official library into faults, after which its memory cannot be trusted.
      { test: { ...shared, name: "cedar", include: [`${TESTS}/cedar/*.test.ts`], sequence: { groupOrder: 1 } } },
      // All files in one worker, which loads the sources once. Stryker starts a new one for the next changed program.
      { test: { ...shared, name: "policy", include: [`${TESTS}/*.test.ts`], isolate: false, sequence: { groupOrder: 2 } } },
    ],
  },
});
