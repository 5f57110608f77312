import { spawn, spawnSync } from "node:child_process";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { expect, test } from "vitest";
import { lockFolder } from "../../src/adapters/store/embedded/folder-lock.ts";
import { openStore, startEmbedded } from "../../src/adapters/store/index.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { dataFolder, serversOn } from "./embedded-folder.ts";
import { outcomeOf } from "./samples.ts";

const TIMEOUT_MS = 120_000;

test("the embedded server listens on no port, is durable, runs as no superuser of the machine, and stops with its store", async () => {
  const folder = await dataFolder();
  const server = await startEmbedded({ folder: folder.path });
  const client = new Client({ connectionString: server.ownerUrl("postgres") });
  await client.connect();
  const { rows } = await client.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name in ('listen_addresses', 'fsync', 'full_page_writes', 'synchronous_commit', 'ssl') order by name",
  );
  await client.end();
  expect(rows.map((row) => `${row.name}=${row.setting}`)).toEqual([
    "fsync=on",
    "full_page_writes=on",
    "listen_addresses=",
    "ssl=off",
    "synchronous_commit=on",
  ]);
  expect(await serversOn(folder.path)).toEqual([server.pid()]);
  expect((await stat(`/proc/${server.pid()}`)).uid).not.toBe(0);
  await server.close();
  await server.close();
  expect(await serversOn(folder.path)).toEqual([]);
  await folder.remove();
});

test("a second broker on the same folder is refused, naming the first, which goes on", async () => {
  const folder = await dataFolder();
  const store = await openStore({ dataFolder: folder.path }, { brokerId: "first" });
  const second = openStore({ dataFolder: folder.path }, { brokerId: "second" });
  await expect(second).rejects.toMatchObject({ code: "store_unavailable", message: expect.stringContaining(`process ${process.pid}`) });
  expect(await store.health()).toMatchObject({ ok: true });
  await store.close();
  const third = await openStore({ dataFolder: folder.path }, { brokerId: "third" });
  await third.close();
  await folder.remove();
});

test("of many that find a dead broker's lock at once, exactly one takes the folder", async () => {
  const folder = await dataFolder();
  await writeFile(join(folder.path, "broker.lock"), JSON.stringify({ pid: 999_999, start: "long ago", nonce: "x" }));
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder.path)));
  const taken = attempts.filter((attempt) => attempt.status === "fulfilled");
  expect(taken).toHaveLength(1);
  await taken[0]?.value();
  const free = await lockFolder(folder.path);
  await free();
  await folder.remove();
});

test("a lock whose number now belongs to another process is not mistaken for a living broker", async () => {
  const folder = await dataFolder();
  await writeFile(join(folder.path, "broker.lock"), JSON.stringify({ pid: process.pid, start: "another time", nonce: "x" }));
  const free = await lockFolder(folder.path);
  await free();
  await folder.remove();
});

test("a postmaster.pid whose number now belongs to a stranger does not stop the start", async () => {
  const folder = await dataFolder();
  const first = await startEmbedded({ folder: folder.path });
  await first.close();
  const stranger = spawn("sleep", ["60"], { stdio: "ignore", ...((process.geteuid?.() ?? 1) === 0 ? { uid: 65534, gid: 65534 } : {}) });
  await writeFile(join(folder.path, "postgres", "server", "data", "postmaster.pid"), `${stranger.pid}\n`);
  const again = await startEmbedded({ folder: folder.path });
  expect(stranger.exitCode).toBeNull();
  await again.close();
  stranger.kill();
  await folder.remove();
});

test(
  "a server that dies is started again, and records are written again",
  async () => {
    const folder = await dataFolder();
    const store = await openStore({ dataFolder: folder.path }, { brokerId: "b" });
    await store.log.append("acme", outcomeOf("call_1", "b"));
    const [pid] = await serversOn(folder.path);
    expect(pid).toBeDefined();
    process.kill(pid ?? 0, "SIGKILL");
    await expect.poll(async () => (await serversOn(folder.path)).filter((each) => each !== pid).length, { timeout: 20_000 }).toBe(1);
    await expect.poll(async () => (await store.health()).ok, { timeout: 20_000 }).toBe(true);
    await store.log.append("acme", outcomeOf("call_2", "b"));
    expect(await verifyLog(store, "acme")).toMatchObject({ ok: true });
    await expect.poll(async () => (await store.health()).ok, { timeout: 10_000 }).toBe(true);
    await store.close();
    await folder.remove();
  },
  TIMEOUT_MS,
);

test("a folder with a path too long for a socket works", async () => {
  const folder = await dataFolder();
  const deep = join(folder.path, "a".repeat(60), "b".repeat(60));
  await mkdir(deep, { recursive: true });
  await chmod(folder.path, 0o711);
  const server = await startEmbedded({ folder: deep });
  const socket = new URL(server.ownerUrl("postgres").replace("@/", "@local/")).searchParams.get("host") ?? "";
  expect(socket.startsWith(tmpdir())).toBe(true);
  expect(socket.startsWith(deep)).toBe(false);
  await server.close();
  await expect(stat(socket)).rejects.toMatchObject({ code: "ENOENT" });
  await folder.remove();
});

test("a start that was interrupted while making the database is made good", async () => {
  const folder = await dataFolder();
  await mkdir(join(folder.path, "postgres", "server", "data.new"), { recursive: true });
  await writeFile(join(folder.path, "postgres", "server", "data.new", "PG_VERSION"), "18\n");
  const server = await startEmbedded({ folder: folder.path });
  await server.close();
  await folder.remove();
});

test("the root key and the owner's password are the broker's alone", async () => {
  const folder = await dataFolder();
  const store = await openStore({ dataFolder: folder.path }, { brokerId: "b" });
  await store.close();
  for (const file of ["root-key", "postgres/owner-password"]) {
    expect((await stat(join(folder.path, file))).mode & 0o777, file).toBe(0o600);
  }
  const log = await readFile(join(folder.path, "postgres", "server.log"), "utf8");
  expect(log).not.toContain((await readFile(join(folder.path, "postgres", "owner-password"), "utf8")).trim());
  await folder.remove();
});

test.runIf(process.geteuid?.() === 0)(
  "root's data folder below one that only root may enter works, also with a long path (needs root)",
  async () => {
    const folder = await dataFolder();
    for (const inside of [join(folder.path, "data"), join(folder.path, "a".repeat(60), "b".repeat(60))]) {
      const store = await openStore({ dataFolder: inside }, { brokerId: "first" });
      await store.log.append("acme", outcomeOf("call_1", "first"));
      const second = openStore({ dataFolder: inside }, { brokerId: "second" });
      await expect(second).rejects.toMatchObject({ message: expect.stringContaining(`process ${process.pid}`) });
      await store.close();
      const again = await openStore({ dataFolder: inside }, { brokerId: "again" });
      expect(await again.log.read("acme", 0, 10)).toHaveLength(1);
      expect(await serversOn(inside)).toHaveLength(1);
      await again.close();
      expect(await serversOn(inside)).toEqual([]);
    }
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
    await folder.remove();
  },
  TIMEOUT_MS,
);

test("a lost password is told at once, not waited for", async () => {
  const folder = await dataFolder();
  await (await startEmbedded({ folder: folder.path })).close();
  await writeFile(join(folder.path, "postgres", "owner-password"), "other");
  await expect(startEmbedded({ folder: folder.path })).rejects.toMatchObject({
    code: "store_unavailable",
    message: expect.stringContaining("owner-password"),
  });
  expect(await serversOn(folder.path)).toEqual([]);
  await folder.remove();
});

/** The server must be able to start in it; the rest fills in seconds. */
const SMALL_DISK_MB = 170;
const mountable = process.geteuid?.() === 0 && tryMount();

test.runIf(mountable)(
  "on a full disk nothing is confirmed that is not written, and with room again the log goes on whole (needs root and mount)",
  async () => {
    const folder = await dataFolder();
    mount(folder.path, SMALL_DISK_MB);
    try {
      const store = await openStore({ dataFolder: folder.path }, { brokerId: "b" });
      const { confirmed, failure } = await fill(store.log);
      expect(failure).toMatchObject({
        name: "Fault",
        code: "log_unavailable",
        message: expect.stringMatching(/cannot be written since .*disk space/),
      });
      expect(confirmed.length).toBeGreaterThan(0);
      spawnSync("mount", ["-o", `remount,size=${SMALL_DISK_MB + 200}m`, folder.path]);
      await expect
        .poll(
          () =>
            store.log.append("acme", outcomeOf("call_after", "b")).then(
              () => "written",
              () => "failed",
            ),
          { timeout: 60_000, interval: 300 },
        )
        .toBe("written");
      const found = new Set((await readAllIds(store)).values());
      expect(confirmed.filter((callId) => !found.has(callId))).toEqual([]);
      expect(await verifyLog(store, "acme")).toMatchObject({ ok: true });
      await store.close();
    } finally {
      spawnSync("umount", ["-l", folder.path]);
      await rm(folder.path, { recursive: true, force: true });
    }
  },
  TIMEOUT_MS,
);

async function fill(
  log: Awaited<ReturnType<typeof openStore>>["log"],
): Promise<{ readonly confirmed: readonly string[]; readonly failure: unknown }> {
  const confirmed: string[] = [];
  let failure: unknown;
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    for (let call = 0; failure === undefined && call < 10_000; call++) {
      const callId = `call_${caller}_${call}`;
      const noise = Array.from({ length: 2_000 }, () => Math.random().toString(36)).join("");
      try {
        await log.append("acme", { ...outcomeOf(callId, "b"), facts: { noise } });
        confirmed.push(callId);
      } catch (error) {
        failure ??= error;
      }
    }
  });
  await Promise.all(callers);
  return { confirmed, failure };
}

async function readAllIds(store: Awaited<ReturnType<typeof openStore>>): Promise<readonly string[]> {
  const ids: string[] = [];
  for (;;) {
    const page = await store.log.read("acme", ids.length, 1_000);
    if (page.length === 0) return ids;
    ids.push(...page.map((record) => record.callId));
  }
}

function mount(path: string, megabytes: number): void {
  const done = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path]);
  if (done.status !== 0) throw new Error(`mount failed: ${done.stderr.toString()}`);
}

function tryMount(): boolean {
  const probe = "/tmp/bailiwick-mount-probe";
  spawnSync("mkdir", ["-p", probe]);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", probe]).status === 0;
  if (mounted) spawnSync("umount", [probe]);
  spawnSync("rmdir", [probe]);
  return mounted;
}
