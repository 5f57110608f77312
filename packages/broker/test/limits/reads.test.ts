import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallAnswer } from "../../src/call/types.ts";
import { decided } from "../store/approval-sample.ts";
import { saidBy } from "../support/said.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { type Till, till, tillPolicy } from "./till.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

async function outcomeOf(answer: CallAnswer): Promise<unknown> {
  const [outcome] = await db.store.log.query("acme", { callId: answer.callId ?? "", kind: "outcome", limit: 1 });
  return saidBy(outcome);
}

test("a limit of records is drawn from by what a read shows, and a result that does not fit is withheld", async () => {
  const shop = await till(db.store, tillPolicy("{ recordsPerDay: 10 }"));
  expect(await shop.call("look", { rows: 6 })).toMatchObject({ kind: "result" });
  const withheld = await shop.call("look", { rows: 7 });
  expect(withheld).toMatchObject({ kind: "unknown", message: expect.stringContaining("10 records per day") });
  expect(JSON.stringify(withheld)).not.toContain("r0");
  expect(await outcomeOf(withheld)).toMatchObject({ status: "withheld", code: "rate_limited" });
  // The one that did not fit drew its first record before it was known how many there would be.
  expect(await shop.call("look", { rows: 3 })).toMatchObject({ kind: "result" });
  expect(await shop.call("look", { rows: 1 })).toMatchObject({ kind: "refused", code: "rate_limited" });
});

const ASKS =
  "[{ gate: many, reason: more than a screen is an extract, on: { effect: [read], recordsOver: 5 }, require: { approve: { by: [manager] } } }]";

async function yes(shop: Till, answer: CallAnswer): Promise<void> {
  const id = answer.kind === "pending" ? answer.approval.id : expect.fail();
  await shop.ports.approvals.answer("acme", id, decided("approve"));
}

test("a read that turns out larger than a gate lets pass is not shown; made again it waits for people, and their yes shows it", async () => {
  const shop = await till(db.store, tillPolicy("{}", { gates: ASKS }));
  expect(await shop.call("look", { rows: 5 })).toMatchObject({ kind: "result" });
  const withheld = await shop.call("look", { rows: 6 });
  expect(withheld).toMatchObject({ kind: "unknown", message: expect.stringMatching(/6 records are withheld.*`many` \(gates\.yaml:5\)/u) });
  expect(JSON.stringify(withheld)).not.toContain("r0");
  expect(await outcomeOf(withheld)).toMatchObject({ status: "withheld", code: "records_exceeded" });
  const held = await shop.call("look", { rows: 6 });
  expect(held).toMatchObject({ kind: "pending", approval: { approvers: ["manager"], rules: [{ id: "many" }], reach: { records: 6 } } });
  expect(shop.tool.effects).toHaveLength(2);
  await yes(shop, held);
  expect(await shop.call("look", { rows: 6 })).toMatchObject({ kind: "result", rowsRemoved: 0 });
  // The yes was for one call; other arguments are another call.
  expect(await shop.call("look", { rows: 6 })).toMatchObject({ kind: "pending" });
  expect(await shop.call("look", { rows: 4 })).toMatchObject({ kind: "result" });
});

test("people are asked about as many as were returned the last time, and no more once it is few", async () => {
  const shop = await till(db.store, tillPolicy("{}", { gates: ASKS }));
  const { answer } = shop.tool;
  const returning = (rows: number): void => {
    shop.tool.answer = (name, _args, io) => answer(name, { rows }, io);
  };
  const reach = async (): Promise<CallAnswer> => {
    const held = await shop.call("look", { rows: 0 });
    expect(held).toMatchObject({ kind: "pending" });
    return held;
  };
  returning(9);
  await shop.call("look", { rows: 0 });
  await yes(shop, await reach());
  returning(7);
  await shop.call("look", { rows: 0 });
  const held = await reach();
  expect(held).toMatchObject({ approval: { reach: { records: 7 } } });
  await yes(shop, held);
  returning(2);
  expect(await shop.call("look", { rows: 0 })).toMatchObject({ kind: "result" });
  expect(await shop.call("look", { rows: 0 })).toMatchObject({ kind: "result" });
});

test("on a broker that does not know how large the result was, the yes that people gave counts all the same", async () => {
  const policy = tillPolicy("{}", { gates: ASKS });
  const shop = await till(db.store, policy);
  await shop.call("look", { rows: 9 });
  const held = await shop.call("look", { rows: 9 });
  await yes(shop, held);
  const fresh = await till(db.store, policy);
  expect(held.kind === "pending" ? await fresh.resume(held.approval.id, "look", { rows: 9 }, shop.session) : held).toMatchObject({
    kind: "result",
  });
});
