import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second in /proc/<pid>/stat; 100 on every Linux Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds (user and system, all threads) a process has used so far. Zero once it is gone. */
export function cpuSeconds(pid: number): number {
  // Fields 14 and 15 of proc(5), counted after the pid and the command in parentheses.
  const [utime = 0, stime = 0] = (statFields(pid) ?? []).slice(11, 13).map(Number);
  return (utime + stime) / TICKS_PER_SECOND;
}

/** A process and everything below it. */
export function descendants(root: number): readonly number[] {
  const parents = new Map(allPids().map((pid) => [pid, Number(statFields(pid)?.[1] ?? 0)]));
  const found = [root];
  for (const at of found) for (const [pid, parent] of parents) if (parent === at) found.push(pid);
  return found;
}

/** The program's own name of a process. */
export function processName(pid: number): string {
  return (read(`/proc/${pid}/comm`) ?? "").trim();
}

function allPids(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Fields from the third on; undefined when the process is gone. */
function statFields(pid: number): readonly string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
