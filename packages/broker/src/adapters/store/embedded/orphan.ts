import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../../domain/fault.ts";
import { errorCode } from "./binaries.ts";
import { isPostmasterOf } from "./process-identity.ts";

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
  const orphaned = await isPostmasterOf(pid, data);
  if (
    orphaned &&
    !(await signalAndWait(pid, data, "SIGINT", FAST_SHUTDOWN_MS)) &&
    !(await signalAndWait(pid, data, "SIGQUIT", IMMEDIATE_SHUTDOWN_MS))
  ) {
    throw new Fault(
      "store_unavailable",
      `an earlier PostgreSQL (process ${pid}) on \`${data}\` does not stop; stop it by hand, then start again`,
    );
  }
  await forget(pid, data);
  return orphaned ? pid : undefined;
}

/**
 * PostgreSQL takes any process of the number in its lock files for the old server and refuses to start: a stranger, and also a dead process that
 * nobody has reaped yet (for ever, in a container whose first process does not). A number that is free is left to PostgreSQL, which also looks
 * for processes of the old server by the shared memory named in the file.
 */
async function forget(pid: number, data: string): Promise<void> {
  // The processes of a killed postmaster outlive it by a moment.
  for (let waitedMs = 0; waitedMs < IMMEDIATE_SHUTDOWN_MS && (await anyoneWorksIn(data)); waitedMs += 20) await sleep(20);
  if (!isTaken(pid) || (await anyoneWorksIn(data))) return;
  for (const file of [join(data, "postmaster.pid"), join(dirname(data), "socket", ".s.PGSQL.5432.lock")]) await rm(file, { force: true });
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

function isTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) !== "ESRCH";
  }
}

async function anyoneWorksIn(data: string): Promise<boolean> {
  const entries = await readdir("/proc").catch(() => []);
  for (const entry of entries) {
    if (/^\d+$/.test(entry) && (await isPostmasterOf(Number(entry), data))) return true;
  }
  return false;
}
