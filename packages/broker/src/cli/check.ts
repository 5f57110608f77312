import { relative, resolve } from "node:path";
import { type Diagnostic, formatDiagnostic, load, type Policy, type PolicyFile, type PolicyTestReport, runTests } from "@bailiwick/policy";
import type { Command } from "commander";
import { readPolicyFolder } from "../config/read-folder.ts";
import type { Cli } from "./cli.ts";
import { CliFailure, EXIT } from "./failure.ts";

/** Rules without a test that are named one by one; the rest is counted. */
const MAX_LISTED_RULES = 20;

/** `bailiwick check [folder]`: reads the policy folder, says all that is wrong, and runs its tests. Needs no broker. */
export function addCheck(program: Command, cli: Cli): void {
  program
    .command("check [folder]")
    .description("checks a policy folder and runs its tests")
    .option("--strict", "warnings and failed coverage count as problems too")
    .action(async (folder: string | undefined, options: { strict?: boolean }) =>
      check(cli, resolve(cli.io.cwd, folder ?? "."), options.strict === true),
    );
}

async function check(cli: Cli, folder: string, strict: boolean): Promise<void> {
  const files = await readPolicyFolder(folder).catch((error: unknown) => {
    throw new CliFailure(
      "usage",
      `cannot read the policy folder \`${folder}\`: ${error instanceof Error ? error.message : "unknown cause"}`,
      ["name the folder that holds `bailiwick.yaml`"],
    );
  });
  const shown = relative(cli.io.cwd, folder) || ".";
  const loaded = load(files);
  if (!loaded.ok) {
    const errors = loaded.diagnostics.filter((one) => one.severity === "error").length;
    cli.answer(
      { ok: false, folder, diagnostics: loaded.diagnostics },
      `${diagnosticsText(loaded.diagnostics)}${shown}: ${count(errors, "error")}; a broker keeps the version before\n`,
    );
    cli.exitWith(EXIT.refused);
    return;
  }
  const report = runTests(loaded.policy, files, cli.io.now());
  const ok = report.failed.length === 0 && !(strict && (loaded.policy.warnings.length > 0 || report.unexercised.length > 0));
  cli.answer(
    { ok, folder, version: loaded.policy.version, warnings: loaded.policy.warnings, tests: report },
    `${diagnosticsText(loaded.policy.warnings)}${testsText(report)}${summary(shown, loaded.policy, files)}`,
  );
  if (!ok) cli.exitWith(EXIT.refused);
}

function diagnosticsText(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((one) => `${formatDiagnostic(one)}\n\n`).join("");
}

function testsText(report: PolicyTestReport): string {
  const failures = report.failed.map(
    (failure) =>
      `${failure.at.file}:${failure.at.line}  failed  ${failure.name}\n  expected  ${failure.expected}\n  actual    ${failure.actual}\n${failure.rules
        .map((rule) => `  rule      ${rule.kind} ${rule.id}, ${rule.at.file}:${rule.at.line}\n`)
        .join("")}\n`,
  );
  const untested = report.unexercised
    .slice(0, MAX_LISTED_RULES)
    .map((rule) => `  ${rule.at.file}:${rule.at.line}  ${rule.kind} ${rule.id}\n`);
  const more = report.unexercised.length - untested.length;
  const coverage =
    untested.length === 0
      ? ""
      : `no test reaches ${count(report.unexercised.length, "rule")}:\n${untested.join("")}${more > 0 ? `  and ${more} more\n` : ""}\n`;
  return `${failures.join("")}${coverage}tests: ${report.passed} passed, ${report.failed.length} failed\n`;
}

function summary(folder: string, policy: Policy, files: readonly PolicyFile[]): string {
  const parts = [
    count(files.length, "file"),
    count(policy.agents.length, "agent"),
    count(policy.tools.length, "tool"),
    count(policy.warnings.length, "warning"),
  ];
  return `${folder}: ${parts.join(", ")}; version ${policy.version.slice(0, 19)}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
