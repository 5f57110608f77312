import { growTree, leafHash, openTlogProof, logPolicy, openSequenceProof } from "@bailiwick/ledger";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { applyRetention, openStore } from "../../src/adapters/store/index.ts";
import type { LogEntry } from "../../src/domain/audit.ts";
import type { ErasureAct } from "../../src/domain/erasure.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { saidBy } from "../support/said.ts";
import { onServer } from "../support/server-statement.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { ageRecords } from "./old-months.ts";

let opened: TestStore;
beforeEach(async () => {
  opened = await testStore();
});
afterEach(() => opened.close());

const act: ErasureAct = { by: { named: "operator" }, reason: "too old" };
/** After the months the tests make old. */
const SPRING = new Date("2026-03-01T00:00:00Z");

/** 700 records: 0 to 299 of January, 300 to 599 of February, the others of this month. The log's key changes in January. */
async function oldLog(tenant = "acme"): Promise<void> {
  const { log, evidence } = opened.store;
  const record = (index: number): Promise<unknown> =>
    log.append(tenant, {
      kind: "outcome",
      callId: `call_${index}`,
      body: { at: new Date().toISOString(), agent: `agent-${index % 3}`, run: `run-${index % 7}` },
      people: { user: `user-${index % 5}` },
      resource: { type: "Ticket", id: `T-${index % 11}` },
      facts: { args: { note: `note ${index}` } },
    });
  await record(0);
  await evidence.settle(tenant);
  await evidence.rotateKey(tenant);
  await evidence.settle(tenant);
  await record(2);
  await evidence.settle(tenant);
  const written = (await log.read(tenant, 0, 1_000)).length;
  for (let from = written; from < 700; from += 100)
    await Promise.all(Array.from({ length: Math.min(100, 700 - from) }, (_, place) => record(from + place)));
  await evidence.settle(tenant);
  await ageRecords(opened.databaseUrl, tenant, { until: 600, period: 202602 });
  await ageRecords(opened.databaseUrl, tenant, { until: 300, period: 202601 });
}

test("whole months go, the record of it stays, and the log verifies from the new base on, also after its key changed in them", async () => {
  const { retention, evidence, log } = opened.store;
  await oldLog();
  const before = await evidence.keys("acme");
  expect(before).toHaveLength(2);
  expect(await retention.plan("acme", SPRING)).toEqual({ months: [202601, 202602], from: 0, to: 512 });
  expect(await retention.retire("acme", SPRING, act)).toEqual({ ok: true, months: [202601, 202602], from: 0, to: 512 });
  const [first] = await log.read("acme", 0, 1);
  expect(first?.index).toBe(512);
  const base = await evidence.base("acme");
  expect(base?.frontier.size).toBe(512);
  expect(base?.heads.find(({ name }) => name === "agent-0")).toMatchObject({ kind: "agent", lastIndex: 510 });
  expect(await evidence.keys("acme")).toEqual(before);
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
  const [retired] = await log.query("acme", { kind: "admin", limit: 1 });
  expect(saidBy(retired)).toMatchObject({ event: "log.retire", from: 0, to: 512, months: [202601, 202602], records: 512, by: "operator" });
  expect(await retention.retire("acme", SPRING, act)).toBeUndefined();
});

test("a broker that is started afterwards goes on signing, and proves what is left", async () => {
  await oldLog();
  await opened.store.retention.retire("acme", SPRING, act);
  const other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "another" });
  try {
    await other.log.append("acme", {
      kind: "admin",
      callId: "later",
      body: { at: new Date().toISOString(), event: "log.read", by: "operator", run: "run-3" },
    });
    const { size } = await other.evidence.settle("acme");
    expect(size).toBeGreaterThan(701);
    expect(await verifyLog(other, "acme")).toMatchObject({ ok: true });
    const policy = logPolicy({ origin: other.evidence.origin("acme"), keys: await other.evidence.keys("acme") });
    expect(openTlogProof((await other.evidence.proveRecord("acme", 600)) ?? "", policy).index).toBe(600);
    expect(await other.evidence.proveRecord("acme", 100)).toBeUndefined();
    await expect(other.evidence.proveSequence("acme", { kind: "run", name: "run-3" })).rejects.toThrow("were retired");
    await other.log.append("acme", {
      kind: "admin",
      callId: "new",
      body: { at: new Date().toISOString(), event: "log.read", by: "operator", run: "run-new" },
    });
    await other.evidence.settle("acme");
    const proof = await other.evidence.proveSequence("acme", { kind: "run", name: "run-new" });
    expect(openSequenceProof(proof, policy).records).toHaveLength(1);
    expect(await other.evidence.entries("acme", 1, 256)).toBeUndefined();
    expect(await other.evidence.entries("acme", 2, 100)).toBeInstanceOf(Uint8Array);
    expect(await other.evidence.tile("acme", { level: 0, index: 0, width: 256 })).toBeInstanceOf(Uint8Array);
  } finally {
    await other.close();
  }
});

test("facts of the months that go are gone, also of the records that stay for their tile", async () => {
  const { retention, log } = opened.store;
  await oldLog();
  expect(await log.facts("acme", "call_550")).toMatchObject({ args: { note: "note 550" } });
  await retention.retire("acme", SPRING, act);
  expect(await log.facts("acme", "call_550")).toBeUndefined();
  expect(await log.recordsOf("acme", ["call_550", "call_100"])).toHaveLength(1);
  expect(await log.facts("acme", "call_650")).toMatchObject({ args: { note: "note 650" } });
});

test("a second retirement begins where the first ended", async () => {
  const { retention, evidence } = opened.store;
  await oldLog();
  expect(await retention.retire("acme", new Date("2026-02-01T00:00:00Z"), act)).toMatchObject({
    ok: true,
    months: [202601],
    from: 0,
    to: 256,
  });
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
  expect(await retention.retire("acme", SPRING, act)).toMatchObject({ ok: true, months: [202602], from: 256, to: 512 });
  expect((await evidence.base("acme"))?.heads.find(({ name }) => name === "agent-0")).toMatchObject({ lastIndex: 510 });
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
});

test("the newest month is never retired, nor one that ended less long ago than asked, and other tenants keep theirs", async () => {
  const { retention, log } = opened.store;
  await oldLog();
  await log.append("globex", { kind: "admin", callId: "x", body: { at: new Date().toISOString(), event: "log.read" } });
  expect(await retention.plan("acme", new Date("2026-02-27T00:00:00Z"))).toMatchObject({ months: [202601] });
  expect(await retention.plan("acme", new Date("2999-01-01T00:00:00Z"))).toMatchObject({ months: [202601, 202602] });
  expect(await retention.retire("globex", new Date("2999-01-01T00:00:00Z"), act)).toBeUndefined();
  await retention.retire("acme", SPRING, act);
  expect(await log.read("globex", 0, 10)).toHaveLength(1);
});

test.each([
  ["everything", { kind: "everything" } as const],
  ["a person named in them", { kind: "person", person: "user-2" } as const],
  ["a record acted on in them", { kind: "resource", resource: { type: "Ticket", id: "T-4" } } as const],
])("a legal hold on %s keeps the months until it is lifted", async (_, scope) => {
  const { retention, holds, log } = opened.store;
  await oldLog();
  const hold = await holds.place("acme", scope, { by: { person: "olga" }, reason: "lawsuit 7" });
  expect(hold).toMatchObject({ by: "olga", reason: "lawsuit 7" });
  expect(await retention.retire("acme", SPRING, act)).toMatchObject({ ok: false, why: "held", hold: { id: hold?.id, by: "olga" } });
  expect(await log.read("acme", 0, 1)).toMatchObject([{ index: 0 }]);
  expect(await holds.lift("acme", hold?.id ?? "", act)).toBe(true);
  expect(await retention.retire("acme", SPRING, act)).toMatchObject({ ok: true });
});

test("a hold on somebody who is not in the old months does not keep them", async () => {
  const { retention, holds, log } = opened.store;
  await oldLog();
  await log.append("acme", {
    kind: "admin",
    callId: "n",
    body: { at: new Date().toISOString(), event: "session.create" },
    people: { user: "newcomer" },
  });
  await holds.place("acme", { kind: "person", person: "newcomer" }, act);
  expect(await retention.retire("acme", SPRING, act)).toMatchObject({ ok: true });
});

test("records that are not those that were signed are not retired, and the first of them is named", async () => {
  const { retention, log } = opened.store;
  await oldLog();
  await onServer(
    opened.databaseUrl,
    `set session_replication_role = replica; update bailiwick.records set leaf = replace(leaf, 'agent-1', 'agent-2') where tenant_id = 'acme' and index = 400`,
  );
  expect(await retention.retire("acme", SPRING, act)).toMatchObject({ ok: false, why: "broken" });
  expect(await log.read("acme", 0, 1)).toMatchObject([{ index: 0 }]);
});

test("the application cannot drop records on its own: not without a covered record, not the newest month, not past a hold", async () => {
  await oldLog();
  const owner = `select set_config('bailiwick.tenant', 'acme', false); insert into bailiwick.log_bases values ('acme', 512, '{}')`;
  await onServer(opened.databaseUrl, owner);
  const attempt = (statement: string): Promise<unknown> =>
    onServer(opened.databaseUrl, `select set_config('bailiwick.tenant', 'acme', false); ${statement}`);
  await expect(attempt("select bailiwick.retire_partitions('acme', 202602, 512, 'nothing')")).rejects.toThrow("no checkpoint covers");
  await expect(attempt("select bailiwick.retire_partitions('acme', 209912, 512, 'nothing')")).rejects.toThrow("newest partition");
  await expect(attempt("select bailiwick.retire_partitions('acme', 202602, 256, 'nothing')")).rejects.toThrow("would not begin");
  await expect(attempt("select bailiwick.retire_partitions('globex', 202602, 512, 'nothing')")).rejects.toThrow("own tenant");
  await opened.store.holds.place("acme", { kind: "everything" }, act);
  await expect(attempt("select bailiwick.retire_partitions('acme', 202602, 512, 'nothing')")).rejects.toThrow("legal hold");
});

test("a run that was interrupted after its record is completed by the next, without a second record", async () => {
  const { retention, log } = opened.store;
  await oldLog();
  // Whoever holds the table keeps it from being dropped; the record is written by then.
  await onServer(opened.databaseUrl, "alter function bailiwick.retire_partitions rename to retire_partitions_away");
  await expect(retention.retire("acme", SPRING, act)).rejects.toMatchObject({ code: "store_unavailable" });
  expect(await log.read("acme", 0, 1)).toMatchObject([{ index: 0 }]);
  expect(await opened.store.evidence.base("acme")).toBeUndefined();
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
  await onServer(opened.databaseUrl, "alter function bailiwick.retire_partitions_away rename to retire_partitions");
  expect(await retention.retire("acme", SPRING, act)).toMatchObject({ ok: true });
  expect(await log.query("acme", { kind: "admin", limit: 10 })).toHaveLength(1);
  expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: true });
});

test("configured retention is applied to each tenant, and one that cannot be does not stop the others", async () => {
  const { retention, holds, log } = opened.store;
  await oldLog("acme");
  await oldLog("globex");
  await holds.place("acme", { kind: "everything" }, act);
  const told: string[] = [];
  const now = (): Date => new Date("2026-11-26T12:00:00Z");
  const day = 86_400_000;
  await applyRetention(
    { retention, now, tell: (tenant, { level }) => told.push(`${tenant} ${level}`) },
    new Map([
      ["acme", 100 * day],
      ["globex", 100 * day],
      ["none", day],
    ]),
  );
  expect(told).toEqual(["acme error", "globex info"]);
  expect(await log.read("globex", 0, 1)).toMatchObject([{ index: 512 }]);
});

test("records that somebody dropped without a retirement are missed, although base and tree fit; a log without its keys is none that is empty", async () => {
  const { evidence, log } = opened.store;
  const entry: LogEntry = { kind: "outcome", callId: "c", body: { at: new Date().toISOString(), agent: "a", run: "r" } };
  await Promise.all(Array.from({ length: 300 }, () => log.append("acme", entry)));
  await evidence.settle("acme");
  const tree = growTree();
  for (const { text } of await log.read("acme", 0, 256)) tree.push(leafHash(text));
  const { nodes } = tree.frontier();
  const owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
  try {
    await owner.query("set session_replication_role = replica");
    await owner.query("insert into bailiwick.log_bases (tenant_id, size, nodes) values ('acme', 256, $1)", [
      nodes.map((node) => Buffer.from(node)),
    ]);
    await owner.query(
      "insert into bailiwick.base_heads (tenant_id, kind, name, count, last_index) values ('acme', 'agent', 'a', 256, 255), ('acme', 'run', 'r', 256, 255)",
    );
    await owner.query("update bailiwick.logs set base = 256 where tenant_id = 'acme'");
    await owner.query("delete from bailiwick.records where tenant_id = 'acme' and index < 256");
    const cut = await verifyLog(opened.store, "acme");
    expect(cut).toMatchObject({ ok: false, fault: { index: 0, until: 300 } });
    expect(cut.fault?.what).toContain("cut off");
    await owner.query("delete from bailiwick.log_keys where tenant_id = 'acme'");
    expect(await verifyLog(opened.store, "acme")).toMatchObject({ ok: false, fault: { index: 0, until: 300 } });
  } finally {
    await owner.end();
  }
});
