import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore, type Store } from "../src/adapters/store/index.ts";
import type { Elevation } from "../src/domain/elevation.ts";
import { Fault } from "../src/domain/fault.ts";
import { type KnownEnds, sayEnds } from "../src/elevation-ends.ts";
import { elevationOf, yesOf } from "./store/elevation-sample.ts";
import { saidBy } from "./support/said.ts";
import { testStore, type TestStore } from "./support/store.ts";

let opened: TestStore;
let other: Store;
/** Milliseconds that the brokers' clocks are ahead. */
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

let tasks = 0;
async function asked(given: boolean): Promise<Elevation> {
  tasks += 1;
  const elevation = elevationOf({ createdAt: now(), task: `T-${tasks}` });
  await opened.store.elevations.ask(elevation);
  if (!given) return elevation;
  const from = now();
  const made = {
    answer: yesOf({ at: from }),
    seen: 0,
    state: "active",
    given: { scope: [], from, until: new Date(from.getTime() + 60_000) },
  } as const;
  await opened.store.elevations.answer("acme", elevation.id, made);
  return elevation;
}

const endsIn = (store: Store): Promise<number> => sayEnds({ elevations: store.elevations, log: store.log, now }, "acme", new Map());
async function said({ id }: Elevation): Promise<object[]> {
  return (await opened.store.log.recordsOf("acme", [id])).map(saidBy);
}

test("a right that ended by time and a question that nobody answered are said once, whichever broker looks", async () => {
  const [right, question, open] = [await asked(true), await asked(false), await asked(false)];
  await opened.store.elevations.answer("acme", open.id, {
    answer: yesOf({ verdict: "deny", at: now(), reason: "no" }),
    seen: 0,
    state: "denied",
  });
  expect(await endsIn(opened.store)).toBe(0);
  aheadMs = 3_600_000;
  const counts = await Promise.all([endsIn(opened.store), endsIn(other), endsIn(opened.store), endsIn(other)]);
  expect(counts.reduce((sum, each) => sum + each, 0)).toBe(2);
  expect(await endsIn(other)).toBe(0);
  expect(await said(right)).toMatchObject([{ event: "elevation.end", by: "broker", answered: true, role: "refunds" }]);
  expect(await said(question)).toMatchObject([{ event: "elevation.end", answered: false }]);
  expect(await said(open)).toEqual([]);
});

test("a broker that fails before the record is durable leaves it to the next look", async () => {
  const right = await asked(true);
  aheadMs += 3_600_000;
  const broken = { ...opened.store.log, append: () => Promise.reject(new Fault("log_unavailable", "the disk is full")) };
  await expect(sayEnds({ elevations: opened.store.elevations, log: broken, now }, "acme", new Map())).rejects.toThrow("the disk is full");
  expect(await said(right)).toEqual([]);
  await endsIn(other);
  expect(await said(right)).toHaveLength(1);
});

test("what a broker knows to be said it does not ask the log about at every look", async () => {
  const right = await asked(true);
  aheadMs += 3_600_000;
  let asks = 0;
  const { log } = opened.store;
  const counted: typeof log = { ...log, query: (...query) => ((asks += 1), log.query(...query)) };
  const known: KnownEnds = new Map();
  const look = (): Promise<number> => sayEnds({ elevations: opened.store.elevations, log: counted, now }, "acme", known);
  expect(await look()).toBe(1);
  expect(asks).toBeGreaterThan(0);
  asks = 0;
  expect(await look()).toBe(0);
  expect(asks).toBe(0);
  expect(await said(right)).toHaveLength(1);
});

test("rights that ended long ago are deleted, those of this month are kept", async () => {
  const old = await asked(true);
  aheadMs += 20 * 24 * 3_600_000;
  const recent = await asked(true);
  aheadMs += 11 * 24 * 3_600_000;
  expect(await opened.store.tidy("acme")).toBeGreaterThan(0);
  expect(await opened.store.elevations.find("acme", old.id)).toBeUndefined();
  expect(await opened.store.elevations.find("acme", recent.id)).toMatchObject({ state: "expired" });
});
