import { afterAll, beforeAll, expect, test } from "vitest";
import { cachedSessions } from "../../src/adapters/cache/session-cache.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import type { Elevation } from "../../src/domain/elevation.ts";
import type { Ended } from "../../src/domain/ended.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { elevationOf, yesOf } from "./elevation-sample.ts";
import { intentOf, refusalOf, sessionOf } from "./samples.ts";

let opened: TestStore;
/** Another broker on the same database. */
let other: Store;
/** Milliseconds the stores' clock is ahead. */
let aheadMs = 0;
const now = (): Date => new Date(Date.now() + aheadMs);

beforeAll(async () => {
  opened = await testStore({ now });
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other", now });
});
afterAll(async () => {
  await other.close();
  await opened.close();
});

/** Agents of their own, so that questions of one test are not the same as another's. */
let agents = 0;
function freshAgent(): string {
  agents += 1;
  return `bailiwick://acme/prod/helpdesk/agent-${agents}`;
}

async function asked(overrides: Partial<Elevation> = {}): Promise<Elevation> {
  const outcome = await opened.store.elevations.ask(elevationOf({ agent: freshAgent(), createdAt: now(), ...overrides }));
  if (!outcome.ok) throw new Error(`too many wait: ${outcome.waiting}`);
  return outcome.elevation;
}

async function given(elevation: Elevation, forMs = elevation.forMs, scope = elevation.scope): Promise<Elevation> {
  const at = now();
  const outcome = await opened.store.elevations.answer("acme", elevation.id, {
    answer: yesOf({ at }),
    seen: elevation.answers.length,
    state: "active",
    given: { scope, from: at, until: new Date(at.getTime() + forMs) },
  });
  if (!outcome.ok) throw new Error(outcome.why);
  return outcome.elevation;
}

test("a question is found on every broker with all it was asked with, and in no other tenant", async () => {
  const elevation = await asked({ task: "T-1", scope: ["billing:refund"], terms: { count: 2, also: [], stepUp: true } });
  expect(await other.elevations.find("acme", elevation.id)).toEqual(elevation);
  expect(await other.elevations.find("globex", elevation.id)).toBeUndefined();
});

test("what was asked and answered lies sealed: the reason, the task and who answered stand nowhere in plain", async () => {
  const elevation = await given(await asked({ task: "task-of-somebody", reason: "a reason nobody else may read" }));
  const client = await import("pg").then(({ Client }) => new Client({ connectionString: opened.databaseUrl }));
  await client.connect();
  const { rows } = await client.query<{ row: string }>("select row_to_json(e)::text as row from bailiwick.elevations e where id = $1", [
    elevation.id,
  ]);
  await client.end();
  const row = rows[0]?.row ?? "";
  expect(row).toContain(elevation.id);
  const decoded = [...row.matchAll(/\\\\x([0-9a-f]+)/gu)].map(([, hex]) => Buffer.from(hex ?? "", "hex").toString("latin1")).join(" ");
  for (const secret of ["task-of-somebody", "a reason nobody else", "lena"]) expect(row + decoded).not.toContain(secret);
});

test("the same question is kept once, and asked anew once it was denied", async () => {
  const first = await asked();
  const again = elevationOf({ agent: first.agent, reason: "in other words" });
  expect(await other.elevations.ask(again)).toMatchObject({ ok: true, repeated: true, elevation: { id: first.id } });
  const other2 = elevationOf({ agent: first.agent, task: "another" });
  expect(await other.elevations.ask(other2)).toMatchObject({ ok: true, repeated: false, elevation: { id: other2.id } });
  await opened.store.elevations.answer("acme", first.id, {
    answer: yesOf({ verdict: "deny", at: now(), reason: "no" }),
    seen: 0,
    state: "denied",
  });
  expect(await opened.store.elevations.ask(again)).toMatchObject({ ok: true, repeated: false, elevation: { id: again.id } });
});

test("two brokers that are asked the same at once keep one question", async () => {
  const agent = freshAgent();
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? opened.store : other).elevations.ask(elevationOf({ agent }))),
  );
  expect(new Set(outcomes.map((outcome) => (outcome.ok ? outcome.elevation.id : "none"))).size).toBe(1);
});

test("a right in force answers the question for it until half of its time is over, and never a wider question", async () => {
  const elevation = await given(await asked({ scope: ["billing:refund"] }));
  const same = (more: Partial<Elevation> = {}): Elevation =>
    elevationOf({ agent: elevation.agent, scope: ["billing:refund"], createdAt: now(), ...more });
  expect(await opened.store.elevations.ask(same())).toMatchObject({ repeated: true, elevation: { id: elevation.id } });
  expect(await opened.store.elevations.ask(same({ scope: [] }))).toMatchObject({ repeated: false });
  aheadMs = 31 * 60_000;
  expect(await opened.store.elevations.ask(same())).toMatchObject({ repeated: false });
  aheadMs = 0;
});

test("no more than twenty questions about an agent wait", async () => {
  const agent = freshAgent();
  for (let index = 0; index < 20; index += 1)
    expect(await opened.store.elevations.ask(elevationOf({ agent, task: `T-${index}` }))).toMatchObject({ ok: true });
  expect(await opened.store.elevations.ask(elevationOf({ agent, task: "one more" }))).toEqual({ ok: false, why: "too_many", waiting: 20 });
});

test("of two answers at once the second is told to look again", async () => {
  const elevation = await asked({ terms: { count: 2, also: [], stepUp: false } });
  const answer = (by: string, seen: number) =>
    opened.store.elevations.answer("acme", elevation.id, { answer: yesOf({ by, at: now() }), seen, state: "pending" });
  const outcomes = await Promise.all([answer("lena", 0), answer("mia", 0)]);
  expect(outcomes.map(({ ok }) => ok).toSorted()).toEqual([false, true]);
  expect(outcomes.find(({ ok }) => !ok)).toMatchObject({ why: "changed" });
  expect((await other.elevations.find("acme", elevation.id))?.answers).toHaveLength(1);
});

test("a question that ended by time cannot be answered any more", async () => {
  const elevation = await asked();
  aheadMs = 31 * 60_000;
  const late = { answer: yesOf({ at: now() }), seen: 0, state: "denied" } as const;
  expect(await opened.store.elevations.answer("acme", elevation.id, late)).toEqual({ ok: false, why: "ended", state: "expired" });
  expect((await opened.store.elevations.find("acme", elevation.id))?.state).toBe("expired");
  aheadMs = 0;
});

test("an answer given on another broker ends the wait", async () => {
  const elevation = await asked();
  const waiting = other.elevations.wait("acme", elevation.id, { timeoutMs: 20_000, signal: new AbortController().signal });
  await given(elevation);
  expect(await waiting).toMatchObject({ id: elevation.id, state: "active" });
});

test("each session of a chain has what its own agent was given, and for its own task only", async () => {
  const [lead, helper] = [freshAgent(), freshAgent()];
  const [everywhere, forTask] = [await given(await asked({ agent: lead })), await given(await asked({ agent: helper, task: "T-7" }))];
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "chain-1", agent: lead, task: "T-1" }));
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "chain-2", agent: helper, task: "T-7", lineage: ["chain-1"] }));
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "chain-3", agent: helper, task: "T-8", lineage: ["chain-1"] }));
  const found = await other.sessions.find("acme", "chain-2");
  expect(found?.elevations?.map(({ id }) => id)).toEqual([forTask.id]);
  expect(found?.delegator?.elevations).toEqual([{ id: everywhere.id, role: "refunds", scope: [], until: everywhere.given?.until }]);
  expect((await other.sessions.find("acme", "chain-3"))?.elevations).toBeUndefined();
});

test("what memory holds of sessions is read anew as soon as a right was given or revoked, here and on another broker", async () => {
  const elevation = await asked();
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "cached", agent: elevation.agent }));
  const [here, there] = [cachedSessions(opened.store.sessions, opened.store), cachedSessions(other.sessions, other)];
  const rightsOf = async (cache: typeof here): Promise<number> => (await cache.find("acme", "cached"))?.elevations?.length ?? 0;
  expect([await rightsOf(here), await rightsOf(there)]).toEqual([0, 0]);
  // It hears of this broker's changes, each of which it is told once at least.
  const heard = nextNotice(other);
  await given(elevation);
  expect(await rightsOf(here)).toBe(1);
  await heard;
  expect(await rightsOf(there)).toBe(1);
  const heardAgain = nextNotice(other);
  await opened.store.elevations.revoke("acme", elevation.id, { by: "olaf", at: now(), reason: "enough" });
  expect(await rightsOf(here)).toBe(0);
  await heardAgain;
  expect(await rightsOf(there)).toBe(0);
});

test("an intent that stands on a right is refused once the right is revoked or over, also where memory still holds it", async () => {
  const elevation = await given(await asked());
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "standing", agent: elevation.agent }));
  const intend = (callId: string) =>
    other.log.intend("acme", intentOf(callId, "other"), {
      session: "standing",
      reservations: [],
      rights: { elevations: [elevation.id] },
      instead: refusalOf,
    });
  expect(await intend("call_1")).toMatchObject({ ok: true });
  await opened.store.elevations.revoke("acme", elevation.id, { by: "olaf", at: now(), reason: "enough" });
  expect(await intend("call_2")).toMatchObject({ ok: false, why: "elevation_over" });
});

test("a right is revoked once, keeps who did it and why, and a question cannot be revoked", async () => {
  const waiting = await asked();
  const revoked = { by: "olaf", at: now(), reason: "enough" };
  expect(await opened.store.elevations.revoke("acme", waiting.id, revoked)).toBeUndefined();
  const elevation = await given(waiting);
  expect(await other.elevations.revoke("acme", elevation.id, revoked)).toMatchObject({ state: "revoked", revoked });
  expect(await opened.store.elevations.revoke("acme", elevation.id, revoked)).toBeUndefined();
  expect(await opened.store.elevations.find("acme", elevation.id)).toMatchObject({ state: "revoked", revoked, answers: [{ by: "lena" }] });
});

test("lists hold one state at a time, newest first, page by page", async () => {
  const agent = freshAgent();
  const kept = [];
  for (let index = 0; index < 5; index += 1)
    kept.push(await asked({ agent, task: `T-${index}`, createdAt: new Date(now().getTime() - 10_000 + index) }));
  await given(kept[0] ?? elevationOf());
  const first = await other.elevations.list("acme", { agent, state: "pending", limit: 3 });
  expect(first.elevations.map(({ id }) => id)).toEqual([kept[4]?.id, kept[3]?.id, kept[2]?.id]);
  const second = await other.elevations.list("acme", { agent, state: "pending", limit: 3, after: first.next });
  expect(second.elevations.map(({ id }) => id)).toEqual([kept[1]?.id]);
  expect(second.next).toBeUndefined();
  expect((await other.elevations.active("acme", agent, now())).map(({ id }) => id)).toEqual([kept[0]?.id]);
  aheadMs = 2 * 3_600_000;
  expect((await other.elevations.list("acme", { agent, state: "expired", limit: 10 })).elevations).toHaveLength(5);
  expect(await other.elevations.active("acme", agent, now())).toEqual([]);
  aheadMs = 0;
});

test("what ended by time is handed to one broker at a time", async () => {
  const elevation = await given(await asked(), 1_000);
  aheadMs = 5_000;
  const [mine, theirs]: [string[], string[]] = [[], []];
  await opened.store.elevations.ended("acme", 3_600_000, async ({ id, state }) => {
    if (id !== elevation.id) return;
    expect(state).toBe("expired");
    mine.push(id);
    await other.elevations.ended("acme", 3_600_000, async (each) => void theirs.push(each.id));
  });
  aheadMs = 0;
  expect([mine, theirs]).toEqual([[elevation.id], []]);
});

test("with the person it was asked for a right is gone", async () => {
  const agent = freshAgent();
  const elevation = await given(await asked({ agent, askedBy: { agent, user: "somebody-to-erase", session: "s1" } }));
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "of-others", agent }));
  expect((await other.sessions.find("acme", "of-others"))?.elevations).toHaveLength(1);
  await opened.store.erasure.erase("acme", "somebody-to-erase", { by: { named: "operator" }, via: "operator-key", reason: "asked for" });
  expect(await other.elevations.find("acme", elevation.id)).toBeUndefined();
  expect((await other.sessions.find("acme", "of-others"))?.elevations).toBeUndefined();
});

function nextNotice(store: Store): Promise<Ended | undefined> {
  return new Promise((settle) => {
    const off = store.onEnded((ended) => {
      if (ended?.kind !== "elevations") return;
      off();
      settle(ended);
    });
  });
}
