import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { GivenRights } from "../../src/domain/audit.ts";
import { approvalOf, decided, PLAIN_TERMS } from "../store/approval-sample.ts";
import { intentOf, outcomeOf, refusalOf, sessionOf } from "../store/samples.ts";
import { asOwner } from "../support/as-owner.ts";
import { testDatabase } from "../support/database.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { CLERK, HELPER, type Till, till, tillPolicy } from "./till.ts";

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

const CALLERS = 64;
const HOUR_MS = 3_600_000;

/** 64 callers at the same moment, every second one on the other broker. */
function rush(brokers: readonly Till[], call: (broker: Till, no: number) => Promise<CallAnswer>): Promise<readonly CallAnswer[]> {
  return Promise.all(Array.from({ length: CALLERS }, (_, no) => call(brokers[no % brokers.length] ?? expect.fail(), no)));
}

const codes = (answers: readonly CallAnswer[]): readonly string[] =>
  answers.map((answer) => (answer.kind === "refused" ? answer.code : answer.kind));
const count = (all: readonly string[], one: string): number => all.filter((each) => each === one).length;

describe("64 callers on two brokers never exceed", () => {
  test.each([
    ["calls a day", "{ perDay: 20 }", "mark", (no: number) => ({ ids: ["a"], no }), 20],
    ["cost a day", "{ costPerDay: 100 }", "charge", (no: number) => ({ amount: 5, no }), 20],
    ["cost a month", "{ costPerMonth: 12.5 }", "charge", (no: number) => ({ amount: 1.25, no }), 10],
    ["records an hour", "{ recordsPerHour: 60 }", "mark", (no: number) => ({ ids: ["a", "b", "c"], no }), 20],
    ["recipients an hour", "{ recipientsPerHour: 40 }", "notify", (no: number) => ({ to: ["a@x.example", "b@x.example"], no }), 20],
  ] as const)("a budget of %s, by one", async (_, limits, name, args, fits) => {
    const policy = tillPolicy(limits);
    const brokers = [await till(opened.store, policy), await till(other, policy)];
    const answers = codes(await rush(brokers, (broker, no) => broker.call(name, args(no))));
    expect(count(answers, "result")).toBe(fits);
    expect(count(answers, "rate_limited")).toBe(CALLERS - fits);
    expect(brokers.flatMap(({ tool }) => tool.effects)).toHaveLength(fits);
  });

  test("a budget of one session's cost, and another session has its own", async () => {
    const policy = tillPolicy("{ costPerSession: 30 }");
    const broker = await till(opened.store, policy);
    const second = await till(other, policy);
    const same = codes(await rush([broker, second], (each, no) => each.call("charge", { amount: 3, no }, broker.session)));
    expect(count(same, "result")).toBe(10);
    expect(await second.call("charge", { amount: 3 })).toMatchObject({ kind: "result" });
  });

  test("a tenant's budget over all its agents, although each has some of its own left", async () => {
    const policy = tillPolicy("{ costPerDay: 100, perTenant: { costPerDay: 120 } }");
    const brokers = [await till(opened.store, policy, { agent: CLERK }), await till(other, policy, { agent: HELPER })];
    const answers = codes(await rush(brokers, (broker, no) => broker.call("charge", { amount: 4, no })));
    expect(count(answers, "result")).toBe(30);
    expect(count(answers, "rate_limited")).toBe(CALLERS - 30);
  });

  test.each([
    ["an agent's", "{ concurrent: 5 }", [CLERK, CLERK]],
    ["a tenant's", "{ perTenant: { concurrent: 5 } }", [CLERK, HELPER]],
  ])("%s calls at once, and what ends makes room for others", async (_, limits, agents) => {
    const policy = tillPolicy(limits);
    const brokers = [await till(opened.store, policy, { agent: agents[0] ?? "" }), await till(other, policy, { agent: agents[1] ?? "" })];
    const ends: (() => void)[] = [];
    let most = 0;
    for (const { tool } of brokers) {
      tool.answer = async () => {
        await new Promise<void>((end) => {
          most = Math.max(most, ends.push(end));
        });
        return {};
      };
    }
    let refused = 0;
    const running = rush(brokers, async (broker, no) => {
      const answer = await broker.call("mark", { ids: ["a"], no });
      if (answer.kind === "refused") refused += 1;
      return answer;
    });
    await expect.poll(() => refused, { timeout: 20_000 }).toBe(CALLERS - 5);
    for (const end of ends) end();
    const answers = await running;
    expect(most).toBe(5);
    expect(count(codes(answers), "too_many_at_once")).toBe(CALLERS - 5);
    expect(answers.find(({ kind }) => kind === "refused")).toMatchObject({
      message: expect.stringContaining("5 at once"),
      next: [{ kind: "retry_after", ms: 1_000 }],
    });
    for (const { tool } of brokers) tool.answer = () => ({});
    expect(codes(await Promise.all(brokers.map((broker) => broker.call("mark", { ids: ["b"] }))))).toEqual(["result", "result"]);
  });
});

const lease = { key: "few", max: 2, windowMs: 0, amount: 1 };
const begin = (store: Store, callId: string, broker: string) =>
  store.log.intend("acme", intentOf(callId, broker), { session: "ses", reservations: [lease], instead: refusalOf });

test("what a broker's calls held is given back when it is gone, by whoever says that their outcome is unknown", async () => {
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "ses" }));
  const gone = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "gone" });
  for (const callId of ["call_1", "call_2"]) expect(await begin(gone, callId, "gone")).toMatchObject({ ok: true });
  const over = { ok: false, why: "over_limit", key: "few", used: 2, max: 2 };
  expect(await begin(other, "call_3", "other")).toMatchObject(over);
  await gone.close();
  expect(await begin(other, "call_4", "other")).toMatchObject(over);
  expect(await opened.store.log.surfaceUnknown("acme", new Date())).toBe(2);
  expect(await begin(other, "call_5", "other")).toMatchObject({ ok: true });
});

test("of entries in one batch as many go as there is room, and those that do not take nothing else", async () => {
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "ses" }));
  const all = [lease, { key: "many", max: 1_000, windowMs: 86_400_000, amount: 1 }];
  const intend = (callId: string) =>
    opened.store.log.intend("acme", intentOf(callId, "b"), { session: "ses", reservations: all, instead: refusalOf });
  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, no) => intend(`call_${no}`)));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(2);
  const rest = await opened.store.log.intend("acme", intentOf("call_rest", "b"), {
    session: "ses",
    reservations: [{ key: "many", max: 1_000, windowMs: 86_400_000, amount: 999 }],
    instead: refusalOf,
  });
  expect(rest).toMatchObject({ ok: false, used: 2 });
});

test("where the log is another database too, calls at once are counted exactly, and one too many takes nothing", async () => {
  const log = await testDatabase();
  const apart = (brokerId: string) =>
    openStore({ databaseUrl: opened.databaseUrl, logDatabaseUrl: log.databaseUrl, rootKey: opened.rootKey }, { brokerId });
  const stores = [await apart("one"), await apart("two")];
  try {
    await stores[0]?.sessions.create(sessionOf({ tenant: "acme", id: "ses" }));
    const drawn = { key: "many", max: 1_000, windowMs: 86_400_000, amount: 1 };
    const intend = (store: Store | undefined, callId: string, reservations = [lease, drawn]) =>
      (store ?? expect.fail()).log.intend("acme", intentOf(callId, "one"), { session: "ses", reservations, instead: refusalOf });
    const outcomes = await Promise.all(Array.from({ length: CALLERS }, (_, no) => intend(stores[no % 2], `call_${no}`)));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(2);
    expect(await intend(stores[1], "call_rest", [{ ...drawn, amount: 999 }])).toMatchObject({ ok: false, used: 2 });
    const went = outcomes.findIndex(({ ok }) => ok);
    await stores[0]?.log.append("acme", outcomeOf(`call_${went}`, "one"));
    expect(await intend(stores[1], "call_next")).toMatchObject({ ok: true });
  } finally {
    for (const store of stores) await store.close();
    await log.close();
  }
});

test("where the log is another database too, one too many at once takes no yes and no proof, and nobody is told of the yes again", async () => {
  const log = await testDatabase();
  const store = await openStore(
    { databaseUrl: opened.databaseUrl, logDatabaseUrl: log.databaseUrl, rootKey: opened.rootKey },
    { brokerId: "apart" },
  );
  try {
    await store.sessions.create(sessionOf({ tenant: "acme", id: "ses_apart" }));
    const standing = approvalOf({ terms: { ...PLAIN_TERMS, bounded: { uses: 2, forMs: HOUR_MS } } });
    const [first, once] = [approvalOf({}), approvalOf({})];
    for (const approval of [first, once, standing]) {
      await store.approvals.create(approval);
      const bounds = { uses: 2, until: new Date(Date.now() + HOUR_MS), within: "task", args: {} } as const;
      await store.approvals.answer("acme", approval.id, decided("approve", approval === standing ? { bounds } : {}));
    }
    const intend = (callId: string, rights: GivenRights, proof = callId) =>
      store.log.intend("acme", intentOf(callId, "apart"), {
        session: "ses_apart",
        reservations: [{ ...lease, max: 1 }],
        rights,
        proof: { id: proof, untilMs: Date.now() + HOUR_MS },
        instead: refusalOf,
      });
    const end = (callId: string) => store.log.append("acme", outcomeOf(callId, "apart"));
    const told = async (): Promise<unknown> =>
      (await asOwner(opened.databaseUrl, "select count(*)::int as told from bailiwick.outbox")).rows;
    expect(await intend("call_1", { approval: first.id })).toMatchObject({ ok: true });
    const before = await told();
    expect(await intend("call_2", { approval: once.id })).toMatchObject({ ok: false, why: "over_limit" });
    expect(await intend("call_3", { bounded: standing.id })).toMatchObject({ ok: false, why: "over_limit" });
    expect(await told()).toEqual(before);
    await end("call_1");
    expect(await intend("call_4", { approval: once.id }, "call_2")).toMatchObject({ ok: true });
    await end("call_4");
    // The call that asked had one of the two.
    expect(await intend("call_5", { bounded: standing.id }, "call_3")).toMatchObject({ ok: true });
    await end("call_5");
    expect(await intend("call_6", { bounded: standing.id })).toMatchObject({ ok: false, why: "approval_gone" });
    expect(await intend("call_7", { approval: once.id })).toMatchObject({ ok: false, why: "approval_gone" });
  } finally {
    await store.close();
    await log.close();
  }
});
