import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { adminRecord } from "../../src/domain/admin-record.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { onServer } from "../support/server-statement.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { outcomeOf } from "./samples.ts";

let opened: TestStore;
let other: Store;
beforeEach(async () => {
  opened = await testStore();
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
});
afterEach(async () => {
  await other.close();
  await opened.close();
});

test("a proof that fails half way leaves nothing counted twice in later checkpoints", async () => {
  const { log, evidence } = opened.store;
  await log.append("acme", outcomeOf("call_0", "b"));
  await evidence.settle("acme");
  for (let from = 1; from < 300; from += 50)
    await Promise.all(Array.from({ length: 50 }, (_, place) => other.log.append("acme", outcomeOf(`call_${from + place}`, "b"))));
  await other.evidence.settle("acme");
  await onServer(
    opened.databaseUrl,
    `create function bailiwick.fail() returns trigger language plpgsql as $$ begin raise exception 'disk' using errcode = '53100'; end $$;
     create trigger fail before insert on bailiwick.tiles for each row execute function bailiwick.fail()`,
  );
  await expect(evidence.proveSequence("acme", { kind: "agent", name: "agent" })).rejects.toThrow("disk full");
  await onServer(opened.databaseUrl, "drop trigger fail on bailiwick.tiles");
  await log.append("acme", outcomeOf("call_last", "b"));
  await evidence.settle("acme");
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
});

test("whoever waits for one log's checkpoints keeps no other log from being written or signed", { timeout: 60_000 }, async () => {
  const { log, evidence } = opened.store;
  await log.append("acme", outcomeOf("call_0", "b"));
  const elsewhere = new Client({ connectionString: opened.databaseUrl });
  await elsewhere.connect();
  await elsewhere.query("begin");
  await elsewhere.query("select pg_advisory_xact_lock(hashtextextended('bailiwick.checkpoint acme', 0))");
  const waiting = Array.from({ length: 12 }, () => evidence.settle("acme"));
  const ends = Promise.allSettled(waiting);
  await log.append("globex", outcomeOf("call_1", "b"));
  expect(await evidence.settle("globex")).toMatchObject({ size: 1 });
  await elsewhere.query("rollback");
  await elsewhere.end();
  for (const end of await ends) expect(end).toMatchObject({ status: "fulfilled", value: { size: 1 } });
});

test.each([`replace(leaf, '{', '[')`, `''`, `leaf || ' '`, `replace(leaf, 'call_1', 'call_9')`])(
  "a record that was changed to %s is found, also when it is no JSON any more",
  async (changed) => {
    const { log, evidence } = opened.store;
    for (const index of [0, 1, 2]) await log.append("acme", outcomeOf(`call_${index}`, "b"));
    await evidence.settle("acme");
    await onServer(
      opened.databaseUrl,
      `set session_replication_role = replica; update bailiwick.records set leaf = ${changed} where tenant_id = 'acme' and index = 1`,
    );
    const { ok, fault } = await verifyLog(opened.store, "acme");
    expect(ok).toBe(false);
    expect(fault?.index).toBeLessThanOrEqual(1);
    expect(fault?.until).toBeGreaterThan(1);
  },
);

test.each(["agent = 'somebody'", "verdict = 'deny'", "call_id = 'call_9'", "at = at - interval '1 day'", "tool = null", "kind = 'lookup'"])(
  "a record that was hidden from queries by setting %s is found, although it is the one that was written",
  async (change) => {
    const { log, evidence } = opened.store;
    for (const index of [0, 1, 2]) await log.append("acme", outcomeOf(`call_${index}`, "b"));
    await evidence.rotateKey("acme");
    expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
    await onServer(
      opened.databaseUrl,
      `set session_replication_role = replica; update bailiwick.records set ${change} where tenant_id = 'acme' and index = 1`,
    );
    expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: false, fault: { index: 1, until: 2 } });
  },
);

test("a call is found by who answered it, also when they said no", async () => {
  const { log } = opened.store;
  await log.append("acme", { ...outcomeOf("call_held", "b"), kind: "hold", people: { user: "ada" } });
  const answer = { at: new Date(), event: "approval.deny", by: { person: "lena" }, callId: "call_held", user: "ada" } as const;
  await log.append("acme", adminRecord(answer));
  expect((await log.calls("acme", { approver: "lena", limit: 10 })).places).toMatchObject([{ callId: "call_held" }]);
  expect((await log.calls("acme", { approver: "ada", limit: 10 })).places).toEqual([]);
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
});
