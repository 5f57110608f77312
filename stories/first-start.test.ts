import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { BIN, temporaryFolder } from "./program.ts";

/** The demo makes a database, starts six tool servers and plays a whole scenario. */
const TIME_MS = 90_000;

interface Line {
  readonly step?: number;
  readonly shows?: string;
  readonly check?: string;
  readonly ok: boolean;
}

test(
  "`demo --once --json` plays the whole scenario as it is written, exits 0, and leaves no process behind",
  { timeout: TIME_MS },
  async () => {
    const run = start(["demo", "--once", "--json", "--port", "0"]);
    const code = await run.closed;
    expect(code, run.everything().slice(-2000)).toBe(0);
    const lines = run
      .stdout()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    expect(lines.filter((line) => !line.ok)).toEqual([]);
    expect(lines.filter((line) => line.step !== undefined).length).toBeGreaterThanOrEqual(12);
    expect(await processesLeft(run.mark)).toEqual([]);
  },
);

test(
  "the first screen says where everything is, shows four calls, and gives the command that approves the waiting one",
  { timeout: TIME_MS },
  async () => {
    const home = await temporaryFolder();
    const run = start(["demo", "--port", "0", "--data", join(home.path, "data")]);
    try {
      while (!/npx bailiwick approvals approve apr_\S+ --as \w+/.test(run.everything())) {
        if (run.child.exitCode !== null) throw new Error(`it ended with ${run.child.exitCode}:\n${run.everything()}`);
        await setTimeout(100);
      }
      const screen = run.everything();
      expect(screen).toMatch(/http:\/\/127\.0\.0\.1:\d+\/mcp/);
      expect(screen).toContain(join(home.path, "data"));
      expect(screen).toMatch(/exposed  nothing outside this machine/);
      expect(screen).toContain("field_not_permitted");
    } finally {
      run.child.kill("SIGINT");
      await run.closed;
      await home.remove();
    }
    expect(await processesLeft(run.mark)).toEqual([]);
  },
);

function start(args: readonly string[]): {
  readonly child: ReturnType<typeof spawn>;
  readonly mark: string;
  /** Resolves with the exit code. */
  readonly closed: Promise<unknown>;
  stdout(): string;
  everything(): string;
} {
  const mark = randomUUID();
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, STORY_MARK: mark }, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close").then(([code]: unknown[]) => code);
  let stdout = "";
  let everything = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    everything += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => (everything += chunk.toString()));
  return { child, mark, closed, stdout: () => stdout, everything: () => everything };
}

/** Command lines of processes that inherited the mark; a process that is just ending gets a moment. */
async function processesLeft(mark: string): Promise<readonly string[]> {
  for (let tries = 0; ; tries += 1) {
    const left = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && fileOf(name, "environ").includes(mark));
    if (left.length === 0 || tries === 50) return left.map((pid) => fileOf(pid, "cmdline").replaceAll("\0", " "));
    await setTimeout(100);
  }
}

function fileOf(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
