import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";
import type { TestModule } from "vitest/node";
import { coverageOf } from "./coverage.ts";
import { CHECKS, runChecks } from "./checks.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COVERED_FOLDERS = ["packages/policy/src", "packages/broker/src/call"];

const USAGE = `usage: \`npm test\`, \`npm test -- --coverage\`, \`npm test -- <path> ...\` (only these tests, without the checks)`;

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

const words = process.argv.slice(2);
const unknown = words.find((word) => word.startsWith("-") && word !== "--coverage");
if (unknown === undefined) {
  process.exitCode = await testAll({ paths: words.filter((word) => !word.startsWith("-")), coverage: words.includes("--coverage") });
} else {
  process.stderr.write(`unknown option \`${unknown}\`; ${USAGE}\n`);
  process.exitCode = 2;
}

async function testAll(options: { readonly paths: readonly string[]; readonly coverage: boolean }): Promise<number> {
  const started = performance.now();
  const checks = options.paths.length === 0 ? CHECKS : [];
  const failedChecks = await runChecks(checks);
  const tally = await runVitest(options);
  if (options.coverage) process.stdout.write(coverageTable());
  reportSkipped(tally);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const failed = tally.failed + failedChecks.length;
  const passed = tally.passed + checks.length - failedChecks.length;
  if (failedChecks.length > 0) process.stdout.write(`\nfailed checks: ${failedChecks.join(", ")}\n`);
  process.stdout.write(`\n${tally.passed} tests and ${checks.length - failedChecks.length} checks passed in ${seconds} s\n`);
  process.stdout.write(`${passed} passed, ${failed} failed, ${tally.skipped.length} skipped\n`);
  // In CI every test must have run: a skip there is a package or data set that .ci/run forgot.
  const skippedInCi = process.env["CI"] === "true" && tally.skipped.length > 0;
  return failed > 0 || skippedInCi || passed === 0 ? 1 : 0;
}

async function runVitest(options: { readonly paths: readonly string[]; readonly coverage: boolean }): Promise<Tally> {
  const vitest = await startVitest([...options.paths], {
    root: ROOT,
    run: true,
    watch: false,
    reporters: ["default"],
    coverage: { enabled: options.coverage, reporter: ["json-summary"], reportOnFailure: true },
  });
  const modules = vitest.state.getTestModules();
  const loose = vitest.state.getUnhandledErrors().length;
  await vitest.close();
  return tallyOf(modules, loose);
}

function tallyOf(modules: readonly TestModule[], looseErrors: number): Tally {
  const skipped: { name: string; why: string }[] = [];
  let passed = 0;
  let failed = looseErrors;
  for (const module of modules) {
    if (module.errors().length > 0) failed += 1;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed") passed += 1;
      else if (result.state === "skipped")
        skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, why: result.note ?? "no reason given" });
      else failed += 1;
    }
  }
  return { passed, failed, skipped };
}

function reportSkipped(tally: Tally): void {
  process.stdout.write(tally.skipped.length === 0 ? "\nskipped: nothing\n" : "\nskipped:\n");
  for (const { name, why } of tally.skipped) process.stdout.write(`  ${name}\n    ${why}\n`);
}

function coverageTable(): string {
  const summary: unknown = JSON.parse(readFileSync(join(ROOT, "coverage/coverage-summary.json"), "utf8"));
  const rows = COVERED_FOLDERS.map((folder) => {
    const { lines, branches } = coverageOf(summary, join(ROOT, folder));
    return `  ${folder.padEnd(28)} ${lines.padStart(7)} ${branches.padStart(9)}\n`;
  });
  return `\n  ${"coverage".padEnd(28)} ${"lines".padStart(7)} ${"branches".padStart(9)}\n${rows.join("")}`;
}
