import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { repeatMemory } from "../../src/adapters/cache/repeat-memory.ts";
import { USUAL_REPEATS } from "../../src/call/limit.ts";
import { MAX_IDENTICAL_REFUSALS } from "../../src/call/repeats.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { HELPER, till, tillPolicy } from "./till.ts";

let opened: TestStore;
let other: Store;
beforeAll(async () => {
  opened = await testStore();
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
});
afterAll(async () => {
  await other.close();
  await opened.close();
});

const NO_LIMITS = tillPolicy("{}");
const went = (answers: readonly CallAnswer[]): number => answers.filter(({ kind }) => kind === "result").length;
const repeated = { kind: "refused", code: "call_repeated" };

test("the very same call runs so often a minute, and other arguments, runs and agents are not counted with it", async () => {
  const shop = await till(opened.store, NO_LIMITS);
  const answers = await Promise.all(Array.from({ length: 64 }, () => shop.call("mark", { ids: ["a"] })));
  // A minute may end meanwhile; then both halves have a window each.
  expect([USUAL_REPEATS, 64]).toContain(went(answers));
  const over = await Promise.all(Array.from({ length: USUAL_REPEATS }, () => shop.call("mark", { ids: ["a"] })));
  expect(over.at(-1)).toMatchObject(repeated);
  expect(await shop.call("mark", { ids: ["b"] })).toMatchObject({ kind: "result" });
  const [run, helper] = [
    await till(opened.store, NO_LIMITS),
    await till(opened.store, NO_LIMITS, { agent: HELPER, run: shop.session.run }),
  ];
  for (const each of [run, helper]) {
    await each.call("mark", { ids: ["a"] });
    expect(await each.call("mark", { ids: ["a"] })).toMatchObject({ kind: "result" });
  }
});

test("`repeats` of a rule holds over brokers, exactly, instead of what is usual", async () => {
  const policy = tillPolicy("{ repeats: 3 }");
  const shop = await till(opened.store, policy);
  const second = await till(other, policy);
  const minute = Math.floor(Date.now() / 60_000);
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, no) => (no % 2 === 0 ? shop : second).call("mark", { ids: ["a"] }, shop.session)),
  );
  if (Math.floor(Date.now() / 60_000) === minute) expect(went(answers)).toBe(3);
  expect(answers.at(-1)).toMatchObject({ ...repeated, rules: [{ kind: "grant" }], next: [{ kind: "retry_after" }] });
});

test("more repeats than usual are a matter of a rule", async () => {
  const shop = await till(opened.store, tillPolicy("{ repeats: 200 }"));
  const answers = await Promise.all(Array.from({ length: 64 }, () => shop.call("mark", { ids: ["a"] })));
  expect(went(answers)).toBe(64);
});

async function stuck() {
  const clock = { now: new Date() };
  const heard: string[] = [];
  const long = {
    issuedAt: clock.now,
    expiresAt: new Date(clock.now.getTime() + 15 * 60_000),
    binding: { kind: "dpop", jkt: "k" },
  } as const;
  const shop = await till(opened.store, NO_LIMITS, long, (ports) => ({
    ...ports,
    now: () => clock.now,
    onStuck: ({ agent }, code) => heard.push(`${agent} ${code}`),
  }));
  const again = () => shop.call("mark", { ids: 7 });
  for (let time = 0; time < MAX_IDENTICAL_REFUSALS; time += 1)
    expect(await again()).toMatchObject({ kind: "refused", code: "argument_invalid" });
  const later = (minutes: number): Promise<CallAnswer> => {
    clock.now = new Date(clock.now.getTime() + minutes * 60_000);
    return again();
  };
  return { shop, heard, later };
}

test("a call that is refused over and over is not decided any more, and somebody hears of it once", async () => {
  const { shop, heard, later } = await stuck();
  for (let time = 0; time < 3; time += 1) expect(await later(0)).toMatchObject(repeated);
  expect(heard).toEqual([`${shop.session.agent} argument_invalid`]);
  const recorded = await opened.store.log.query("acme", { session: shop.session.id, code: "call_repeated", limit: 10 });
  expect(recorded).toHaveLength(3);
  expect(await shop.call("mark", { ids: 8 })).toMatchObject({ code: "argument_invalid" });
  expect(await shop.call("mark", { ids: ["a"] })).toMatchObject({ kind: "result" });
});

test("a pause ends it, and each further try makes the pause longer", async () => {
  const paused = await stuck();
  expect(await paused.later(11)).toMatchObject({ code: "argument_invalid" });
  const trying = await stuck();
  expect(await trying.later(7)).toMatchObject(repeated);
  expect(await trying.later(7)).toMatchObject(repeated);
});

test("another run of the same agent is not taken for the one that is stuck", async () => {
  const memory = repeatMemory();
  const shop = await till(opened.store, NO_LIMITS, {}, (ports) => ({ ...ports, repeats: memory }));
  for (let time = 0; time <= MAX_IDENTICAL_REFUSALS; time += 1) await shop.call("mark", { ids: 7 });
  expect(await shop.call("mark", { ids: 7 })).toMatchObject(repeated);
  const next = await till(opened.store, NO_LIMITS, { run: `run_${randomUUID()}` }, (ports) => ({ ...ports, repeats: memory }));
  expect(await next.call("mark", { ids: 7 })).toMatchObject({ code: "argument_invalid" });
});

test("what says itself when to come again is never taken for a loop", async () => {
  const shop = await till(opened.store, tillPolicy("{ perHour: 1 }"));
  await shop.call("charge", { amount: 1 });
  for (let time = 0; time <= MAX_IDENTICAL_REFUSALS + 5; time += 1)
    expect(await shop.call("charge", { amount: 1, no: time % 2 })).toMatchObject({ code: "rate_limited" });
});
