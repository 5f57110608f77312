import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { testStore } from "../support/store.ts";
import { outcomeOf, sessionOf } from "./samples.ts";

/** As the promise has it: a minute under load. */
const LOAD_MS = 60_000;
/** Long enough for both to have signed checkpoints over the other's records. */
const KILL_AFTER_MS = 40_000;

test(
  "two brokers append to one log for a minute and one is killed: the log verifies, without gap or fork, and has all that was confirmed",
  { timeout: 180_000 },
  async () => {
    const opened = await testStore({ brokerId: "watcher" });
    await opened.store.sessions.create(
      sessionOf({ tenant: "acme", id: "s1", expiresAt: new Date(Date.now() + 290_000), issuedAt: new Date(Date.now() - 1_000) }),
    );
    const [killed, stays] = [broker(opened, "killed"), broker(opened, "stays")];
    await Promise.all([killed.ready, stays.ready]);
    await sleep(KILL_AFTER_MS);
    killed.process.kill("SIGKILL");
    await sleep(LOAD_MS - KILL_AFTER_MS);
    stays.process.kill("SIGTERM");
    await Promise.all([killed.gone, stays.gone]);

    const confirmed = new Map([...killed.confirmed, ...stays.confirmed]);
    expect(confirmed.size).toBe(killed.confirmed.length + stays.confirmed.length);
    expect([killed.confirmed.length > 500, stays.confirmed.length > 500]).toEqual([true, true]);
    const unknown = await opened.store.log.surfaceUnknown("acme", new Date());
    const verified = await verifyLog(opened.store, "acme");
    expect(verified).toMatchObject({ ok: true });
    expect(verified.checkpoints).toBeGreaterThan(20);
    for (let index = 0; index < verified.records; index += 1_000) {
      const page = await opened.store.log.read("acme", index, 1_000);
      for (const [place, record] of page.entries()) {
        expect(record.index).toBe(index + place);
        const callId = confirmed.get(record.index);
        if (callId !== undefined && callId !== record.callId)
          throw new Error(`record ${record.index} was confirmed as ${callId} and is ${record.callId}`);
        confirmed.delete(record.index);
      }
    }
    expect([...confirmed]).toEqual([]);
    // The killed broker's eight callers were each in the middle of a call, or between two.
    expect(unknown).toBeLessThanOrEqual(8);
    expect(await opened.store.log.inFlight("acme")).toEqual([]);
    await opened.close();
  },
);

test("a log in a database of its own: limits are taken in the one, records are in the other, and the log verifies", async () => {
  const [main, apart] = [await testStore(), await testStore()];
  await Promise.all([main.store.close(), apart.store.close()]);
  const store = await openStore(
    { databaseUrl: main.databaseUrl, logDatabaseUrl: apart.databaseUrl, rootKey: main.rootKey },
    { brokerId: "apart" },
  );
  await store.sessions.create(sessionOf({ tenant: "acme", id: "s1" }));
  const reservations = [{ key: "two for ada", max: 2, windowMs: 86_400_000, amount: 1 }];
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, (_, call) =>
      store.log.intend(
        "acme",
        { ...outcomeOf(`call_${call}`, "apart"), kind: "intent" },
        {
          session: "s1",
          reservations,
          instead: (why) => ({
            ...outcomeOf(`call_${call}`, "apart"),
            kind: "refusal",
            body: { at: new Date().toISOString(), code: why.why },
          }),
        },
      ),
    ),
  );
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(2);
  expect(outcomes.filter((each) => !each.ok)).toMatchObject(
    Array.from({ length: 3 }, () => ({ why: "over_limit", key: "two for ada", used: 2, max: 2 })),
  );
  expect(await verifyLog(store, "acme")).toMatchObject({ ok: true, records: 5 });
  expect(await countIn(main.databaseUrl, "records")).toBe(0);
  expect(await countIn(apart.databaseUrl, "records")).toBe(5);
  expect(await countIn(apart.databaseUrl, "limit_counters")).toBe(0);
  expect(await countIn(apart.databaseUrl, "subjects")).toBe(0);
  await store.close();
  await Promise.all([main.close(), apart.close()]);
});

interface LoadedBroker {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  readonly gone: Promise<unknown>;
  readonly confirmed: [number, string][];
}

function broker({ databaseUrl, rootKey }: { readonly databaseUrl: string; readonly rootKey: string }, name: string): LoadedBroker {
  const child = spawn(process.execPath, [join(import.meta.dirname, "load-two.ts"), databaseUrl, rootKey, name, "s1"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const confirmed: [number, string][] = [];
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<void>((settle) => {
    lines.on("line", (line) => {
      if (line === "ready") return settle();
      const [index = "", callId] = line.split(" ");
      // The last line of a killed process may be cut short.
      if (callId !== undefined && callId.split("_").length === 4) confirmed.push([Number(index), callId]);
    });
  });
  return { process: child, ready, gone: Promise.all([once(child, "exit"), once(lines, "close")]), confirmed };
}

async function countIn(databaseUrl: string, table: string): Promise<number> {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  const { rows } = await owner.query<{ count: number }>(`select count(*)::int as count from bailiwick.${table}`);
  await owner.end();
  return rows[0]?.count ?? 0;
}
