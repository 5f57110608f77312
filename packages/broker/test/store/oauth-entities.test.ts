import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "pg";
import type { OAuthEntity } from "../../src/domain/oauth-entity.ts";
import { testStore, type TestStore } from "../support/store.ts";

let opened: TestStore;
let clock: Date;

beforeAll(async () => {
  clock = new Date();
  opened = await testStore({ now: () => clock });
});
afterAll(async () => opened.close());

function entity(id: string, more: Partial<OAuthEntity> = {}): OAuthEntity {
  return { kind: "AuthorizationCode", id, payload: { id: 1 }, expiresAt: new Date(clock.getTime() + 60_000), ...more };
}

test("what is put is found under its kind and id only", async () => {
  await opened.store.oauth.put(entity("a"));
  expect(await opened.store.oauth.find("AuthorizationCode", "a")).toEqual({ payload: { id: 1 }, consumedAt: undefined });
  expect(await opened.store.oauth.find("RefreshToken", "a")).toBeUndefined();
  expect(await opened.store.oauth.find("AuthorizationCode", "b")).toBeUndefined();
});

test("of many who consume at once exactly one does", async () => {
  await opened.store.oauth.put(entity("once"));
  const told = await Promise.all(Array.from({ length: 8 }, async () => opened.store.oauth.consume("AuthorizationCode", "once")));
  expect(told.filter(Boolean)).toHaveLength(1);
  expect((await opened.store.oauth.find("AuthorizationCode", "once"))?.consumedAt).toBeDefined();
});

test("of many who put a new one at once exactly one does", async () => {
  const told = await Promise.all(
    Array.from({ length: 8 }, async () => opened.store.oauth.putNew(entity("new", { kind: "ReplayDetection" }))),
  );
  expect(told.filter(Boolean)).toHaveLength(1);
});

test("what has expired is not found, and its place is free again", async () => {
  await opened.store.oauth.putNew(entity("old", { kind: "ReplayDetection", expiresAt: new Date(clock.getTime() + 1_000) }));
  clock = new Date(clock.getTime() + 2_000);
  expect(await opened.store.oauth.find("ReplayDetection", "old")).toBeUndefined();
  expect(await opened.store.oauth.putNew(entity("old", { kind: "ReplayDetection" }))).toBe(true);
});

test("what hangs on a grant is listed and removed with it, and nothing else", async () => {
  await opened.store.oauth.put(entity("s1", { kind: "GrantedSession", grantId: "g1", payload: { session: "s1" } }));
  await opened.store.oauth.put(entity("s2", { kind: "GrantedSession", grantId: "g2", payload: { session: "s2" } }));
  expect(await opened.store.oauth.ofGrant("GrantedSession", "g1")).toEqual([{ session: "s1" }]);
  await opened.store.oauth.removeOfGrant("GrantedSession", "g1");
  expect(await opened.store.oauth.ofGrant("GrantedSession", "g1")).toEqual([]);
  expect(await opened.store.oauth.ofGrant("GrantedSession", "g2")).toHaveLength(1);
});

test("a copy of the table redeems nothing: ids are digests", async () => {
  await opened.store.oauth.put(entity("a-secret-code", { grantId: "a-secret-grant" }));
  const owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
  const { rows } = await owner.query("select * from bailiwick.oauth_entities");
  await owner.end();
  expect(JSON.stringify(rows)).not.toContain("a-secret");
});
