import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inject, expect, test } from "vitest";
import { openPool } from "../../src/adapters/store/connections.ts";
import { startEmbedded } from "../../src/adapters/store/embedded/server.ts";
import { serverUser } from "../../src/adapters/store/embedded/server-user.ts";
import { openStore } from "../../src/adapters/store/index.ts";
import { dataFolder } from "../store/embedded-folder.ts";
import { outcomeOf } from "../store/samples.ts";
import { rowsOf } from "./alone.ts";
import { faultyLine } from "./faulty-line.ts";
import { onOwnDatabase } from "./own-database.ts";

/** Single faults that the points beside found in the store, each at its exact place. */

test("a connection that breaks between two statements of a transaction does not end the process", async () => {
  const pool = openPool(inject("postgresUrl"));
  const client = await pool.connect();
  await client.query("begin");
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  // `once` of node:events would listen for the error as well, and so hide what this test is about.
  const ended = new Promise<void>((settle) => client.once("end", settle));
  await rowsOf(inject("postgresUrl"), `select pg_terminate_backend(${Number(rows[0]?.pid)})`);
  await ended;
  client.release(true);
  await pool.end();
});

test("a record whose connection turns out to be closed when it is written is written over another one", async () => {
  await onOwnDatabase(async (place) => {
    const line = await faultyLine(place.store.databaseUrl);
    const store = await openStore({ ...place.store, databaseUrl: line.url }, { brokerId: "b" });
    await store.log.append("acme", outcomeOf("call_1", "b"));
    // Right after input has come in, the writer's turn is before that of the news that the line is closed: it writes, and gets EPIPE.
    await readFile(import.meta.filename);
    line.takeDown();
    line.restore();
    expect(await store.log.append("acme", outcomeOf("call_2", "b"))).toMatchObject({ index: 1 });
    await store.close();
    await line.close();
  });
});

test.runIf(process.platform === "linux")(
  "a server killed together with its broker is started again although its number still stands in the system's table",
  async () => {
    const folder = await dataFolder();
    await (await startEmbedded({ folder: folder.path })).close();
    const { pid, reap } = await deadButUnreaped();
    const server = join(folder.path, "postgres", "server");
    await writeFile(join(server, "data", "postmaster.pid"), `${pid}\n${join(server, "data")}\n`);
    await writeFile(join(server, "socket", ".s.PGSQL.5432.lock"), `${pid}\n${join(server, "data")}\n`);
    await (await startEmbedded({ folder: folder.path })).close();
    await reap();
    await folder.remove();
  },
);

/** A process of the server's user that has ended and whose parent never asks how. */
async function deadButUnreaped(): Promise<{ readonly pid: number; reap(): Promise<void> }> {
  const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"], {
    ...(await serverUser()),
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(parent, "exit");
  const pid = Number(await new Promise<string>((settle) => parent.stdout.once("data", (said: Buffer) => settle(said.toString().trim()))));
  await expect.poll(() => readFile(`/proc/${pid}/stat`, "utf8"), { timeout: 5_000 }).toContain(") Z ");
  return {
    pid,
    reap: async () => {
      parent.kill();
      await gone;
    },
  };
}
