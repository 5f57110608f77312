import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The program under test; the variable names another copy, e.g. an installed one. */
export const BIN = process.env["BAILIWICK_BIN"] ?? fileURLToPath(new URL("../packages/broker/bin/bailiwick.js", import.meta.url));

/** How long a started broker may take until it is ready: the first start makes a database. */
const READY_WITHIN_MS = 30_000;
/** How long a stopped broker may take to end by itself before it is killed. */
const STOP_WITHIN_MS = 15_000;

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A broker as a user starts it, in folders of its own. */
export interface Program {
  readonly url: string;
  readonly dataFolder: string;
  readonly process: ChildProcess;
  /** Everything it has written to its terminal so far. */
  output(): string;
  /** Runs a command against it, as on the same machine. */
  run(...args: readonly string[]): Promise<Ended>;
  runWithInput(input: string, ...args: readonly string[]): Promise<Ended>;
  /** `GET /api/v1<path>` with the operator key of the data folder. */
  get(path: string): Promise<unknown>;
  /** Ends it as Ctrl-C does. Returns the exit code. */
  stop(): Promise<number | null>;
}

/** Folders of one test, gone with `remove`. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "bailiwick-story-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Runs one command to its end. */
export function bailiwick(args: readonly string[], options: { readonly cwd?: string; readonly input?: string } = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd: options.cwd, stdio: ["pipe", "pipe", "pipe"] });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
    child.stdin.end(options.input ?? "");
  });
}

/** Starts `bailiwick up` and waits until it announces itself and is ready. @throws Error with what it said when it ends before. */
export async function startProgram(
  folders: { readonly policy: string; readonly data: string },
  more: { readonly args?: readonly string[]; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<Program> {
  const args = ["up", "--policy", folders.policy, "--data", folders.data, "--port", "0", ...(more.args ?? [])];
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...more.environment },
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const output = (): string => `${stdout()}${stderr()}`;
  const url = await readyUrl(child, folders.data, output);
  const command = (input: string, words: readonly string[]): Promise<Ended> => bailiwick([...words, "--data", folders.data], { input });
  return {
    url,
    dataFolder: folders.data,
    process: child,
    output,
    run: (...words) => command("", words),
    runWithInput: (input, ...words) => command(input, words),
    get: (path) => operatorGet(url, folders.data, path),
    stop: () => stop(child),
  };
}

async function operatorGet(url: string, data: string, path: string): Promise<unknown> {
  const key = (await readFile(join(data, "operator.key"), "utf8")).trim();
  const answer = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function readyUrl(child: ChildProcess, data: string, output: () => string): Promise<string> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the broker ended with ${child.exitCode} before it was ready:\n${output()}`);
    const url = await announcedUrl(child, data);
    if (url !== undefined && (await isReady(url))) return url;
    await setTimeout(50);
  }
  await stop(child);
  throw new Error(`the broker was not ready within ${READY_WITHIN_MS} ms:\n${output()}`);
}

/** An announcement of a process that was killed earlier names another pid. */
async function announcedUrl(child: ChildProcess, data: string): Promise<string | undefined> {
  const text = await readFile(join(data, "broker.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { url, pid } = JSON.parse(text) as { url: string; pid: number };
  return pid === child.pid ? url : undefined;
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`).catch(() => undefined);
  return answer?.ok === true;
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGINT");
  const waiting = new AbortController();
  const killed = setTimeout(STOP_WITHIN_MS, undefined, { signal: waiting.signal }).then(
    () => child.kill("SIGKILL"),
    () => false,
  );
  await gone;
  waiting.abort();
  await killed;
  return child.exitCode;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}
