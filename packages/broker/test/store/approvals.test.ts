import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IntendOutcome } from "../../src/domain/audit.ts";
import type { Ended } from "../../src/domain/ended.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { asBroker, asOwner } from "../support/as-owner.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { answerOf, approvalOf, decided } from "./approval-sample.ts";
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
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "ses_live" }));
});
afterAll(async () => {
  await other.close();
  await opened.close();
});

/** What the intent of a call says that stands on this yes. */
function use(store: Store, approval: string): Promise<IntendOutcome> {
  return store.log.intend("acme", intentOf(`call_${randomUUID()}`, "brk"), {
    session: "ses_live",
    reservations: [],
    rights: { approval },
    instead: refusalOf,
  });
}

test("an approval comes back as it was asked, and is answered once", async () => {
  const approval = approvalOf({
    statedReason: "the customer asked \0",
    actors: ["bailiwick://acme/prod/helpdesk/triage"],
    resource: { type: "Ticket", id: "1", digest: "d" },
    diff: [{ path: "status", before: "open", after: null }],
    terms: {
      count: 2,
      also: [{ by: ["finance"], count: 1 }],
      stepUp: true,
      escalate: { afterMs: 60_000, to: ["operator"] },
      bounded: { uses: 20, forMs: 3_600_000 },
    },
    reach: { records: 3, cost: 2.5, destinations: [{ argument: "to", value: "a@b.example", external: true }], undo: "tickets:restore" },
    origins: [{ argument: "to", from: "result", callId: "call_0", action: "tickets:read", untrusted: true }],
    supersedes: { id: "apr_before", because: ["record", "tool"], changes: [{ path: "status", before: "new", after: "open" }] },
  });
  await opened.store.approvals.create(approval);
  expect(await other.approvals.find("acme", approval.id)).toEqual(approval);
  const answer = answerOf("approve", {
    by: "ada",
    reason: "fine",
    args: { id: 2 },
    argsDigest: "sha256:2",
    onDutyFor: "lena",
    bounds: { uses: 3, until: new Date(Date.now() + 60_000), within: "task", args: { id: { min: 1, max: 5 } } },
  });
  const answers = await Promise.all([
    opened.store.approvals.answer("acme", approval.id, { answer, seen: 0, state: "approved" }),
    other.approvals.answer("acme", approval.id, { answer, seen: 0, state: "approved" }),
  ]);
  expect(answers.filter((outcome) => outcome.ok)).toHaveLength(1);
  expect(answers.find((outcome) => !outcome.ok)).toEqual({ ok: false, why: "ended", state: "approved" });
  expect((await other.approvals.find("acme", approval.id))?.answers).toEqual([answer]);
});

test("an approved approval is used once over two brokers, a pending, denied, cancelled or expired one never", async () => {
  const [approved, denied, cancelled, expired, waiting] = [{}, {}, {}, { expiresAt: new Date(Date.now() + 60_000) }, {}].map(approvalOf);
  for (const approval of [approved, denied, cancelled, expired, waiting]) {
    if (approval === undefined) throw new Error("there are five");
    await opened.store.approvals.create(approval);
    expect(await use(other, approval.id)).toEqual({ ok: false, why: "approval_gone" });
    if (approval !== waiting) await opened.store.approvals.answer("acme", approval.id, decided(approval === denied ? "deny" : "approve"));
  }
  expect(await other.approvals.cancel("acme", cancelled?.id ?? "")).toBe(true);
  await asOwner(opened.databaseUrl, "update bailiwick.approvals set expires_at = clock_timestamp() where id = $1", [expired?.id]);
  const uses = await Promise.all(Array.from({ length: 16 }, (_, at) => use(at % 2 === 0 ? opened.store : other, approved?.id ?? "")));
  expect(uses.filter(({ ok }) => ok)).toHaveLength(1);
  expect(uses.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 15 }, () => ({ ok: false, why: "approval_gone" })));
  expect((await other.approvals.find("acme", approved?.id ?? ""))?.state).toBe("used");
  for (const approval of [denied, cancelled, expired])
    expect(await use(other, approval?.id ?? "")).toEqual({ ok: false, why: "approval_gone" });
});

test("another tenant's yes pays for nothing", async () => {
  const approval = approvalOf({ tenant: "globex" });
  await opened.store.approvals.create(approval);
  await opened.store.approvals.answer("globex", approval.id, decided("approve"));
  expect(await use(other, approval.id)).toEqual({ ok: false, why: "approval_gone" });
  expect((await other.approvals.find("globex", approval.id))?.state).toBe("approved");
});

test("a refused intent takes no yes: the session is gone, and the yes stands for the next call", async () => {
  const approval = approvalOf({});
  await opened.store.approvals.create(approval);
  await opened.store.approvals.answer("acme", approval.id, decided("approve"));
  const outcome = await opened.store.log.intend("acme", intentOf("call_gone", "brk"), {
    session: "ses_nobody",
    reservations: [],
    rights: { approval: approval.id },
    instead: refusalOf,
  });
  expect(outcome).toEqual({ ok: false, why: "session_not_live" });
  const limited = await opened.store.log.intend("acme", intentOf("call_limited", "brk"), {
    session: "ses_live",
    reservations: [{ key: "few", max: 1, windowMs: 60_000, amount: 2 }],
    rights: { approval: approval.id },
    instead: refusalOf,
  });
  expect(limited).toMatchObject({ ok: false, why: "over_limit" });
  expect((await other.approvals.find("acme", approval.id))?.state).toBe("approved");
  expect(await use(other, approval.id)).toMatchObject({ ok: true });
});

test("an intent that stands on a yes that is gone draws nothing from its counters", async () => {
  const reservations = [{ key: "one-a-minute", max: 1, windowMs: 60_000, amount: 1 }];
  const common = { session: "ses_live", reservations, instead: refusalOf };
  const gone = await opened.store.log.intend("acme", intentOf("call_a", "brk"), { ...common, rights: { approval: "apr_none" } });
  expect(gone).toEqual({ ok: false, why: "approval_gone" });
  expect(await opened.store.log.intend("acme", intentOf("call_b", "brk"), common)).toMatchObject({ ok: true });
});

test("a drill pays for nothing, also when its row is made to say that it was approved", async () => {
  const drill = approvalOf({ drill: true });
  await opened.store.approvals.create(drill);
  expect(await opened.store.approvals.findFor(drill)).toBeUndefined();
  expect(await asBroker(opened.databaseUrl, "acme", "update bailiwick.approvals set state = 'approved' where id = $1", [drill.id])).toBe(1);
  expect(await use(other, drill.id)).toEqual({ ok: false, why: "approval_gone" });
  expect(await opened.store.approvals.findFor(drill)).toBeUndefined();
  const unsown = asBroker(opened.databaseUrl, "acme", "update bailiwick.approvals set drill = false where id = $1", [drill.id]);
  await expect(unsown).rejects.toThrow(/permission denied/u);
});

test("a yes to a drill is none: it ends as cancelled, and keeps no bounds", async () => {
  const drill = approvalOf({ drill: true, terms: { count: 1, also: [], stepUp: false, bounded: { uses: 9, forMs: 3_600_000 } } });
  await opened.store.approvals.create(drill);
  const bounds = { uses: 5, until: new Date(Date.now() + 60_000), within: "task", args: {} } as const;
  const outcome = await opened.store.approvals.answer("acme", drill.id, decided("approve", { bounds }));
  expect(outcome).toMatchObject({ ok: true, approval: { state: "cancelled" } });
  expect(await use(other, drill.id)).toEqual({ ok: false, why: "approval_gone" });
  expect((await other.approvals.listBounded("acme")).map(({ approval }) => approval.id)).not.toContain(drill.id);
});

test("of several people each answers on what they saw: who did not see the last answer is told that it has changed", async () => {
  const approval = approvalOf({ terms: { count: 2, also: [], stepUp: false } });
  const { id } = approval;
  await opened.store.approvals.create(approval);
  const people = ["ada", "ben", "cleo", "dana"];
  const first = await Promise.all(
    people.map((by, at) =>
      (at % 2 === 0 ? opened.store : other).approvals.answer("acme", id, {
        answer: answerOf("approve", { by }),
        seen: 0,
        state: "pending",
      }),
    ),
  );
  expect(first.filter(({ ok }) => ok)).toHaveLength(1);
  expect(first.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 3 }, () => ({ ok: false, why: "changed", state: "pending" })));
  expect(await use(other, id)).toEqual({ ok: false, why: "approval_gone" });
  const second = await other.approvals.answer("acme", id, { answer: answerOf("approve", { by: "eve" }), seen: 1, state: "approved" });
  expect(second).toMatchObject({ ok: true, approval: { state: "approved" } });
  expect((await opened.store.approvals.find("acme", id))?.answers).toHaveLength(2);
  expect(await use(opened.store, id)).toMatchObject({ ok: true });
});

test("a person whose yes became void says yes again, and is one row among those who answered", async () => {
  const approval = approvalOf({ terms: { count: 2, also: [], stepUp: false } });
  const { id } = approval;
  await opened.store.approvals.create(approval);
  for (const [seen, by] of ["ada", "ben", "ada"].entries())
    await opened.store.approvals.answer("acme", id, {
      answer: answerOf("approve", { by }),
      seen,
      state: seen === 2 ? "approved" : "pending",
    });
  const { rows } = await asOwner(opened.databaseUrl, "select person, verdict from bailiwick.approval_answers where approval = $1", [id]);
  expect(rows).toHaveLength(2);
  expect((await other.approvals.find("acme", id))?.answers.map(({ by }) => by)).toEqual(["ada", "ben", "ada"]);
});

test("an approval whose time is over reads as expired, is not found for a call, and cannot be answered", async () => {
  const approval = approvalOf({ expiresAt: new Date(Date.now() + 60_000) });
  await opened.store.approvals.create(approval);
  expect((await other.approvals.findFor(approval))?.id).toBe(approval.id);
  aheadMs = 61_000;
  try {
    expect((await other.approvals.find("acme", approval.id))?.state).toBe("expired");
    expect(await other.approvals.findFor(approval)).toBeUndefined();
    expect(await other.approvals.answer("acme", approval.id, decided("approve", { at: now() }))).toEqual({
      ok: false,
      why: "ended",
      state: "expired",
    });
    const ids = async (state: "expired" | "pending"): Promise<string[]> =>
      (await other.approvals.list("acme", { state, order: "newest", limit: 100 })).approvals.map(({ id }) => id);
    expect(await ids("expired")).toContain(approval.id);
    expect(await ids("pending")).not.toContain(approval.id);
  } finally {
    aheadMs = 0;
  }
});

test("the newest open approval for exactly these arguments is found, not another agent's, task's or operation's", async () => {
  const older = approvalOf({ createdAt: new Date(Date.now() - 10_000) });
  const newer = { ...approvalOf({}), argsDigest: older.argsDigest };
  for (const approval of [older, newer]) await opened.store.approvals.create(approval);
  expect((await other.approvals.findFor(older))?.id).toBe(newer.id);
  for (const changed of [
    { agent: "x" },
    { user: "x" },
    { task: "x" },
    { argsDigest: "x" },
    { tenant: "globex" },
    { operation: { ...older.operation, name: "x" } },
  ]) {
    expect(await other.approvals.findFor({ ...older, ...changed }), JSON.stringify(changed)).toBeUndefined();
  }
});

test("a waiting broker hears an answer given on another, and goes on waiting while further answers are needed", async () => {
  const approval = approvalOf({ terms: { count: 2, also: [], stepUp: false } });
  await opened.store.approvals.create(approval);
  const waiting = other.approvals.wait("acme", approval.id, { timeoutMs: 20_000, signal: new AbortController().signal });
  const started = performance.now();
  await opened.store.approvals.answer("acme", approval.id, { answer: answerOf("approve", { by: "ada" }), seen: 0, state: "pending" });
  await opened.store.approvals.answer("acme", approval.id, {
    answer: answerOf("deny", { by: "ben", reason: "no" }),
    seen: 1,
    state: "denied",
  });
  expect((await waiting)?.answers.at(-1)?.reason).toBe("no");
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("waiting ends with nothing at its deadline and on abort, and with the expiry when that comes first", async () => {
  const approval = approvalOf({ expiresAt: new Date(Date.now() + 300) });
  await opened.store.approvals.create(approval);
  const { signal } = new AbortController();
  expect(await other.approvals.wait("acme", approval.id, { timeoutMs: 1, signal })).toBeUndefined();
  const aborting = new AbortController();
  const waiting = other.approvals.wait("acme", approval.id, { timeoutMs: 20_000, signal: aborting.signal });
  aborting.abort();
  expect(await waiting).toBeUndefined();
  expect((await other.approvals.wait("acme", approval.id, { timeoutMs: 20_000, signal }))?.state).toBe("expired");
});

test("a waiter whose listening connection was cut still hears the answer, and caches are told to start over", async () => {
  const approval = approvalOf({});
  await opened.store.approvals.create(approval);
  const waiting = other.approvals.wait("acme", approval.id, { timeoutMs: 20_000, signal: new AbortController().signal });
  const startOver = new Promise<Ended | undefined>((settle) => other.onEnded(settle));
  await asOwner(
    opened.databaseUrl,
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'bailiwick listener'",
  );
  await asOwner(opened.databaseUrl, "update bailiwick.approvals set state = 'denied' where id = $1", [approval.id]);
  expect((await waiting)?.state).toBe("denied");
  expect(await startOver).toBeUndefined();
  expect(other.listenerFresh()).toBe(true);
});

test("an approval is withdrawn once, and one that was denied or used not at all", async () => {
  const [open, denied] = [approvalOf({}), approvalOf({})];
  for (const approval of [open, denied]) await opened.store.approvals.create(approval);
  await opened.store.approvals.answer("acme", denied.id, decided("deny"));
  const taken = await Promise.all([opened.store, other].map((store) => store.approvals.cancel("acme", open.id)));
  expect(taken.filter(Boolean)).toHaveLength(1);
  expect(await other.approvals.cancel("acme", denied.id)).toBe(false);
  expect((await other.approvals.find("acme", open.id))?.state).toBe("cancelled");
});

test("what ended without a run is handed out once over two brokers, and only when its agent had time to say so itself", async () => {
  const tenant = "globex";
  const before = { createdAt: new Date(Date.now() - 300_000) };
  const denied = approvalOf({ tenant, ...before });
  const expired = approvalOf({ tenant, ...before, expiresAt: new Date(Date.now() - 61_000) });
  const fresh = approvalOf({ tenant, ...before, expiresAt: new Date(Date.now() - 1_000) });
  const drill = approvalOf({ tenant, ...before, expiresAt: new Date(Date.now() - 61_000), drill: true });
  const open = approvalOf({ tenant });
  for (const approval of [denied, expired, fresh, drill, open]) await opened.store.approvals.create(approval);
  await opened.store.approvals.answer(tenant, denied.id, decided("deny", { at: new Date(Date.now() - 61_000) }));
  const taken = await Promise.all([opened.store, other, opened.store, other].map((store) => store.approvals.takeEnded(tenant, 100)));
  expect(
    taken
      .flat()
      .map(({ id, state }) => [id, state])
      .toSorted(),
  ).toEqual(
    [
      [denied.id, "denied"],
      [expired.id, "expired"],
    ].toSorted(),
  );
  await opened.store.approvals.saidEnded(tenant, denied.id);
  aheadMs = 120_000;
  try {
    // What was taken and not said to be done, its broker gone, is handed out again.
    expect((await other.approvals.takeEnded(tenant, 100)).map(({ id }) => id).toSorted()).toEqual([expired.id, fresh.id].toSorted());
  } finally {
    aheadMs = 0;
  }
});

test("every change of an approval is written down for those who are told of it, and a use is none", async () => {
  const approval = approvalOf({ terms: { count: 2, also: [], stepUp: false } });
  const { id } = approval;
  await opened.store.approvals.create(approval);
  for (const [seen, by] of ["ada", "ben"].entries())
    await opened.store.approvals.answer("acme", id, {
      answer: answerOf("approve", { by }),
      seen,
      state: seen === 1 ? "approved" : "pending",
    });
  expect(await use(other, id)).toMatchObject({ ok: true });
  const { rows } = await asOwner(opened.databaseUrl, "select what from bailiwick.outbox where kind = 'approval' and id = $1 order by seq", [
    id,
  ]);
  expect(rows.map(({ what }) => what)).toEqual(["pending", "answered", "approved"]);
});
