import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A program that says by its exit code whether the tree is in order. */
export interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

/** The checks that are not tests, cheapest first. */
export const CHECKS: readonly Check[] = [
  { name: "format", command: ["oxfmt", "--check", "."] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "console types", command: ["tsc", "-p", "packages/console/app"] },
  { name: "dead code", command: ["knip", "--no-progress"] },
];

/** Runs each check to its end, shows the output of those that fail, and returns the names of the failed ones. */
export async function runChecks(checks: readonly Check[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const check of checks) {
    const started = performance.now();
    const { code, output } = await run(check.command);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(`${code === 0 ? "ok  " : "FAIL"} ${check.name} (${check.command.join(" ")}, ${seconds} s)\n`);
    if (code !== 0) {
      process.stderr.write(`${output}\n`);
      failed.push(check.name);
    }
  }
  return failed;
}

function run(command: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(`${ROOT}node_modules/.bin/${program}`, args, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
