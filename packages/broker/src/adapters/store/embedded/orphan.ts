import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../../domain/fault.ts";
import { isPostmasterOf, startOf } from "./process-identity.ts";

/** How long an orphan may take for a fast shutdown (it writes a checkpoint) before it is told to stop at once. */
const FAST_SHUTDOWN_MS = 30_000;
/** How long it may take after being told to stop at once; its write-ahead log keeps what was committed. */
const IMMEDIATE_SHUTDOWN_MS = 10_000;

/**
 * Stops a server that a killed broker left behind in `data`, so that two never run on one folder.
 * The caller holds the folder's lock. Returns the pid that was stopped.
 * @throws Fault `store_unavailable` when it does not stop.
 */
export async function stopOrphan(data: string): Promise<number | undefined> {
  const pidFile = join(data, "postmaster.pid");
  const pid = Number.parseInt((await readFile(pidFile, "utf8").catch(() => "")).split("\n")[0] ?? "", 10);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  if (await isPostmasterOf(pid, data)) {
    if (await signalAndWait(pid, data, "SIGINT", FAST_SHUTDOWN_MS)) return pid;
    if (await signalAndWait(pid, data, "SIGQUIT", IMMEDIATE_SHUTDOWN_MS)) return pid;
    throw new Fault(
      "store_unavailable",
      `an earlier PostgreSQL (process ${pid}) on \`${data}\` does not stop; stop it by hand, then start again`,
    );
  }
  // A pid file whose number now belongs to a stranger would stop PostgreSQL from starting. A dead number is left to
  // PostgreSQL, which also looks for children of the old server by the shared memory named in that file.
  if ((await startOf(pid)) !== undefined && !(await anyoneWorksIn(data))) await rm(pidFile, { force: true });
  return undefined;
}

async function signalAndWait(pid: number, data: string, signal: "SIGINT" | "SIGQUIT", withinMs: number): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch {
    return !(await isPostmasterOf(pid, data));
  }
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 20) {
    if (!(await isPostmasterOf(pid, data))) return true;
    await sleep(20);
  }
  return false;
}

async function anyoneWorksIn(data: string): Promise<boolean> {
  const entries = await readdir("/proc").catch(() => []);
  for (const entry of entries) {
    if (/^\d+$/.test(entry) && (await isPostmasterOf(Number(entry), data))) return true;
  }
  return false;
}
