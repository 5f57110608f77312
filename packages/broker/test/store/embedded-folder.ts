import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A data folder of its own; `remove` takes it away. */
export async function dataFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "bailiwick-data-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Pids of the PostgreSQL servers (not their children) that work in this data folder now. */
export async function serversOn(folder: string): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return cwd.startsWith(folder) && command.includes("\0-D\0") && state !== "Z" ? [{ pid: Number(pid), parent: Number(parent) }] : [];
    }),
  );
  const servers = found.flat();
  // A server that has just forked a process of its own is seen twice until that process has renamed itself.
  return servers.filter(({ parent }) => !servers.some(({ pid }) => pid === parent)).map(({ pid }) => pid);
}
