import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { withCalls } from "../../src/adapters/rest/call-happenings.ts";
import type { Happening } from "../../src/domain/happening.ts";
import { openRestHouse, recordCall, type RestHouse } from "../people-support/rest.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";

let house: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
});
afterAll(async () => {
  await house.close();
});

/** Listens from when the first look was taken. */
async function listening(): Promise<{ readonly heard: (Happening | undefined)[]; next(): Promise<void>; stop(): void }> {
  let looked: () => void = () => undefined;
  const first = new Promise<void>((settle) => {
    looked = settle;
  });
  const last = house.ports.policy().tenants.at(-1);
  const log = {
    ...house.ports.log,
    size: async (tenant: string) => {
      const size = await house.ports.log.size(tenant);
      if (tenant === last) looked();
      return size;
    },
  };
  const heard: (Happening | undefined)[] = [];
  let wake: () => void = () => undefined;
  const stop = withCalls({ ...house.ports, log }).subscribe((happening) => {
    heard.push(happening);
    wake();
  });
  await first;
  return {
    heard,
    next: () =>
      new Promise<void>((settle) => {
        wake = settle;
      }),
    stop,
  };
}

test("whoever listens hears that calls happened in a tenant, and of no tenant where none did", async () => {
  const { heard, next, stop } = await listening();
  const told = next();
  await recordCall(house, "call_1", "intent");
  await told;
  stop();
  expect(heard).toEqual([{ tenant: "acme", kind: "call" }]);
});

test("a call that another broker recorded is heard as well", async () => {
  const other = await openStore({ databaseUrl: house.databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "other" });
  const { heard, next, stop } = await listening();
  try {
    const told = next();
    await other.log.append("globex", { kind: "refusal", callId: "call_2", body: { at: new Date().toISOString(), code: "no_grant" } });
    await told;
    expect(heard).toEqual([{ tenant: "globex", kind: "call" }]);
  } finally {
    stop();
    await other.close();
  }
});

test("what the store tells is passed on as it is", async () => {
  const { heard, next, stop } = await listening();
  const told = next();
  await house.store.stops.put({
    tenant: "acme",
    kind: "workflow",
    name: "nothing",
    state: "suspended",
    by: "lena",
    reason: "a test",
    at: new Date(),
  });
  await told;
  stop();
  expect(heard[0]).toMatchObject({ tenant: "acme", kind: "stop" });
});
