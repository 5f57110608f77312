import { type ChildProcess, spawn } from "node:child_process";
import type { Buffer } from "node:buffer";
import { STDIN_GRACE_MS, TERM_GRACE_MS } from "./limits.ts";

export interface ChildOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (text: string) => void;
  /** Called once, also when the program cannot be started. */
  readonly onExit: (why: string) => void;
}

export interface Child {
  /** False when the child is gone: nothing was written. */
  write(text: string): boolean;
  stop(): Promise<void>;
}

/**
 * Starts a tool server in a process group of its own, so that stopping it takes its descendants along.
 * Its environment is exactly `environment`: nothing of the broker's own leaks in.
 */
export function startChild(options: ChildOptions): Child {
  const [program, ...args] = options.command;
  const child = spawn(program ?? "", args, {
    env: { ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  LIVE.add(child);
  stopAllOnExit();
  let ended = false;
  let gone = false;
  const { promise: exited, resolve: onGone } = Promise.withResolvers<void>();

  function leave(why: string): void {
    if (gone) return;
    gone = true;
    LIVE.delete(child);
    options.onExit(why);
    onGone();
  }

  child.stdout.on("data", options.onStdout);
  child.stderr.setEncoding("utf8").on("data", options.onStderr);
  // A write to a child that just died; its exit is reported by itself.
  child.stdin.on("error", () => undefined);
  child.on("error", (error) => leave(`\`${program ?? ""}\` cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    ended = true;
    const why = signal === null ? `it exited with code ${code ?? "?"}` : `it was ended by ${signal}`;
    // What it wrote last may still be in the pipe; a descendant may hold the pipe open for ever.
    child.on("close", () => leave(why));
    setTimeout(() => leave(why), PIPE_DRAIN_MS);
  });

  return {
    write(text) {
      if (ended || gone || !child.stdin.writable) return false;
      child.stdin.write(text);
      return true;
    },
    async stop() {
      child.stdin.end();
      for (const [signal, graceMs] of STEPS) {
        if (await settled(exited, graceMs)) break;
        signalGroup(child, signal);
      }
      await exited;
      // The leader may be gone while a grandchild that ignored the closed pipe still runs.
      signalGroup(child, "SIGKILL");
    },
  };
}

/** How long the pipes of an ended child are still read. */
const PIPE_DRAIN_MS = 200;

const STEPS: readonly (readonly [NodeJS.Signals, number])[] = [
  ["SIGTERM", STDIN_GRACE_MS],
  ["SIGKILL", TERM_GRACE_MS],
];

/** Children of this process, stopped when it ends without having closed its connections. */
const LIVE = new Set<ChildProcess>();
let hooked = false;

function stopAllOnExit(): void {
  if (hooked) return;
  hooked = true;
  process.on("exit", () => {
    for (const child of LIVE) signalGroup(child, "SIGKILL");
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has gone already.
  }
}

async function settled(promise: Promise<void>, withinMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), withinMs);
  const done = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return done;
}
