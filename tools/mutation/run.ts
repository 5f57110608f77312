import { spawn } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatTallies, headline, readReport, scoreOf } from "./report.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CONFIG_NAME = /^stryker\.(.+)\.config\.json$/;

/** Percent of the changed programs that the tests must notice. */
const MIN_SCORE = 90;

/** Exit code when nothing was measured, as opposed to 1: measured, and too little was noticed. */
const FAULT = 3;

const USAGE = `usage: \`npm run mutate -- <target> [--files <glob>] ... [-- <options of stryker>]\`, where target is one of: ${targets().join(", ")}

Changes the target's sources in one place at a time and runs its tests: a change that no test notices is a survivor. Exit 0 when at
least ${MIN_SCORE} % are noticed, 1 when fewer, 2 on wrong usage, 3 when nothing could be measured. \`-- --incremental\` repeats only what
changed in the sources or the tests since the last run with it.
`;

async function main(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options === undefined) return complain(USAGE, 2);
  const { target, globs, forStryker } = options;
  const files = globs.flatMap((glob) => globSync(glob, { cwd: ROOT }));
  if (globs.length > 0 && files.length === 0) return complain(`no file matches \`${globs.join(" ")}\`: give a path below ${ROOT}\n`, 2);

  const report = join(ROOT, `reports/mutation/${target}.json`);
  rmSync(report, { force: true });
  // Globs are resolved here, because Stryker cuts its list at commas and so would cut `{a,b}.ts` in two.
  const end = await stryker([configOf(target), ...(files.length === 0 ? [] : ["--mutate", files.join(",")]), ...forStryker]);
  if (end !== "code 0" || !existsSync(report)) {
    return complain(`nothing was measured: Stryker ended with ${end} and says above what it missed\n`, FAULT);
  }

  const tallies = readReport(JSON.parse(readFileSync(report, "utf8")));
  const score = scoreOf(tallies);
  process.stdout.write(`${formatTallies(tallies)}\naim: at least ${MIN_SCORE} % noticed\n${headline(target, tallies)}\n`);
  if (score === undefined) return complain("none of the changes counts: choose files with code that runs\n", FAULT);
  return score < MIN_SCORE ? 1 : 0;
}

interface Options {
  readonly target: string;
  readonly globs: readonly string[];
  readonly forStryker: readonly string[];
}

function parse(argv: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { files: { type: "string", multiple: true, default: [] } },
    });
    const [target = "", ...forStryker] = positionals;
    const [first = "-"] = forStryker;
    return targets().includes(target) && first.startsWith("-") ? { target, globs: values.files, forStryker } : undefined;
  } catch {
    return undefined;
  }
}

function targets(): readonly string[] {
  return readdirSync(join(ROOT, "tools/mutation")).flatMap((name) => CONFIG_NAME.exec(name)?.[1] ?? []);
}

function configOf(target: string): string {
  return `tools/mutation/stryker.${target}.config.json`;
}

/** Stryker's own words go to stderr, so that stdout holds the result alone. Returns how it ended. */
function stryker(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["node_modules/@stryker-mutator/core/bin/stryker.js", "run", ...args], {
      cwd: ROOT,
      stdio: ["ignore", process.stderr, process.stderr],
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve(code === null ? `signal ${signal ?? "unknown"}` : `code ${code}`);
    });
  });
}

function complain(message: string, code: number): number {
  process.stderr.write(message);
  return code;
}

// Last, because what it uses is initialised above.
process.exitCode = await main(process.argv.slice(2));
