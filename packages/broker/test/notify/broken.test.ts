import { afterEach, expect, test } from "vitest";
import { LEASE_MS } from "../../src/adapters/notify/notifier.ts";
import { openStore } from "../../src/adapters/store/index.ts";
import { onServer } from "../support/server-statement.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";
import { cleanups, closeAll, open, saidTo } from "./hooked.ts";

afterEach(closeAll);

test("a receiver that fails is tried again under the same id, later each time, and given up in the end with a record", async () => {
  const { house, hook } = await open({}, { tries: 3 });
  hook.statuses.push(500, 503, 429);
  await house.hold();
  await house.pass();
  await house.pass();
  expect(hook.all).toHaveLength(1);
  house.later(5_100);
  await house.pass();
  expect(hook.all).toHaveLength(2);
  expect(await house.store.notifications.list("acme", { limit: 10 })).toMatchObject([
    { state: "waiting", attempts: 2, lastError: "`localhost:" + new URL(hook.url).port + "` answered with status 503" },
  ]);
  house.later(10_100);
  await house.pass();
  expect(new Set(hook.all.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  const [dead] = await house.store.notifications.list("acme", { state: "dead", limit: 10 });
  expect(dead).toMatchObject({ attempts: 3 });
  const records = await house.store.log.read("acme", 0, 50);
  expect(records.filter(({ text }) => text.includes("notification.dead")).map(({ text }) => text)).toEqual([
    expect.stringContaining(dead?.id ?? "none"),
  ]);

  expect(await house.store.notifications.retry("acme", dead?.id ?? "", house.now())).toBe(true);
  await house.pass();
  expect(await house.store.notifications.list("acme", { limit: 10 })).toMatchObject([{ state: "sent", attempts: 1 }]);
});

test("a refusal is given up at once", async () => {
  const { house, hook } = await open();
  hook.statuses.push(410);
  await house.hold();
  await house.pass();
  expect(await house.store.notifications.list("acme", { limit: 10 })).toMatchObject([{ state: "dead", attempts: 1 }]);
});

test("a broker that ends between sending and noting it: sent twice with the same id, never lost", async () => {
  const { house, hook } = await open();
  await house.hold();
  const dying = await house.second("dies");
  await dying.notifier.pass();
  expect(house.faults).toMatchObject([{ message: "the broker ends here" }]);
  expect(hook.taken).toHaveLength(1);
  await house.pass();
  expect(hook.taken).toHaveLength(1);
  house.later(LEASE_MS + 1);
  await house.pass();
  await house.pass();
  expect(hook.taken).toHaveLength(2);
  expect(new Set(hook.taken.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(await house.store.notifications.list("acme", { limit: 10 })).toMatchObject([{ state: "sent", attempts: 2 }]);
});

test("a broker that ends while it routes takes no event away", async () => {
  const { house, hook } = await open();
  await house.hold();
  const cut = house.store.notifications.route("acme", 10, async () => Promise.reject(new Error("the broker ends here")));
  await expect(cut).rejects.toMatchObject({ cause: { message: "the broker ends here" } });
  await house.pass();
  expect(hook.taken).toHaveLength(1);
});

test("one that ended every broker that tried it is given up without being sent again", async () => {
  const { house, hook } = await open({}, { tries: 2 });
  await house.hold();
  const dying = await house.second("dies");
  for (let n = 0; n < 2; n += 1) {
    await dying.notifier.pass();
    house.later(LEASE_MS + 1);
  }
  expect(hook.taken).toHaveLength(2);
  await house.pass();
  expect(hook.taken).toHaveLength(2);
  expect(await house.store.notifications.list("acme", { limit: 10 })).toMatchObject([
    { state: "dead", lastError: "no attempt came to an end" },
  ]);
});

test("a question that cannot be read keeps no other from being told", async () => {
  const { house, hook } = await open();
  const broken = await house.hold();
  await onServer(house.databaseUrl(), `update bailiwick.approvals set ask = 'x' where id = '${broken.id}'`);
  const fine = await house.hold({ callId: "call_2", args: { id: "T-18" } });
  await house.pass();
  expect(saidTo(hook).flatMap(({ data }) => data.entries.map(({ id }) => id))).toEqual([fine.id]);
  expect(house.faults).toHaveLength(1);
});

test("two brokers make each delivery once", async () => {
  const { house, hook } = await open();
  const other = await house.second();
  for (let n = 0; n < 40; n += 1) await house.hold({ callId: `call_${n}`, args: { id: `T-${n}` } });
  await Promise.all([house.pass(), other.notifier.pass(), house.pass(), other.notifier.pass()]);
  await house.pass();
  expect(hook.all).toHaveLength(40);
  expect(new Set(hook.all.map(({ headers }) => headers["webhook-id"])).size).toBe(40);
  expect(house.faults).toEqual([]);
});

test("brokers that claim at the same moment never get the same delivery", async () => {
  const { house } = await open();
  const other = await openStore({ databaseUrl: house.databaseUrl(), rootKey: TEST_ROOT_KEY }, { brokerId: "another" });
  cleanups.push(() => other.close());
  const at = house.now();
  for (let n = 0; n < 120; n += 1) {
    const to = { address: "" };
    await house.store.notifications.put(
      "acme",
      { key: `k${n}`, route: "held", channel: "hook", purpose: "test", to, items: [], nextAt: at, gathers: false },
      at,
    );
  }
  const until = new Date(at.getTime() + LEASE_MS);
  const claims = Array.from({ length: 24 }, async (_, n) =>
    (n % 2 === 0 ? house.store : other).notifications.claim("acme", { now: house.now(), until, limit: 10 }),
  );
  const ids = (await Promise.all(claims)).flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThan(50);
});

test("a tenant's news is planned and sent within the tenant", async () => {
  const { house } = await open();
  await house.hold();
  await house.pass();
  expect(await house.store.notifications.list("globex", { limit: 10 })).toEqual([]);
  const [sent] = await house.store.notifications.list("acme", { limit: 10 });
  expect(await house.store.notifications.find("globex", sent?.id ?? "")).toBeUndefined();
});
