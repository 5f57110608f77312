import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "examples/**/*.test.ts",
      "stories/**/*.test.ts",
      "attacks/**/*.test.ts",
      "tools/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    globalSetup: ["packages/broker/test/support/global-postgres.ts", "packages/broker/test/support/global-browser.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Half of a test's time goes by in PostgreSQL, a browser or a broker of its own: one file at a time leaves a small machine idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    coverage: { provider: "v8", include: ["packages/*/src/**/*.ts"], reportsDirectory: "coverage" },
  },
});
