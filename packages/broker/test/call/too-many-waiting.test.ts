import { afterAll, beforeAll, expect, test } from "vitest";
import { approvalOf } from "../store/approval-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { AGENT, world } from "./support.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

test("an agent with a thousand calls that wait for people cannot have another one wait", async () => {
  const each = await world(db.store);
  const seed = Array.from({ length: 1_000 }, () => approvalOf({ agent: AGENT }));
  for (let at = 0; at < seed.length; at += 50)
    await Promise.all(seed.slice(at, at + 50).map((approval) => db.store.approvals.create(approval)));
  expect(await each.call("delete_ticket", { id: "T-1" })).toMatchObject({ kind: "refused", code: "rate_limited" });
  expect(await db.store.approvals.countPending("acme", AGENT)).toBe(1_000);
  const [first] = seed;
  await db.store.approvals.cancel("acme", first?.id ?? "");
  expect((await each.call("delete_ticket", { id: "T-1" })).kind).toBe("pending");
});
