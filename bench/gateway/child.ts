import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { connect, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";

/** Starts a Node program and waits for the first line on stdout that `ready` accepts. @throws Error with what it said when it ends before. */
export async function startNode(
  args: readonly string[],
  options: { readonly ready: RegExp; readonly environment?: Readonly<Record<string, string>> },
): Promise<{ readonly child: ChildProcess; readonly match: string }> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...options.environment } });
  let said = "";
  const match = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = options.ready.exec(said);
      if (found !== null) resolve(found[1] ?? found[0]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`\`${args.join(" ")}\` ended with ${code} before it was ready: ${said.slice(-2000)}`)));
  });
  return { child, match };
}

/** Starts a Node program that says nothing and waits until `port` accepts connections. @throws Error with what it said when it ends before. */
export async function startNodeOnPort(args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`\`${args.join(" ")}\` ended with ${child.exitCode} before it listened: ${said}`);
    await setTimeout(50);
  }
  return child;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(socket.destroy() === socket));
    socket.once("error", () => resolve(false));
  });
}

/** Ends a child and waits until it is gone; kills it when it does not listen. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const deadline = new AbortController();
  const kill = setTimeout(STOP_WITHIN_MS, undefined, { signal: deadline.signal }).then(
    () => child.kill("SIGKILL"),
    () => false,
  );
  await gone;
  deadline.abort();
  await kill;
}

/** How long a contender may take to end by itself. */
const STOP_WITHIN_MS = 15_000;

/** A port that is free now, for programs that cannot choose one themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
