import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { type CutLine, cutLine } from "./cut-line.ts";
import { intentOf, outcomeOf, refusalOf, sessionOf } from "./samples.ts";
import { saidBy } from "../support/said.ts";

let behind: TestStore;
let line: CutLine;
let store: Store;

beforeEach(async () => {
  behind = await testStore();
  line = await cutLine(behind.databaseUrl);
  store = await openStore({ databaseUrl: line.url, rootKey: behind.rootKey }, { brokerId: "b" });
  await store.sessions.create(sessionOf({ tenant: "acme", id: "s1" }));
});
afterEach(async () => {
  line.restore();
  await store.close();
  await line.close();
  await behind.close();
});

test.each(["request lost", "answer lost", "request late"] as const)(
  "with a %s, records are written once and confirmed with their true place",
  async (mishap) => {
    await store.log.append("acme", outcomeOf("call_before", "b"));
    line.next("append_records", mishap);
    const results = await Promise.all(Array.from({ length: 5 }, (_, index) => store.log.append("acme", outcomeOf(`call_${index}`, "b"))));
    const records = await behind.store.log.read("acme", 0, 100);
    expect(records.map((record) => record.callId).toSorted()).toEqual(["call_0", "call_1", "call_2", "call_3", "call_4", "call_before"]);
    for (const [call, { index }] of results.entries()) {
      expect(records[index]).toMatchObject({ callId: `call_${call}`, index });
    }
    expect(await verifyLog(behind.store, "acme")).toMatchObject({ ok: true, records: 6 });
  },
);

test("a request that arrives after it was given up is refused by the database", async () => {
  line.next("append_records", "request late");
  await store.log.append("acme", outcomeOf("call_1", "b"));
  expect(await line.deliverLate()).toContain("BW001");
  expect(await behind.store.log.read("acme", 0, 100)).toHaveLength(1);
});

test("a refusal whose answer was lost keeps its figures, and takes nothing twice", async () => {
  const reservation = { key: "k", max: 3, windowMs: 86_400_000, amount: 2 };
  const intend = (callId: string): ReturnType<Store["log"]["intend"]> =>
    store.log.intend("acme", intentOf(callId, "b"), { session: "s1", reservations: [reservation], instead: refusalOf });
  line.next("append_records", "answer lost");
  expect(await intend("call_1")).toMatchObject({ ok: true, index: 0 });
  line.next("append_records", "answer lost");
  expect(await intend("call_2")).toMatchObject({ ok: false, why: "over_limit", key: "k", used: 2, max: 3 });
});

test("while the database is away, calls fail and say since when; an intent found later gets its end, and the log goes on", async () => {
  line.next("append_records", "answer lost for good");
  const lost = store.log.intend("acme", intentOf("call_1", "b"), { session: "s1", reservations: [], instead: refusalOf });
  await expect(lost).rejects.toMatchObject({
    name: "Fault",
    code: "log_unavailable",
    message: expect.stringMatching(/since \d{4}-\d\d-\d\dT.*nothing runs unrecorded/),
  });
  const started = performance.now();
  await expect(store.log.append("acme", outcomeOf("call_2", "b"))).rejects.toMatchObject({ code: "log_unavailable" });
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(await store.health()).toMatchObject({ ok: false });
  expect(store.log.outages()).toMatchObject([{ tenant: "acme", refused: 2, agents: ["support"] }]);
  await expect(store.sessions.find("acme", "s1")).rejects.toMatchObject({ code: "store_unavailable" });
  expect(store.listenerFresh()).toBe(false);
  line.restore();
  await expect
    .poll(
      () =>
        store.log.append("acme", outcomeOf("call_3", "b")).then(
          () => "written",
          () => "failed",
        ),
      { timeout: 10_000 },
    )
    .toBe("written");
  const records = await behind.store.log.read("acme", 0, 10);
  const outage = records.find((record) => record.kind === "admin");
  expect(saidBy(outage)).toMatchObject({ event: "log.was_unavailable", refused: expect.any(Number), agents: ["support"] });
  const calls = records.filter((record) => record !== outage);
  expect(calls.map((record) => `${record.kind} ${record.callId}`)).toEqual(["intent call_1", "outcome call_1", "outcome call_3"]);
  expect(saidBy(calls[1])).toMatchObject({ status: "not_sent", code: "log_unavailable", tool: "tickets", broker: "b" });
  await expect.poll(async () => (await store.health()).ok, { timeout: 10_000 }).toBe(true);
});

test("lines that break again and again under load lose nothing that was confirmed and write nothing twice", async () => {
  const mishaps = ["request lost", "answer lost", "request late"] as const;
  const confirmed: string[] = [];
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    for (let call = 0; call < 60; call++) {
      if (caller === 0 && call % 4 === 0) line.next("append_records", mishaps[(call / 4) % 3] ?? "answer lost");
      const { index } = await store.log.append("acme", outcomeOf(`call_${caller}_${call}`, "b"));
      confirmed[index] = `call_${caller}_${call}`;
    }
  });
  await Promise.all(callers);
  const records = await behind.store.log.read("acme", 0, 10_000);
  expect(records).toHaveLength(480);
  expect(records.map((record) => record.callId)).toEqual(confirmed);
  expect(await verifyLog(behind.store, "acme")).toMatchObject({ ok: true, records: 480 });
});

test("two brokers writing one log at once keep one log and one set of limits", async () => {
  const reservation = { key: "shared", max: 30, windowMs: 86_400_000, amount: 1 };
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      (index % 2 === 0 ? store : behind.store).log.intend("acme", intentOf(`call_${index}`, "b"), {
        session: "s1",
        reservations: [reservation],
        instead: refusalOf,
      }),
    ),
  );
  expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(30);
  expect(await verifyLog(store, "acme")).toMatchObject({ ok: true, records: 60 });
});
