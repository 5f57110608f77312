import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

let house: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
});
afterAll(async () => house.close());

const PATH = "/api/v1/signing-keys/rotate";

test("an operator of all tenants rotates the signing key, and every tenant's log says so", async () => {
  const { kid } = z.object({ kid: z.string() }).parse(await (await (await house.as("olaf"))("POST", PATH)).json());
  expect((await house.store.signingKeys.list(new Date(0))).find((key) => key.retiredAt === undefined)?.kid).toBe(kid);
  for (const tenant of ["acme", "globex"]) {
    const records = await house.store.log.query(tenant, { callId: "signing-keys", limit: 5 });
    expect(saidBy(records[0])).toMatchObject({ event: "signing_key.rotate", by: "olaf" });
  }
});

test("an operator of one tenant cannot touch what signs for another", async () => {
  const answer = await (await house.as("greta"))("POST", PATH);
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: "wrong_tenant" });
});

test("people who operate nothing, and strangers, are refused", async () => {
  expect((await (await house.as("ana"))("POST", PATH)).status).toBe(403);
  expect((await house.anyone("POST", PATH)).status).toBe(401);
});

test("a request that says more than it may is refused", async () => {
  expect((await house.operator("POST", PATH, { kid: "mine" })).status).toBe(400);
});
