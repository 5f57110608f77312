import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IDLE_MS } from "../../src/domain/person.ts";
import { type TestStore, testStore } from "../support/store.ts";

let opened: TestStore;
let owner: Client;
beforeAll(async () => {
  opened = await testStore();
  owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await opened.close();
});

const soon = (): Date => new Date(Date.now() + 60_000);

async function count(table: string, where = "true"): Promise<number> {
  await owner.query("select set_config('bailiwick.tenant', '_people', false)");
  const { rows } = await owner.query<{ count: number }>(`select count(*)::int as count from bailiwick.${table} where ${where}`);
  return rows[0]?.count ?? 0;
}

test("a sign-in that expired or lay idle is deleted when the next one begins", async () => {
  const { people } = opened.store;
  await people.createSession({ tokenHash: "old", person: "ada", via: "passkey", expiresAt: new Date(Date.now() - 1) });
  const idle = new Date(Date.now() - IDLE_MS - 1_000);
  await people.createSession({ tokenHash: "idle", person: "ada", via: "passkey", at: idle, expiresAt: soon() });
  expect(await people.findSession("idle", new Date())).toBeUndefined();
  await people.createSession({ tokenHash: "new", person: "ada", via: "passkey", expiresAt: soon() });
  expect(await count("person_sessions", "token_hash in ('old', 'idle')")).toBe(0);
  expect(await people.findSession("new", new Date())).toMatchObject({ person: "ada" });
});

test("a rotated sign-in is found by its new token only, and one that is gone is not rotated", async () => {
  const { people } = opened.store;
  await people.createSession({ tokenHash: "r1", person: "ada", via: "passkey", expiresAt: soon() });
  const rotated = await Promise.all(["r2", "r3"].map(async (token) => people.rotateSession("r1", token)));
  expect(rotated.toSorted()).toEqual([false, true]);
  expect(await people.findSession("r1", new Date())).toBeUndefined();
  expect(await people.rotateSession("gone", "r4")).toBe(false);
});

test("a challenge is handed out once, and of two that ask at the same time one gets it", async () => {
  const { challenges } = opened.store.signIn;
  await challenges.put({ challenge: "c1", purpose: "sign-in", browser: "b", expiresAt: soon() });
  const taken = await Promise.all([1, 2].map(async () => challenges.take("c1", new Date())));
  expect(taken.filter((one) => one === "used")).toHaveLength(1);
  expect(taken.find((one) => one !== "used")).toMatchObject({ challenge: "c1", purpose: "sign-in", browser: "b", person: undefined });
  expect(await challenges.take("c2", new Date())).toBeUndefined();
});

test("a recovery code is used once, and of two that use it at the same time one gets in", async () => {
  const { recoveryCodes } = opened.store.signIn;
  await recoveryCodes.replace("ada", ["h1", "h2"], new Date());
  const used = await Promise.all([1, 2].map(async () => recoveryCodes.use("ada", "h1", new Date())));
  expect(used.filter((left) => left !== undefined)).toEqual([1]);
  expect(await recoveryCodes.use("bob", "h2", new Date())).toBeUndefined();
});

test("attempts are counted exactly, however many come at once, and begin anew in the next window", async () => {
  const keys = [{ key: "t/ada", max: 5 }];
  const at = new Date("2026-11-26T10:00:00Z");
  const allowed = await Promise.all(Array.from({ length: 12 }, async () => opened.store.signIn.attempt(keys, 60_000, at)));
  expect(allowed.filter(Boolean)).toHaveLength(5);
  expect(await opened.store.signIn.attempt(keys, 60_000, new Date(at.getTime() + 60_000))).toBe(true);
});

test("a passkey's counter only grows; one that stays at zero is taken as one that does not count", async () => {
  const { passkeys } = opened.store.signIn;
  const key = {
    id: "k",
    person: "ada",
    name: "k",
    publicKey: "AA",
    counter: 0,
    transports: ["usb", "nfc"],
    backedUp: true,
    createdAt: new Date(1),
  };
  expect([await passkeys.add(key), await passkeys.add(key)]).toEqual([true, false]);
  expect(await passkeys.find("k")).toEqual(key);
  expect(await passkeys.used("k", 0, new Date())).toBe(true);
  expect(await passkeys.used("k", 7, new Date())).toBe(true);
  for (const counter of [0, 6, 7]) expect(await passkeys.used("k", counter, new Date()), String(counter)).toBe(false);
});

test("an account at an identity provider belongs to one person", async () => {
  const { sso } = opened.store.signIn;
  const account = { issuer: "https://id.example", subject: "s1" };
  const linked = await Promise.all(["ada", "bob"].map(async (person) => sso.link(account, person, new Date())));
  expect(linked.toSorted()).toEqual([false, true]);
  expect(await sso.personOf({ ...account, issuer: "https://other.example" })).toBeUndefined();
});

test("a logout token's id is remembered for its issuer", async () => {
  const { sso } = opened.store.signIn;
  const token = { issuer: "https://id.example", jti: "j1", expiresAt: soon() };
  expect([await sso.rememberLogout(token), await sso.rememberLogout(token)]).toEqual([true, false]);
  expect(await sso.rememberLogout({ ...token, issuer: "https://other.example" })).toBe(true);
});

test("a logout that names neither subject nor session ends nothing", async () => {
  const { people } = opened.store;
  const sso = { issuer: "https://id.example", subject: "s9", sid: "p1" };
  await people.createSession({ tokenHash: "sso", person: "ada", via: "sso", sso, expiresAt: soon() });
  expect(await people.endSsoSessions({ issuer: sso.issuer })).toEqual([]);
  expect(await people.endSsoSessions({ issuer: sso.issuer, subject: "s9", sid: "p2" })).toEqual([]);
  expect(await people.endSsoSessions({ issuer: sso.issuer, sid: "p1" })).toEqual(["ada"]);
  expect(await people.findSession("sso", new Date())).toBeUndefined();
});
