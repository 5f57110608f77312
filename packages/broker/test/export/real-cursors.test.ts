import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { keepsThePromisesOfCursors } from "./cursor-contract.ts";
import { eventually, growingLog, start } from "./delivery-support.ts";
import { webhookReceiver } from "./receivers.ts";

let own: TestStore;
let second: Store;

beforeAll(async () => {
  own = await testStore();
  second = await openStore({ databaseUrl: own.databaseUrl, rootKey: own.rootKey }, { brokerId: "broker-second" });
});

afterAll(async () => {
  await second.close();
  await own.close();
});

/** Ends the connections that hold the lease of a name, as a network that breaks does. */
async function breakLease(name: string): Promise<void> {
  const owner = new Client({ connectionString: own.databaseUrl });
  await owner.connect();
  await owner.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", [`bailiwick export ${name}`]);
  await owner.end();
}

describe("cursors in PostgreSQL", () => {
  keepsThePromisesOfCursors(async () => ({ first: own.store.exportCursors, second: second.exportCursors, breakLease }));
});

test("of two brokers on one PostgreSQL one delivers; when its connection breaks the log goes on without a gap", async () => {
  const log = growingLog(30);
  const receiver = await webhookReceiver();
  const target = { name: "siem", tenant: "acme", format: "jsonl", to: receiver.url } as const;
  const brokers = [start(log, own.store.exportCursors, [target]), start(log, second.exportCursors, [target])];
  const states = () => brokers.map((each) => each.status()[0]?.state);
  await eventually(() => expect(states().toSorted()).toEqual(["delivering", "elsewhere"]));
  await eventually(async () => expect(await second.exportCursors.load("acme/siem")).toBe(30));
  expect(receiver.taken).toHaveLength(1);

  await breakLease("acme/siem");
  log.grow(12);
  await eventually(async () => {
    for (const each of brokers) {
      each.wake("acme");
      each.hand.pass();
    }
    expect(await second.exportCursors.load("acme/siem")).toBe(42);
  });
  const got = receiver.taken.flatMap(({ body }) =>
    body
      .trimEnd()
      .split("\n")
      .map((line) => Number(JSON.parse(line).index)),
  );
  expect(new Set(got)).toEqual(new Set(log.records.map(({ index }) => index)));
  await Promise.all(brokers.map((each) => each.stop()));
  await receiver.close();
});
