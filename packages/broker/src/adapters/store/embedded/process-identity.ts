import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * When a process started, in the system's own terms: equal texts for one pid mean one process, whatever the clock does.
 * Undefined when no such process runs.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
    if (stat === undefined) return undefined;
    // The command name may hold spaces and parentheses: fields are counted after the last one (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
    return `${boot.trim()}:${fields[19] ?? ""}`;
  }
  const listed = await run("ps", ["-o", "lstart=", "-p", String(pid)]).catch(() => undefined);
  const start = listed?.stdout.trim();
  return start === undefined || start === "" ? undefined : start;
}

/** Whether process `pid` is a PostgreSQL server working in `folder`. */
export async function isPostmasterOf(pid: number, folder: string): Promise<boolean> {
  if ((await startOf(pid)) === undefined) return false;
  if (process.platform === "linux") {
    return (await readlink(`/proc/${pid}/cwd`).catch(() => "")) === folder;
  }
  const listed = await run("ps", ["-o", "command=", "-p", String(pid)]).catch(() => undefined);
  return listed !== undefined && listed.stdout.includes("postgres") && listed.stdout.includes(folder);
}
