import { type Policy, type PolicyFile, type PolicyTestReport, runTests } from "@bailiwick/policy";
import type { Command } from "commander";
import type { Cli } from "./cli.ts";
import { readApprovalsConfig, rolesOfPeople } from "../approvals-config.ts";
import { readLogConfig, requireTenants } from "../log-config.ts";
import { readNotifyConfig, requireNames } from "../notify-config.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { count, diagnosticsText, openPolicyFolder } from "./policy-folder.ts";

/** Rules without a test that are named one by one; the rest is counted. */
const MAX_LISTED_RULES = 20;

/** `bailiwick check [folder]`: reads the policy folder, says all that is wrong, and runs its tests. Needs no broker. */
export function addCheck(program: Command, cli: Cli): void {
  program
    .command("check [folder]")
    .description("checks a policy folder and runs its tests")
    .option("--strict", "warnings and failed coverage count as problems too")
    .action(async (folder: string | undefined, options: { strict?: boolean }) => check(cli, folder, options.strict === true));
}

async function check(cli: Cli, name: string | undefined, strict: boolean): Promise<void> {
  const opened = await openPolicyFolder(cli, name);
  if (opened === undefined) return;
  const { folder, shown, files, policy } = opened;
  await checkConfig(folder, policy);
  const report = runTests(policy, files, cli.io.now());
  const ok = report.failed.length === 0 && !(strict && (policy.warnings.length > 0 || report.unexercised.length > 0));
  cli.answer(
    { ok, folder, version: policy.version, warnings: policy.warnings, tests: report },
    `${diagnosticsText(policy.warnings)}${testsText(report)}${summary(shown, policy, files)}`,
  );
  if (!ok) cli.exitWith(EXIT.refused);
}

/** @throws CliFailure for a `log.yaml`, `approvals.yaml` or `notify.yaml` that a broker does not start with. */
async function checkConfig(folder: string, policy: Policy): Promise<void> {
  const { tenants, people } = policy;
  try {
    requireTenants(await readLogConfig(folder), tenants);
    await readApprovalsConfig(folder, { tenants, roles: rolesOfPeople(people) });
    requireNames(await readNotifyConfig(folder), policy);
  } catch (error) {
    throw new CliFailure("refused", error instanceof Error ? error.message : "the folder's settings cannot be used", [
      "a broker does not start with it",
    ]);
  }
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
