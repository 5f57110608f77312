import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../../../domain/fault.ts";
import { errorCode } from "./binaries.ts";
import { startOf } from "./process-identity.ts";

/** How often a lock that changes under our eyes is looked at again before giving up. */
const MAX_ATTEMPTS = 20;

/**
 * Takes the folder for this process; the returned function gives it back.
 * A lock whose process is gone (pid and start time are compared) is taken over by exactly one of those who try.
 * @throws Fault `store_unavailable`, naming the pid of the broker that holds the folder.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "broker.lock");
  const mine = JSON.stringify({ pid: process.pid, start: (await startOf(process.pid)) ?? "", nonce: randomBytes(8).toString("hex") });
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await writeFile(temporary, mine, { mode: 0o600, flag: "wx" });
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (await claim(temporary, path)) return () => release(path, mine);
      const found = await readFile(path, "utf8").catch(() => undefined);
      if (found === undefined) continue;
      const holder = await liveHolder(found);
      if (holder !== undefined) throw held(folder, holder);
      if (await takeOver(path, found, temporary, mine)) return () => release(path, mine);
    }
  } finally {
    await rm(temporary, { force: true });
  }
  throw new Fault("store_unavailable", `the lock \`${path}\` keeps changing hands; start one broker at a time on this folder`);
}

async function claim(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Replaces a dead broker's lock. Whoever makes the marker may replace it, and looks once more before doing so:
 * a slower rival that read the same dead lock then finds another text and starts over.
 */
async function takeOver(path: string, dead: string, temporary: string, mine: string): Promise<boolean> {
  const marker = `${path}.takeover`;
  if (!(await claim(temporary, marker))) {
    const rival = await readFile(marker, "utf8").catch(() => undefined);
    if (rival !== undefined && (await liveHolder(rival)) === undefined) await rm(marker, { force: true });
    return false;
  }
  try {
    if ((await readFile(path, "utf8").catch(() => undefined)) !== dead) return false;
    const replacement = `${temporary}.new`;
    await writeFile(replacement, mine, { mode: 0o600, flag: "wx" });
    await rename(replacement, path);
    return true;
  } finally {
    await rm(marker, { force: true });
  }
}

async function liveHolder(text: string): Promise<number | undefined> {
  const lock = parseLock(text);
  if (lock === undefined) return undefined;
  return (await startOf(lock.pid)) === lock.start ? lock.pid : undefined;
}

function parseLock(text: string): { readonly pid: number; readonly start: string } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value) || !("start" in value)) return undefined;
    return typeof value.pid === "number" && typeof value.start === "string" ? { pid: value.pid, start: value.start } : undefined;
  } catch {
    return undefined;
  }
}

function held(folder: string, pid: number): Fault {
  return new Fault(
    "store_unavailable",
    `another broker (process ${pid}) already runs on the data folder \`${folder}\`; stop it, or give this one its own data folder`,
  );
}

async function release(path: string, mine: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => undefined)) === mine) await rm(path, { force: true });
}
