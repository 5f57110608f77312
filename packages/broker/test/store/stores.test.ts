import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ended } from "../../src/domain/ended.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { sessionOf } from "./samples.ts";

let opened: TestStore;
/** Another broker on the same database. */
let other: Store;

beforeAll(async () => {
  opened = await testStore();
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
});
afterAll(async () => {
  await other.close();
  await opened.close();
});

test("a session is found in its tenant, with all it was made with", async () => {
  const session = sessionOf({ tenant: "acme", id: "s1", data: { customer: "c\0\u20ac", deep: [1, { a: null }] } });
  await opened.store.sessions.create(session);
  expect(await other.sessions.find("acme", "s1")).toEqual(session);
  expect(await other.sessions.find("globex", "s1")).toBeUndefined();
  expect(await other.sessions.find("acme", "s2")).toBeUndefined();
});

test("a bearer session cannot be made to live longer than five minutes", async () => {
  const issuedAt = new Date();
  const long = sessionOf({ tenant: "acme", id: "long", issuedAt, expiresAt: new Date(issuedAt.getTime() + 300_001) });
  await expect(opened.store.sessions.create(long)).rejects.toMatchObject({ code: "store_unavailable" });
});

test("a revoked session is revoked once, found so on every broker, and gone from the live ones", async () => {
  await opened.store.sessions.create(sessionOf({ tenant: "acme", id: "s3" }));
  const heard = new Promise<Ended | undefined>((settle) => other.onEnded(settle));
  expect(await opened.store.sessions.revoke("acme", "s3", "ada")).toEqual({ session: "s3", ended: ["s3"] });
  expect(await opened.store.sessions.revoke("acme", "s3", "ada")).toBeUndefined();
  expect(await opened.store.sessions.revoke("acme", "nobody", "ada")).toBeUndefined();
  expect(await heard).toEqual({ kind: "sessions", tenant: "acme", ids: ["s3"] });
  expect((await other.sessions.find("acme", "s3"))?.revokedAt).toBeInstanceOf(Date);
  const live = await other.sessions.list("acme", { live: true, limit: 100 });
  expect(live.map((session) => session.id)).not.toContain("s3");
  expect((await other.sessions.list("acme", { live: false, limit: 100 })).map((session) => session.id)).toContain("s3");
});

test("a key names one agent over all tenants", async () => {
  const key = {
    agent: "bailiwick://acme/prod/helpdesk/support",
    tenant: "acme",
    thumbprint: "print-1",
    publicJwk: { kty: "EC", crv: "P-256" },
    status: "active",
    addedAt: new Date("2026-11-01T09:00:00Z"),
  } as const;
  await opened.store.agentKeys.add(key);
  await opened.store.agentKeys.add(key);
  await expect(opened.store.agentKeys.add({ ...key, agent: "bailiwick://acme/prod/helpdesk/billing" })).rejects.toMatchObject({
    code: "key_shared",
  });
  await expect(opened.store.agentKeys.add({ ...key, tenant: "globex" })).rejects.toMatchObject({ code: "key_shared" });
  expect(await other.agentKeys.keysOf("acme", key.agent, new Date())).toEqual([key]);
  await opened.store.agentKeys.add({ ...key, status: "retired" });
  expect(await other.agentKeys.keysOf("acme", key.agent, new Date())).toEqual([]);
  expect(await other.agentKeys.list("acme")).toEqual([{ ...key, status: "retired" }]);
});

test("a retired key never works again: not by being added again, and not by a rotation that read it before", async () => {
  const key = {
    agent: "bailiwick://acme/prod/helpdesk/support",
    tenant: "acme",
    thumbprint: "print-2",
    publicJwk: { kty: "EC", crv: "P-256" },
    status: "active",
    addedAt: new Date("2026-11-01T09:00:00Z"),
  } as const;
  await opened.store.agentKeys.add(key);
  await opened.store.agentKeys.add({ ...key, status: "retired" });
  for (const again of [key, { ...key, retiresAt: new Date(Date.now() + 60_000) }]) {
    await other.agentKeys.add(again);
    expect(await other.agentKeys.keysOf("acme", key.agent, new Date())).toEqual([]);
  }
});

test("an assertion id is accepted once, by one of two brokers", async () => {
  const expiresAt = new Date(Date.now() + 60_000);
  const accepted = await Promise.all(
    [opened.store, other, opened.store].map((store) => store.agentKeys.useAssertion("acme", "agent", "jti-1", expiresAt)),
  );
  expect(accepted.filter(Boolean)).toHaveLength(1);
  expect(await other.agentKeys.useAssertion("acme", "agent-2", "jti-1", expiresAt)).toBe(true);
});

test("a credential opens where it is bound, the narrowest and newest first, and nowhere else", async () => {
  const { credentials } = opened.store;
  const bound = { tenant: "acme", environment: "prod", workflow: "helpdesk", hosts: ["api.example:443"] };
  await credentials.put("crm", { ...bound, environment: "*", workflow: "*" }, "wide");
  expect((await other.credentials.open("crm", bound))?.value).toBe("wide");
  await credentials.put("crm", bound, "first");
  expect(await credentials.put("crm", bound, "second")).toMatchObject({ name: "crm", version: 2, hosts: ["api.example:443"] });
  expect(await other.credentials.open("crm", bound)).toMatchObject({ value: "second", version: 2, hosts: ["api.example:443"] });
  expect((await other.credentials.open("crm", { ...bound, workflow: "billing" }))?.value).toBe("wide");
  expect(await other.credentials.open("crm", { ...bound, tenant: "globex" })).toBeUndefined();
  expect(await other.credentials.open("mail", bound)).toBeUndefined();
  const list = await other.credentials.list("acme");
  expect(list).toHaveLength(3);
  expect(JSON.stringify(list)).not.toMatch(/wide|first|second|value/);
});

test.each([
  ["moved to another workflow", "update bailiwick.credentials set workflow = 'billing' where workflow = 'helpdesk'", "billing"],
  ["rolled back to another version", "update bailiwick.credentials set version = 9 where version = 1", "helpdesk"],
  ["altered", "update bailiwick.credentials set sealed = sealed || '\\x00'", "helpdesk"],
])("a credential that was %s in the store does not open", async (_, statement, workflow) => {
  const tampered = await testStore();
  await tampered.store.credentials.put(
    "crm",
    { tenant: "acme", environment: "prod", workflow: "helpdesk", hosts: ["good.example"] },
    "top secret",
  );
  await runAsOwner(tampered.databaseUrl, statement);
  const opening = tampered.store.credentials.open("crm", { tenant: "acme", environment: "prod", workflow });
  await expect(opening).rejects.toMatchObject({ code: "credential_unavailable", message: expect.not.stringContaining("top secret") });
  await tampered.close();
});

test("hosts written into the store by another hand are not believed, and no value lies there in the clear", async () => {
  const tampered = await testStore();
  await tampered.store.credentials.put(
    "crm",
    { tenant: "acme", environment: "prod", workflow: "helpdesk", hosts: ["good.example"] },
    "top secret",
  );
  await runAsOwner(tampered.databaseUrl, `update bailiwick.credentials set hosts = '["evil.example"]'`);
  const found = await tampered.store.credentials.open("crm", { tenant: "acme", environment: "prod", workflow: "helpdesk" });
  expect(found?.hosts).toEqual(["good.example"]);
  const stored = await runAsOwner(tampered.databaseUrl, "select encode(sealed, 'escape') as text from bailiwick.credentials");
  expect(JSON.stringify(stored)).not.toContain("top secret");
  await tampered.close();
});

test("another root key opens nothing", async () => {
  const tampered = await testStore();
  const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
  await tampered.store.credentials.put("crm", { ...at, hosts: [] }, "top secret");
  const stranger = await openStore(
    { databaseUrl: tampered.databaseUrl, rootKey: randomBytes(32).toString("base64") },
    { brokerId: "stranger" },
  );
  await expect(stranger.credentials.open("crm", at)).rejects.toMatchObject({ code: "credential_unavailable" });
  await stranger.close();
  await tampered.close();
});

test("a login code signs in once, and not after its time", async () => {
  const { people } = opened.store;
  const soon = new Date(Date.now() + 60_000);
  await people.createLoginCode({ hash: "h1", person: "ada", via: "login-link", expiresAt: soon });
  await people.createLoginCode({ hash: "h2", person: "ada", via: "operator-key", expiresAt: soon });
  const redeemed = await Promise.all([opened.store, other].map((store) => store.people.redeemLoginCode("h1", new Date())));
  expect(redeemed.filter((person) => person !== undefined)).toEqual([{ person: "ada", via: "login-link" }]);
  expect(await people.redeemLoginCode("h2", soon)).toBeUndefined();
  expect(await people.redeemLoginCode("h3", new Date())).toBeUndefined();
});

test("a person's session is found until it ends or is ended", async () => {
  const { people } = opened.store;
  const expiresAt = new Date(Date.now() + 60_000);
  await people.createSession({ tokenHash: "t1", person: "ada", via: "login-link", expiresAt });
  expect(await other.people.findSession("t1", new Date())).toEqual({ person: "ada", via: "login-link", expiresAt });
  expect(await other.people.findSession("t1", expiresAt)).toBeUndefined();
  await other.people.endSession("t1");
  expect(await people.findSession("t1", new Date())).toBeUndefined();
});

test("an open store is healthy, and a second broker of the same name is refused", async () => {
  expect(await other.health()).toEqual({ ok: true, detail: "ready" });
  expect(other.listenerFresh()).toBe(true);
  const twin = openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
  await expect(twin).rejects.toMatchObject({ code: "store_unavailable", message: expect.stringContaining("`other`") });
});

async function runAsOwner(url: string, statement: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
