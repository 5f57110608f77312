import { expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { onServer } from "../support/server-statement.ts";
import { testStore } from "../support/store.ts";
import { intentOf, outcomeOf, refusalOf, sessionOf } from "./samples.ts";
import { saidBy } from "../support/said.ts";

test("calls of a broker that is gone get one outcome `unknown`, also when two brokers look at once; those of living ones stay", async () => {
  const opened = await testStore({ brokerId: "one" });
  const join = (brokerId: string): ReturnType<typeof openStore> =>
    openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId });
  const [two, gone] = [await join("two"), await join("gone")];
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "s1" }));
  for (const [store, broker] of [
    [opened.store, "one"],
    [two, "two"],
    [gone, "gone"],
  ] as const) {
    for (const call of ["ended", "open", "held", "looked"]) {
      const callId = `call_${broker}_${call}`;
      if (call === "held" || call === "looked") await store.log.append("acme", { ...intentOf(callId, broker), kind: "lookup" });
      else await store.log.intend("acme", intentOf(callId, broker), { session: "s1", reservations: [], instead: refusalOf });
      if (call === "ended") await store.log.append("acme", outcomeOf(callId, broker));
      if (call === "held") await store.log.append("acme", { ...outcomeOf(callId, broker), kind: "hold" });
    }
  }
  await gone.close();
  const counts = await Promise.all(
    [opened.store, two, opened.store, two].map((store) => store.log.surfaceUnknown("acme", new Date("2030-01-01T00:00:00Z"))),
  );
  expect(counts.reduce((sum, count) => sum + count)).toBe(2);
  const unknown = await two.log.query("acme", { status: "unknown", limit: 10 });
  expect(unknown.map((record) => record.callId).toSorted()).toEqual(["call_gone_looked", "call_gone_open"]);
  expect(saidBy(unknown[0])).toMatchObject({
    at: "2030-01-01T00:00:00.000Z",
    tool: "tickets",
    action: "tickets:update",
    broker: "gone",
  });
  expect(await two.log.surfaceUnknown("acme", new Date())).toBe(0);
  expect(await verifyLog(two, "acme")).toMatchObject({ ok: true });
  await two.close();
  await opened.close();
});

test("a broker that starts again under its old name finds what it left open, and not what it opens now", async () => {
  const opened = await testStore({ brokerId: "watcher" });
  const first = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "same" });
  await first.log.append("acme", { ...intentOf("call_left", "same"), kind: "intent" });
  await first.close();
  const second = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "same" });
  await second.log.append("acme", { ...intentOf("call_now", "same"), kind: "intent" });
  expect(await second.log.surfaceUnknown("acme", new Date())).toBe(1);
  expect(await second.log.query("acme", { status: "unknown", limit: 10 })).toMatchObject([{ callId: "call_left" }]);
  await second.close();
  await opened.close();
});

test("more unknown calls than fit in one transaction are all found", async () => {
  const opened = await testStore({ brokerId: "watcher" });
  await Promise.all(
    Array.from({ length: 450 }, (_, index) =>
      opened.store.log.append("acme", { ...intentOf(`call_${index}`, "never lived"), kind: "intent" }),
    ),
  );
  expect(await opened.store.log.surfaceUnknown("acme", new Date())).toBe(450);
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true, records: 900 });
  await opened.close();
});

test("a call whose end a living broker could not write is found once the log can be written again, once", async () => {
  const opened = await testStore({ brokerId: "one" });
  const { log, sessions } = opened.store;
  await sessions.create(sessionOf({ tenant: "acme", id: "s1" }));
  for (const callId of ["call_lost", "call_other"])
    await log.intend("acme", intentOf(callId, "one"), { session: "s1", reservations: [], instead: refusalOf });
  await onServer(
    opened.databaseUrl,
    `create function bailiwick.fail() returns trigger language plpgsql as $$ begin raise exception 'disk' using errcode = '53100'; end $$;
     create trigger fail before insert on bailiwick.records for each statement execute function bailiwick.fail()`,
  );
  await expect(log.append("acme", outcomeOf("call_lost", "one"))).rejects.toMatchObject({ code: "log_unavailable" });
  await expect(log.surfaceUnknown("acme", new Date())).rejects.toMatchObject({ code: "store_unavailable" });
  await onServer(opened.databaseUrl, "drop trigger fail on bailiwick.records");
  expect(await log.surfaceUnknown("acme", new Date())).toBe(1);
  expect(await log.query("acme", { status: "unknown", limit: 10 })).toMatchObject([{ callId: "call_lost" }]);
  const written = (): Promise<boolean> =>
    log.append("acme", outcomeOf("call_other", "one")).then(
      () => true,
      () => false,
    );
  await expect.poll(written, { timeout: 10_000 }).toBe(true);
  expect(await log.surfaceUnknown("acme", new Date())).toBe(0);
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
  await opened.close();
});
