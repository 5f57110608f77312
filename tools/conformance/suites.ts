import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One of the official scenario sets. */
export interface Suite {
  readonly id: string;
  readonly program: "stable" | "next";
  readonly args: readonly string[];
  /** Which of the scenarios it runs count here. */
  counts(scenario: string, scored: boolean): boolean;
}

/** What one suite found at one server. */
export interface SuiteResult {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** The program's own words on each failed scenario. */
  readonly reasons: Readonly<Record<string, string>>;
  readonly seconds: number;
}

/**
 * `tasks` are the scenarios of the extension, which run beside 2026-07-28 without counting for it;
 * `not scored` are those the suite itself calls pending or younger than the revision.
 */
export const SUITES: readonly Suite[] = [
  { id: "0.1.16 active", program: "stable", args: [], counts: () => true },
  { id: "2025-11-25", program: "next", args: ["--requirements", "2025-11-25"], counts: (_, scored) => scored },
  { id: "2025-11-25 not scored", program: "next", args: ["--requirements", "2025-11-25"], counts: (_, scored) => !scored },
  { id: "2026-07-28", program: "next", args: ["--requirements", "2026-07-28"], counts: (_, scored) => scored },
  { id: "tasks", program: "next", args: ["--requirements", "2026-07-28"], counts: (name) => name.startsWith("tasks-") },
  {
    id: "2026-07-28 not scored",
    program: "next",
    args: ["--requirements", "2026-07-28"],
    counts: (name, scored) => !scored && !name.startsWith("tasks-"),
  },
];

/** Runs the official program once and says how each of its scenarios ended. @throws Error when it ended without a summary. */
export async function runSuites(url: string, suites: readonly Suite[]): Promise<ReadonlyMap<string, SuiteResult>> {
  const results = new Map<string, SuiteResult>();
  const runs = Map.groupBy(suites, (suite) => JSON.stringify([suite.program, suite.args]));
  for (const sharing of runs.values()) {
    const [first] = sharing;
    if (first === undefined) continue;
    const began = performance.now();
    const { scenarios, reasons } = await runProgram(first, url);
    const seconds = (performance.now() - began) / 1000;
    for (const suite of sharing) {
      const mine = scenarios.filter((scenario) => suite.counts(scenario.name, scenario.scored));
      const failed = mine.filter((scenario) => !scenario.ok).map((scenario) => scenario.name);
      const why = Object.fromEntries(failed.map((name) => [name, reasons[name] ?? ""]));
      results.set(suite.id, {
        passed: mine.filter((scenario) => scenario.ok).map((scenario) => scenario.name),
        failed,
        reasons: why,
        seconds,
      });
    }
  }
  return results;
}

interface Scenario {
  readonly name: string;
  readonly ok: boolean;
  readonly scored: boolean;
}

async function runProgram(suite: Suite, url: string): Promise<{ scenarios: readonly Scenario[]; reasons: SuiteResult["reasons"] }> {
  const require = createRequire(import.meta.url);
  const program = require.resolve(
    suite.program === "stable" ? "@modelcontextprotocol/conformance/dist/index.js" : "conformance-next/dist/index.js",
  );
  // It writes into its working directory.
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  try {
    const stdout = await output([program, "server", "--url", url, "--output-dir", join(folder, "results"), ...suite.args], folder);
    const [, summary] = stdout.split("=== SUMMARY ===");
    if (summary === undefined) throw new Error(`the suite \`${suite.id}\` ended without a summary; it said: ${stdout.slice(-500)}`);
    const [, unscored = ""] = summary.split(/^Not scored for /m);
    return { scenarios: parseSummary(summary, unscored), reasons: await reasonsIn(join(folder, "results")) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A scenario without a single check found nothing to test and counts for nobody. */
function parseSummary(summary: string, unscored: string): readonly Scenario[] {
  const lines = summary.matchAll(/^(\S) ([\w-]+): (\d+) passed, (\d+) failed/gm);
  return [...lines].flatMap(([, mark, name = "", passed, failed]) => {
    if (Number(passed) + Number(failed) === 0) return [];
    return [{ name, ok: mark === "✓" && Number(failed) === 0, scored: !new RegExp(`^ +\\S ${name} \\(`, "m").test(unscored) }];
  });
}

/** The messages of the checks that failed, from the files the program writes for each scenario. */
async function reasonsIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const reasons: Record<string, string> = {};
  for (const entry of await readdir(folder)) {
    const name = /^(?:server-)?(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(entry)?.[1];
    if (name === undefined) continue;
    // A scenario that broke off wrote no file.
    const checks: unknown = JSON.parse(await readFile(join(folder, entry, "checks.json"), "utf8").catch(() => "[]"));
    const failed = Array.isArray(checks) ? checks.filter(isFailure) : [];
    if (failed.length > 0) reasons[name] = failed.map((check) => `  ${check.id}: ${check.errorMessage ?? "failed"}`).join("\n");
  }
  return reasons;
}

function isFailure(check: unknown): check is { readonly id: string; readonly errorMessage?: string } {
  return typeof check === "object" && check !== null && "status" in check && check.status === "FAILURE";
}

async function output(args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  const timer = setTimeout(() => child.kill("SIGKILL"), SUITE_TIMEOUT_MS);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const { promise, resolve } = Promise.withResolvers<void>();
  child.on("close", () => resolve());
  await promise;
  clearTimeout(timer);
  return text;
}

/** A session token lives five minutes, and one run must fit into it. */
const SUITE_TIMEOUT_MS = 240_000;
