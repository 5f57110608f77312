import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { appendBatch } from "../../src/adapters/store/log/append.ts";
import { wireMembers } from "../../src/adapters/store/log/wire-entry.ts";
import type { LogEntry } from "../../src/domain/audit.ts";
import type { ErasureAct } from "../../src/domain/erasure.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { saidBy } from "../support/said.ts";
import { onServer } from "../support/server-statement.ts";
import { testDatabase } from "../support/database.ts";
import { TEST_ROOT_KEY, type TestStore, testStore } from "../support/store.ts";
import { approvalOf } from "./approval-sample.ts";
import { refusalOf, sessionOf } from "./samples.ts";

let opened: TestStore;
let other: Store;
let tenant: string;
let tenants = 0;
beforeAll(async () => {
  opened = await testStore();
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
});
afterAll(async () => {
  await other.close();
  await opened.close();
});
const fresh = (): string => (tenant = `tenant-${(tenants += 1)}`);

const act: ErasureAct = { by: { person: "olga" }, via: "passkey", reason: "they asked for it" };

function callOf(callId: string, user: string, kind: "intent" | "outcome" | "refusal" = "refusal"): LogEntry {
  return {
    kind,
    callId,
    body: { at: new Date().toISOString(), agent: "a", tool: "tickets", action: "tickets:update", run: "r-1", broker: "b" },
    people: { user },
    task: "their divorce",
    resource: { type: "Ticket", id: "T-1" },
    facts: { args: { note: `about ${user}` } },
  };
}

test("whoever is erased is found by no query, named in no view, and their facts open nowhere, on any broker; the log still verifies", async () => {
  fresh();
  const { log, erasure, evidence } = opened.store;
  for (const user of ["ada", "bob"]) await log.append(tenant, callOf(`call_${user}`, user));
  expect(await other.log.query(tenant, { user: "ada", limit: 10 })).toHaveLength(1);
  expect(await other.log.facts(tenant, "call_ada")).toMatchObject({ args: { note: "about ada" } });
  const erased = await erasure.erase(tenant, "ada", act);
  expect(erased).toMatchObject({ ok: true, records: 1, sessions: 0, approvals: 0 });
  for (const store of [opened.store, other]) {
    await expect.poll(() => store.log.query(tenant, { user: "ada", limit: 10 })).toEqual([]);
    await expect.poll(() => store.log.facts(tenant, "call_ada")).toBeUndefined();
    expect(await store.log.facts(tenant, "call_bob")).toMatchObject({ args: { note: "about bob" } });
    const [record] = await store.log.recordsOf(tenant, ["call_ada"]);
    expect(record?.people).toEqual({});
    expect(saidBy(record)["user"]).toBe(erased.ok ? erased.pseudonym : "");
    expect(await verifyLog(store, tenant)).toMatchObject({ ok: true });
  }
  expect(await evidence.proveRecord(tenant, 0)).toContain("c2sp.org/tlog-proof@v1");
});

test("an erasure is a record: by whom, of which pseudonym, of how much, and why", async () => {
  fresh();
  await opened.store.log.append(tenant, callOf("c", "ada"));
  await opened.store.sessions.create(sessionOf({ tenant, id: `${tenant}-s`, user: "ada" }));
  const erased = await opened.store.erasure.erase(tenant, "ada", act);
  const [record] = await opened.store.log.query(tenant, { kind: "admin", limit: 1 });
  const pseudonym = erased.ok ? erased.pseudonym : "";
  expect(saidBy(record)).toMatchObject({
    event: "subject.erase",
    by: "olga",
    via: "passkey",
    erased: pseudonym,
    records: 1,
    sessions: 1,
    approvals: 0,
  });
  expect(record?.text).not.toMatch(/"olga"|"ada"|asked/);
  expect(await opened.store.log.facts(tenant, record?.callId ?? "")).toEqual({ reason: "they asked for it" });
});

test("their sessions end with all delegated from them and their held calls are cancelled; others' go on", async () => {
  fresh();
  const { sessions, approvals, erasure } = opened.store;
  const mine = sessionOf({ tenant, id: `${tenant}-mine`, user: "ada" });
  const child = sessionOf({ tenant, id: `${tenant}-child`, user: "ada", lineage: [mine.id] });
  const theirs = sessionOf({ tenant, id: `${tenant}-theirs`, user: "bob" });
  for (const session of [mine, child, theirs]) await sessions.create(session);
  const asked = approvalOf({ tenant, user: "ada" });
  const kept = approvalOf({ tenant, user: "bob" });
  for (const approval of [asked, kept]) await approvals.create(approval);
  const ended: unknown[] = [];
  const stop = other.onEnded((each) => ended.push(each));
  const waiting = other.approvals
    .wait(tenant, asked.id, { timeoutMs: 20_000, signal: new AbortController().signal })
    .catch((error: unknown) => error);
  expect(await erasure.erase(tenant, "ada", act)).toMatchObject({ sessions: 2, approvals: 1 });
  expect(await sessions.find(tenant, mine.id)).toBeUndefined();
  expect(await other.sessions.find(tenant, child.id)).toBeUndefined();
  expect(await other.sessions.find(tenant, theirs.id)).toMatchObject({ user: "bob", task: theirs.task });
  expect((await sessions.list(tenant, { live: false, limit: 10 })).map(({ id }) => id)).toEqual([theirs.id]);
  expect(await approvals.find(tenant, asked.id)).toBeUndefined();
  expect((await approvals.list(tenant, { order: "newest", limit: 10 })).approvals.map(({ id }) => id)).toEqual([kept.id]);
  await expect.poll(() => JSON.stringify(ended)).toContain(child.id);
  // Cancelled, or gone by the time it looked: in no case approved.
  const waited = await waiting;
  expect(
    waited instanceof Error || (typeof waited === "object" && waited !== null && "state" in waited && waited.state === "cancelled"),
  ).toBe(true);
  stop();
});

test("the same person seen later is somebody new, and a broker that did not hear of the erasure writes about them under the new key", async () => {
  fresh();
  const { log, erasure } = opened.store;
  await log.append(tenant, callOf("before", "ada"));
  await other.log.append(tenant, callOf("there", "ada"));
  const erased = await erasure.erase(tenant, "ada", act);
  // At once, most likely before the notice has come; whichever is first, the record has to be written so that it opens.
  const writing = Promise.all([other.log.append(tenant, callOf("after", "ada")), log.append(tenant, callOf("here", "ada"))]);
  await writing;
  const records = await other.log.query(tenant, { user: "ada", limit: 10 });
  expect(records.map(({ callId }) => callId).toSorted()).toEqual(["after", "here"]);
  for (const record of records) expect(record.text).not.toContain(erased.ok ? erased.pseudonym : "?");
  for (const call of ["after", "here"]) expect(await opened.store.log.facts(tenant, call)).toMatchObject({ args: { note: "about ada" } });
  for (const call of ["before", "there"]) expect(await opened.store.log.facts(tenant, call)).toBeUndefined();
});

test("a broker that hears no notices cannot write under the key that was destroyed", async () => {
  fresh();
  await other.log.append(tenant, callOf("before", "ada"));
  // Destroyed behind its back: no notice comes at all.
  await onServer(opened.databaseUrl, `delete from bailiwick.subjects where tenant_id = '${tenant}'`);
  await other.log.append(tenant, callOf("after", "ada"));
  expect(await opened.store.log.facts(tenant, "after")).toMatchObject({ args: { note: "about ada" } });
  await onServer(opened.databaseUrl, `delete from bailiwick.subjects where tenant_id = '${tenant}'`);
  const session = sessionOf({ tenant, id: `${tenant}-s`, user: "ada" });
  await other.sessions.create(session);
  expect(await opened.store.sessions.find(tenant, session.id)).toMatchObject({ user: "ada" });
  const intent = callOf("intent", "ada", "intent");
  await onServer(opened.databaseUrl, `delete from bailiwick.limit_counters where tenant_id = '${tenant}'`);
  expect(await other.log.intend(tenant, intent, { session: session.id, reservations: [], instead: refusalOf })).toMatchObject({ ok: true });
  await onServer(opened.databaseUrl, `delete from bailiwick.subjects where tenant_id = '${tenant}'`);
  // Their session went with them.
  expect(
    await other.log.intend(tenant, callOf("late", "ada", "intent"), { session: session.id, reservations: [], instead: refusalOf }),
  ).toEqual({
    ok: false,
    why: "session_not_live",
  });
});

test("calls under way end first; while one does not, nothing is destroyed", { timeout: 60_000 }, async () => {
  fresh();
  const { log, erasure, sessions } = opened.store;
  const session = sessionOf({ tenant, id: `${tenant}-s`, user: "ada" });
  await sessions.create(session);
  await log.intend(tenant, callOf("slow", "ada", "intent"), { session: session.id, reservations: [], instead: refusalOf });
  expect(await erasure.erase(tenant, "ada", act)).toEqual({ ok: false, why: "calls_under_way", calls: ["slow"] });
  expect(await log.facts(tenant, "slow")).toBeDefined();
  const [ended] = await log.query(tenant, { kind: "admin", limit: 1 });
  expect(saidBy(ended)).toMatchObject({ event: "session.revoke", why: "erasure", by: "olga" });
  const erasing = erasure.erase(tenant, "ada", act);
  await log.append(tenant, callOf("slow", "ada", "outcome"));
  expect(await erasing).toMatchObject({ ok: true });
  expect(await log.query(tenant, { user: "ada", limit: 10 })).toEqual([]);
});

test("duties of whoever is erased go with them, theirs and those they did for others; of two others they stay", async () => {
  fresh();
  const { duties, erasure, log } = opened.store;
  await log.append(tenant, callOf("c", "ada"));
  const times = { begins: new Date(Date.now() - 1_000), ends: new Date(Date.now() + 60_000), reason: "in hospital", roles: [] };
  await duties.put({ ...times, tenant, id: "dty_1", from: "ada", to: "bob" });
  await duties.put({ ...times, tenant, id: "dty_2", from: "bob", to: "ada" });
  await duties.put({ ...times, tenant, id: "dty_3", from: "bob", to: "cleo" });
  await erasure.erase(tenant, "ada", act);
  expect((await duties.list(tenant, new Date())).map(({ id }) => id)).toEqual(["dty_3"]);
});

test("nobody is erased twice, or in another tenant's name", async () => {
  fresh();
  const { log, erasure } = opened.store;
  await log.append(tenant, callOf("c", "ada"));
  expect(await erasure.erase("globex", "ada", act)).toEqual({ ok: false, why: "unknown" });
  expect(await log.facts(tenant, "c")).toBeDefined();
  const pseudonym = String(JSON.parse((await log.read(tenant, 0, 1))[0]?.text ?? "{}")["user"]);
  expect(await erasure.erase("globex", pseudonym, act)).toEqual({ ok: false, why: "unknown" });
  expect(await erasure.erase(tenant, pseudonym, act)).toMatchObject({ ok: true, pseudonym });
  expect(await erasure.erase(tenant, "ada", act)).toEqual({ ok: false, why: "unknown" });
});

test("erasing a record deletes the facts of all records about it, whoever's they are, and of no other", async () => {
  fresh();
  const { log, erasure, approvals } = opened.store;
  for (const user of ["ada", "bob"]) await log.append(tenant, callOf(`about_${user}`, user));
  await log.append(tenant, { ...callOf("elsewhere", "ada"), resource: { type: "Ticket", id: "T-2" } });
  await log.append(tenant, { ...callOf("namesake", "ada"), resource: { type: "Customer", id: "T-1" } });
  const asked = approvalOf({ tenant, user: "ada", resource: { type: "Ticket", id: "T-1", digest: "d" } });
  await approvals.create(asked);
  expect(await erasure.eraseResource(tenant, { type: "Ticket", id: "T-1" }, act)).toMatchObject({ ok: true, records: 2 });
  for (const call of ["about_ada", "about_bob"]) expect(await log.facts(tenant, call), call).toBeUndefined();
  for (const call of ["elsewhere", "namesake"]) expect(await log.facts(tenant, call), call).toBeDefined();
  expect(await approvals.find(tenant, asked.id)).toBeUndefined();
  const [record] = await log.query(tenant, { kind: "admin", limit: 1 });
  expect(saidBy(record)).toMatchObject({ event: "resource.erase", by: "olga", records: 2, erased: { type: "Ticket" } });
  expect(record?.text).not.toContain('"T-1"');
  expect(await log.query(tenant, { resource: { type: "Ticket", id: "T-1" }, limit: 10 })).toHaveLength(2);
  expect(await verifyLog(opened.store, tenant)).toMatchObject({ ok: true });
  expect(await erasure.eraseResource(tenant, { type: "Ticket", id: "T-1" }, act)).toEqual({ ok: false, why: "unknown" });
});

test.each([
  ["everything", { kind: "everything" } as const, "both"],
  ["the person", { kind: "person", person: "ada" } as const, "both"],
  ["a record their facts are about", { kind: "resource", resource: { type: "Ticket", id: "T-1" } } as const, "both"],
  ["somebody else", { kind: "person", person: "bob" } as const, "none"],
  ["another record", { kind: "resource", resource: { type: "Ticket", id: "T-9" } } as const, "none"],
])("a legal hold on %s keeps what it covers until it is lifted, and says who placed it", async (_, scope, covers) => {
  fresh();
  const { log, erasure, holds, sessions } = opened.store;
  await log.append(tenant, callOf("c", "ada"));
  await log.append(tenant, { ...callOf("d", "bob"), resource: { type: "Ticket", id: "T-9" } });
  await sessions.create(sessionOf({ tenant, id: `${tenant}-s`, user: "ada" }));
  const hold = await holds.place(tenant, scope, { by: { person: "olga" }, reason: "case 4711" });
  const [person, record] = [
    await other.erasure.erase(tenant, "ada", act),
    await other.erasure.eraseResource(tenant, { type: "Ticket", id: "T-1" }, act),
  ];
  if (covers === "none") {
    expect([person.ok, record.ok]).toEqual([true, true]);
    return;
  }
  for (const refused of [person, record])
    expect(refused).toMatchObject({ ok: false, why: "held", hold: { id: hold?.id, by: "olga", reason: "case 4711" } });
  expect(await log.facts(tenant, "c")).toBeDefined();
  expect(await sessions.list(tenant, { live: true, limit: 10 })).toHaveLength(1);
  expect(await holds.lift(tenant, hold?.id ?? "", { by: { named: "operator" }, reason: "settled" })).toBe(true);
  expect(await holds.lift(tenant, hold?.id ?? "", act)).toBe(false);
  expect(await holds.list(tenant, { lifted: false })).toEqual([]);
  expect(await holds.list(tenant, { lifted: true })).toMatchObject([{ id: hold?.id, liftedAt: expect.any(Date) }]);
  expect(await erasure.erase(tenant, "ada", act)).toMatchObject({ ok: true });
});

test("placing and lifting a hold are records without the reason, and nobody unknown can be held", async () => {
  fresh();
  const { holds, log } = opened.store;
  await log.append(tenant, callOf("c", "ada"));
  expect(await holds.place(tenant, { kind: "person", person: "nobody" }, act)).toBeUndefined();
  const hold = await holds.place(tenant, { kind: "person", person: "ada" }, act);
  await holds.lift(tenant, hold?.id ?? "", act);
  expect(await holds.lift("globex", hold?.id ?? "", act)).toBe(false);
  const records = (await log.query(tenant, { kind: "admin", limit: 10 })).toReversed();
  expect(records.map((record) => saidBy(record)["event"])).toEqual(["hold.put", "hold.lift"]);
  for (const record of records) expect(record.text).not.toMatch(/"olga"|"ada"|asked/);
  expect(await log.facts(tenant, hold?.id ?? "")).toEqual({ reason: "they asked for it" });
});

test("where the log is a database of its own, people and facts go and holds count all the same", async () => {
  const [main, log] = [await testDatabase(), await testDatabase()];
  const store = await openStore(
    { databaseUrl: main.databaseUrl, logDatabaseUrl: log.databaseUrl, rootKey: TEST_ROOT_KEY },
    { brokerId: "split" },
  );
  try {
    for (const user of ["ada", "bob"]) await store.log.append("acme", callOf(`call_${user}`, user));
    await store.sessions.create(sessionOf({ tenant: "acme", id: "s", user: "ada" }));
    const hold = await store.holds.place("acme", { kind: "person", person: "ada" }, act);
    expect(await store.erasure.erase("acme", "ada", act)).toMatchObject({ ok: false, why: "held", hold: { id: hold?.id } });
    await store.holds.lift("acme", hold?.id ?? "", act);
    expect(await store.erasure.erase("acme", "ada", act)).toMatchObject({ ok: true, records: 1, sessions: 1 });
    expect(await store.sessions.find("acme", "s")).toBeUndefined();
    expect(await store.log.facts("acme", "call_ada")).toBeUndefined();
    expect(await store.erasure.eraseResource("acme", { type: "Ticket", id: "T-1" }, act)).toMatchObject({ ok: true, records: 2 });
    expect(await store.log.facts("acme", "call_bob")).toBeUndefined();
    await onServer(main.databaseUrl, "delete from bailiwick.subjects where tenant_id = 'acme'");
    await store.log.append("acme", callOf("later", "bob"));
    expect(await store.log.facts("acme", "later")).toBeDefined();
    expect(await verifyLog(store, "acme")).toMatchObject({ ok: true });
  } finally {
    await store.close();
    await main.close();
    await log.close();
  }
});

test("the application itself cannot delete people or facts, nor erase past a hold", async () => {
  fresh();
  await opened.store.log.append(tenant, callOf("c", "ada"));
  await opened.store.holds.place(tenant, { kind: "everything" }, act);
  const pseudonym = String(JSON.parse((await opened.store.log.read(tenant, 0, 1))[0]?.text ?? "{}")["user"]);
  const owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
  try {
    await owner.query("set role bailiwick_app");
    await owner.query("select set_config('bailiwick.tenant', $1, false)", [tenant]);
    await expect(owner.query("delete from bailiwick.subjects")).rejects.toThrow("permission denied");
    await expect(owner.query("delete from bailiwick.record_facts")).rejects.toThrow("permission denied");
    await expect(owner.query("select bailiwick.erase_subject($1, $2)", [tenant, pseudonym])).rejects.toThrow("legal hold");
    await expect(owner.query("select bailiwick.erase_facts($1, $2)", [tenant, "x"])).rejects.toThrow("legal hold");
    await expect(owner.query("select bailiwick.erase_subject('globex', $1)", [pseudonym])).rejects.toThrow("own tenant");
  } finally {
    await owner.end();
  }
});

test("erasures that wait for another broker's keep nobody else from the store", { timeout: 60_000 }, async () => {
  fresh();
  const { log, erasure, sessions, holds } = opened.store;
  const people = Array.from({ length: 10 }, (_, index) => `person-${index}`);
  for (const person of people) await log.append(tenant, callOf(`call_${person}`, person));
  await sessions.create(sessionOf({ tenant: "globex", id: `${tenant}-g` }));
  const elsewhere = new Client({ connectionString: opened.databaseUrl });
  await elsewhere.connect();
  await elsewhere.query("begin");
  await elsewhere.query("select pg_advisory_xact_lock(hashtextextended('bailiwick.holds ' || $1, 0))", [tenant]);
  const waiting = Promise.all(people.map((person) => erasure.erase(tenant, person, act)));
  const placing = holds.place(tenant, { kind: "resource", resource: { type: "Ticket", id: "T-9" } }, act);
  for (let round = 0; round < 20; round += 1) expect(await sessions.find("globex", `${tenant}-g`)).toBeDefined();
  await elsewhere.query("rollback");
  await elsewhere.end();
  for (const erased of await waiting) expect(erased).toMatchObject({ ok: true });
  expect(await placing).toBeDefined();
});

test("a record is erased only when calls about it have ended, so that none leaves behind what it found", { timeout: 60_000 }, async () => {
  fresh();
  const { log, erasure, sessions } = opened.store;
  const session = sessionOf({ tenant, id: `${tenant}-s`, user: "ada" });
  await sessions.create(session);
  await log.intend(tenant, callOf("slow", "ada", "intent"), { session: session.id, reservations: [], instead: refusalOf });
  const ticket = { type: "Ticket", id: "T-1" };
  expect(await erasure.eraseResource(tenant, ticket, act)).toEqual({ ok: false, why: "calls_under_way", calls: ["slow"] });
  const erasing = erasure.eraseResource(tenant, ticket, act);
  await log.append(tenant, callOf("slow", "ada", "outcome"));
  expect(await erasing).toMatchObject({ ok: true, records: 2 });
  expect(await log.facts(tenant, "slow")).toBeUndefined();
});

test("a call that is being let in while its session ends is under way, and keeps its person", { timeout: 60_000 }, async () => {
  fresh();
  const { log, erasure, sessions } = opened.store;
  const session = sessionOf({ tenant, id: `${tenant}-s`, user: "ada" });
  await sessions.create(session);
  await log.append(tenant, callOf("before", "ada"));
  const user = String(saidBy((await log.read(tenant, 0, 1))[0])["user"]);
  const elsewhere = new Client({ connectionString: opened.databaseUrl });
  await elsewhere.connect();
  await elsewhere.query("begin");
  await elsewhere.query("select set_config('bailiwick.tenant', $1, true)", [tenant]);
  // As `append_records` does it, but for the commit.
  const entry = wireMembers("intent", "late", { at: new Date().toISOString(), agent: "a", user, broker: "other" });
  await appendBatch(elsewhere, { tenant, writer: "elsewhere", number: 1, entries: [entry] });
  const erasing = erasure.erase(tenant, "ada", act);
  const waits = "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  await expect
    .poll(async () => (await elsewhere.query<{ waiting: number }>(waits)).rows[0]?.waiting, { timeout: 20_000 })
    .toBeGreaterThan(0);
  await elsewhere.query("commit");
  await elsewhere.end();
  expect(await erasing).toEqual({ ok: false, why: "calls_under_way", calls: ["late"] });
  await log.append(tenant, callOf("late", "ada", "outcome"));
  expect(await erasure.erase(tenant, "ada", act)).toMatchObject({ ok: true, records: 2 });
});
