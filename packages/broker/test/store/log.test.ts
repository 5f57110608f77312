import { afterAll, beforeAll, expect, test } from "vitest";
import type { IntendOutcome, Reservation } from "../../src/domain/audit.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { saidBy } from "../support/said.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { intentOf, outcomeOf, refusalOf, sessionOf } from "./samples.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened.close());

test("an intent is appended with its session live, and reads back as it was written", async () => {
  const { log, sessions } = opened.store;
  await sessions.create(sessionOf({ tenant: "t1", id: "s1" }));
  const outcome = await log.intend("t1", intentOf("call_1", opened.brokerId), { session: "s1", reservations: [], instead: refusalOf });
  expect(outcome).toMatchObject({ ok: true, index: 0 });
  await log.append("t1", outcomeOf("call_1", opened.brokerId));
  const records = await log.read("t1", 0, 10);
  expect(records.map((record) => record.kind)).toEqual(["intent", "outcome"]);
  expect(records.map((record) => record.index)).toEqual([0, 1]);
  expect(JSON.parse(records[0]?.text ?? "")).toMatchObject({ v: 1, kind: "intent", call: "call_1", agent: "support" });
});

test("a thousand records written by many callers at once make one log without gaps", async () => {
  const { log } = opened.store;
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => log.append("t2", outcomeOf(`call_${index}`, opened.brokerId))));
  expect(await verifyLog(opened.store, "t2")).toMatchObject({ ok: true, records: 1_000 });
});

test("text of any alphabet, quotes, U+0000 and lone surrogates do not break the log", async () => {
  const { log } = opened.store;
  const texts = ["Zürich €", 'a "quoted" \\ text\n', "nul \0 nul", "\\u0000 literally", "lone \ud800 surrogate", "😀"];
  for (const [index, text] of texts.entries()) {
    const entry = outcomeOf(`call_${index}`, opened.brokerId);
    await log.append("t3", { ...entry, body: { ...entry.body, agent: text, note: { [text]: [text] } }, facts: { text } });
  }
  expect(await verifyLog(opened.store, "t3")).toMatchObject({ ok: true, records: texts.length });
  const [found] = await log.query("t3", { agent: "Zürich €", kind: "outcome", limit: 10 });
  expect(found?.callId).toBe("call_0");
  expect(await log.facts("t3", "call_2")).toEqual({ text: "nul \0 nul" });
});

test("an entry that cannot be stored fails alone", async () => {
  const { log } = opened.store;
  const good = outcomeOf("call_good", opened.brokerId);
  const results = await Promise.allSettled([
    log.append("t4", good),
    log.append("t4", { ...good, callId: "call_big", body: { ...good.body, note: "x".repeat(70_000) } }),
    log.append("t4", { ...good, callId: "call\nline" }),
    log.append("t4", { ...good, callId: "call_good_2" }),
  ]);
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(results[1]).toMatchObject({ reason: { code: "log_unavailable" } });
  expect(await verifyLog(opened.store, "t4")).toMatchObject({ ok: true, records: 2 });
});

test.each([
  ["unknown", async (): Promise<void> => undefined],
  [
    "expired",
    async (): Promise<void> => {
      await opened.store.sessions.create(
        sessionOf({ tenant: "t5", id: "expired", issuedAt: new Date(Date.now() - 200_000), expiresAt: new Date(Date.now() - 1) }),
      );
    },
  ],
  [
    "revoked",
    async (): Promise<void> => {
      await opened.store.sessions.create(sessionOf({ tenant: "t5", id: "revoked" }));
      expect(await opened.store.sessions.revoke("t5", "revoked", "ada")).toEqual({ session: "revoked", ended: ["revoked"] });
    },
  ],
] as const)("an intent of an %s session becomes the refusal given instead", async (session, prepare) => {
  await prepare();
  const outcome = await opened.store.log.intend("t5", intentOf(`call_${session}`, opened.brokerId), {
    session,
    reservations: [],
    instead: (why) => ({ ...refusalOf(why), callId: `call_${session}` }),
  });
  expect(outcome).toEqual({ ok: false, why: "session_not_live" });
  const records = await opened.store.log.query("t5", { callId: `call_${session}`, limit: 10 });
  expect(records.map((record) => record.kind)).toEqual(["refusal"]);
});

test("of many calls at once exactly as many pass as the limit allows, and each refusal says how much is used", async () => {
  const { log, sessions } = opened.store;
  await sessions.create(sessionOf({ tenant: "t6", id: "s1" }));
  const reservations: readonly Reservation[] = [{ key: "support tickets:update", max: 10, windowMs: 3_600_000, amount: 1 }];
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      log.intend("t6", intentOf(`call_${index}`, opened.brokerId), { session: "s1", reservations, instead: refusalOf }),
    ),
  );
  const refused = outcomes.filter((outcome) => !outcome.ok);
  expect(outcomes.length - refused.length).toBe(10);
  for (const outcome of refused) {
    expect(outcome).toMatchObject({ why: "over_limit", key: "support tickets:update", used: 10, max: 10 });
    expect(outcome.why === "over_limit" && outcome.retryAfterMs > 0 && outcome.retryAfterMs <= 3_600_000).toBe(true);
  }
  expect(await log.query("t6", { kind: "refusal", limit: 100 })).toHaveLength(30);
});

test("reservations are taken all or none, and given back when the call did not happen", async () => {
  const { log, sessions } = opened.store;
  await sessions.create(sessionOf({ tenant: "t7", id: "s1" }));
  const wide: Reservation = { key: "calls", max: 2, windowMs: 86_400_000, amount: 1 };
  const narrow: Reservation = { key: "cost", max: 0.3, windowMs: 86_400_000, amount: 0.1 };
  const intend = (callId: string, reservations: readonly Reservation[]): Promise<IntendOutcome> =>
    log.intend("t7", intentOf(callId, opened.brokerId), { session: "s1", reservations, instead: refusalOf });
  expect(await intend("call_1", [wide, { ...narrow, amount: 0.31 }])).toMatchObject({ ok: false, key: "cost", used: 0, max: 0.3 });
  expect(await intend("call_2", [wide, narrow])).toMatchObject({ ok: true });
  const takenAt = new Date();
  expect(await intend("call_3", [wide, { ...narrow, amount: 0.2 }])).toMatchObject({ ok: true });
  expect(await intend("call_4", [wide])).toMatchObject({ ok: false, key: "calls", used: 2 });
  await log.release("t7", [wide, { ...narrow, amount: 0.2 }], takenAt);
  expect(await intend("call_5", [wide, { ...narrow, amount: 0.2 }])).toMatchObject({ ok: true });
});

test("a window that is over starts again at nothing", async () => {
  const { log, sessions } = opened.store;
  await sessions.create(sessionOf({ tenant: "t8", id: "s1" }));
  const reservation: Reservation = { key: "burst", max: 1, windowMs: 50, amount: 1 };
  let passed = 0;
  let attempts = 0;
  for (; passed < 3 && attempts < 1_000; attempts++) {
    const outcome = await log.intend("t8", intentOf(`call_${attempts}`, opened.brokerId), {
      session: "s1",
      reservations: [reservation],
      instead: refusalOf,
    });
    if (outcome.ok) passed += 1;
  }
  expect(passed).toBe(3);
  expect(attempts).toBeGreaterThan(3);
});

test("facts lie beside the record, which commits to them", async () => {
  const { log } = opened.store;
  await log.append("t9", { ...outcomeOf("call_1", opened.brokerId), facts: { args: { to: "a@b.example" } } });
  await log.append("t9", { ...outcomeOf("call_1", opened.brokerId), facts: { result: 1 } });
  expect(await log.facts("t9", "call_1")).toEqual({ args: { to: "a@b.example" }, result: 1 });
  expect(await log.facts("t9", "call_2")).toBeUndefined();
  const [record] = await log.read("t9", 0, 1);
  expect(saidBy(record)["facts"]).toEqual({ args: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/) });
  expect(record?.text).not.toContain("a@b.example");
});

test("records are found by each of the names in their bodies, newest first, in pages", async () => {
  const { log } = opened.store;
  const fields = {
    agent: "a",
    session: "s",
    run: "r",
    tool: "billing",
    action: "billing:create",
    verdict: "deny",
    status: "failed",
  };
  await log.append("t10", outcomeOf("call_1", opened.brokerId));
  for (const callId of ["call_2", "call_3"])
    await log.append("t10", {
      kind: "hold",
      callId,
      body: { at: "2030-01-01T00:00:00.000Z", ...fields, rules: [{ id: "own-region" }, { id: "no-friday" }] },
      people: { user: "u", approvedBy: "lena" },
      task: "k",
      resource: { type: "ticket", id: "T-1" },
    });
  const more = { user: "u", task: "k", approver: "lena", rule: "no-friday", resource: { type: "ticket", id: "T-1" } };
  for (const [name, value] of Object.entries({ ...fields, ...more })) {
    const found = await log.query("t10", { [name]: value, limit: 10 });
    expect(
      found.map((record) => record.callId),
      name,
    ).toEqual(["call_3", "call_2"]);
  }
  expect(await log.query("t10", { kind: "hold", before: 2, limit: 10 })).toMatchObject([{ index: 1 }]);
  expect(await log.query("t10", { limit: 1 })).toMatchObject([{ index: 2 }]);
  expect(await log.query("t10", { user: "nobody", limit: 1 })).toEqual([]);
});

test("tenants' logs are apart: own numbers, own pseudonyms, nothing of the other", async () => {
  const { log } = opened.store;
  for (const tenant of ["t11", "t12"])
    await log.append(tenant, { ...outcomeOf("call_1", opened.brokerId), people: { user: "ada" }, task: "k" });
  const [one] = await log.read("t11", 0, 10);
  const [two] = await log.read("t12", 0, 10);
  expect([one?.index, two?.index]).toEqual([0, 0]);
  expect(saidBy(one)["user"]).not.toBe(saidBy(two)["user"]);
  expect(saidBy(one)["task"]).not.toBe(saidBy(two)["task"]);
});
