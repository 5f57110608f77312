import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const BIN = fileURLToPath(new URL("../../bin/bailiwick.js", import.meta.url));

/** A started `bailiwick witness run`. */
export interface WitnessProcess {
  readonly url: string;
  readonly process: ChildProcess;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts the program; rejects with what it said when it ended instead. */
export async function startWitnessProcess(args: readonly string[]): Promise<WitnessProcess> {
  const child = spawn(process.execPath, [BIN, "--json", "witness", "run", "--port", "0", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, "close");
  const first = await Promise.race([once(createInterface(child.stdout), "line"), ended.then(() => undefined)]);
  if (first === undefined) throw new Error(said);
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(String(first[0])));
  return {
    url,
    process: child,
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}
