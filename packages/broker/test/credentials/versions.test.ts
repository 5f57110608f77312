import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cachedCredentials } from "../../src/adapters/cache/credential-cache.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import type { CredentialChange, CredentialInfo } from "../../src/domain/credential.ts";
import { testStore, type TestStore } from "../support/store.ts";

let opened: TestStore;
let other: Store;
let clock = new Date();
const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const bound = { ...at, hosts: ["api.example"] };

beforeAll(async () => {
  opened = await testStore({ now: () => clock });
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other", now: () => clock });
});
afterAll(async () => {
  await other.close();
  await opened.close();
});

async function asOwner(statement: string): Promise<readonly Record<string, unknown>[]> {
  const owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
  try {
    return (await owner.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await owner.end();
  }
}

async function staged(name: string, value: string): Promise<CredentialInfo> {
  const answer = await opened.store.credentials.stage(name, bound, value);
  if (!answer.ok) throw new Error(answer.why);
  return answer.info;
}

async function states(name: string): Promise<readonly string[]> {
  const all = await other.credentials.list("acme");
  return all.filter((each) => each.name === name).map((each) => `${each.version} ${each.state}`);
}

test("a first version is active at once, and a staged one changes nothing until it is activated", async () => {
  await opened.store.credentials.put("crm", bound, "value-one");
  const second = await staged("crm", "value-two");
  expect((await other.credentials.open("crm", at))?.value).toBe("value-one");
  expect(await states("crm")).toEqual(["1 active", "2 pending"]);
  expect(await opened.store.credentials.activate(second, { verification: "verified", graceMs: 60_000 })).toMatchObject({
    ok: true,
    info: { version: 2, state: "active", verification: "verified" },
  });
  expect((await other.credentials.open("crm", at))?.value).toBe("value-two");
  expect(await states("crm")).toEqual(["1 previous", "2 active"]);
});

test("a replaced version opens by its number until its grace ends, and not after it", async () => {
  await opened.store.credentials.put("graced", bound, "value-one");
  await opened.store.credentials.put("graced", bound, "value-two", { graceMs: 1_000 });
  expect((await other.credentials.open("graced", at, 1))?.value).toBe("value-one");
  clock = new Date(clock.getTime() + 1_000);
  expect(await other.credentials.open("graced", at, 1)).toBeUndefined();
  expect((await other.credentials.open("graced", at))?.version).toBe(2);
});

test("a version that waits is not opened by its number", async () => {
  await opened.store.credentials.put("waiting", bound, "value-one");
  await staged("waiting", "value-two");
  expect(await other.credentials.open("waiting", at, 2)).toBeUndefined();
});

test("an opened credential names the values of the versions beside it, so that results are cleaned of them too", async () => {
  await opened.store.credentials.put("cleaned", bound, "value-one");
  await opened.store.credentials.put("cleaned", bound, "value-two");
  await staged("cleaned", "value-three");
  expect((await other.credentials.open("cleaned", at))?.alsoSecret.toSorted()).toEqual(["value-one", "value-three"]);
});

test("only one version waits at a time", async () => {
  await opened.store.credentials.put("single", bound, "value-one");
  await staged("single", "value-two");
  expect(await opened.store.credentials.stage("single", bound, "value-three")).toEqual({ ok: false, why: "pending_exists" });
});

test("a revoked version's value is gone from the database, and calls do not fall back to a wider binding", async () => {
  await opened.store.credentials.put("leaked", { ...bound, environment: "*", workflow: "*" }, "value-wide");
  const { version } = await opened.store.credentials.put("leaked", bound, "value-narrow");
  expect(await opened.store.credentials.revoke({ ...at, name: "leaked", version })).toMatchObject({ ok: true, info: { state: "revoked" } });
  const rows = await asOwner("select octet_length(sealed) as left from bailiwick.credentials where name = 'leaked' and state = 'revoked'");
  expect(rows).toEqual([{ left: 0 }]);
  await expect(other.credentials.open("leaked", at)).rejects.toMatchObject({ code: "credential_unavailable" });
  expect((await other.credentials.open("leaked", { ...at, workflow: "billing" }))?.value).toBe("value-wide");
});

test("a version is revoked once, and a revoked one is not activated", async () => {
  await opened.store.credentials.put("ended", bound, "value-one");
  const second = await staged("ended", "value-two");
  expect((await opened.store.credentials.revoke(second)).ok).toBe(true);
  expect(await opened.store.credentials.revoke(second)).toEqual({ ok: false, why: "already_revoked" });
  expect(await opened.store.credentials.activate(second, { verification: "skipped", graceMs: 1 })).toEqual({
    ok: false,
    why: "not_pending",
  });
  expect(await opened.store.credentials.revoke({ ...second, version: 9 })).toEqual({ ok: false, why: "no_such_version" });
});

test("two brokers that activate the same version: one does", async () => {
  await opened.store.credentials.put("raced", bound, "value-one");
  const second = await staged("raced", "value-two");
  const options = { verification: "verified", graceMs: 1_000 } as const;
  const answers = await Promise.all([opened.store, other].map((store) => store.credentials.activate(second, options)));
  expect(answers.map((answer) => answer.ok).toSorted()).toEqual([false, true]);
});

test("the database itself holds no second active version of a place", async () => {
  await opened.store.credentials.put("doubled", bound, "value-one");
  await opened.store.credentials.put("doubled", bound, "value-two");
  await expect(
    asOwner("update bailiwick.credentials set state = 'active', grace_until = null where name = 'doubled' and version = 1"),
  ).rejects.toThrow(/credentials_one_active/);
});

test("a change that cannot be recorded is not made", async () => {
  const failing = opened.store.credentials.put("unrecorded", bound, "value-one", {
    record: () => Promise.reject(new Error("the log is down")),
  });
  await expect(failing).rejects.toThrow();
  expect(await states("unrecorded")).toEqual([]);
});

test("a rotation on one broker empties the other's cache, long before its time is over", async () => {
  const heard = Promise.withResolvers<void>();
  const cache = cachedCredentials(other.credentials, () => 0, other);
  await opened.store.credentials.put("cached", bound, "value-one");
  expect((await cache.open("cached", at))?.value).toBe("value-one");
  other.onCredentialChanged((change) => {
    if (change?.name === "cached") heard.resolve();
  });
  await opened.store.credentials.put("cached", bound, "value-two");
  await heard.promise;
  expect((await cache.open("cached", at))?.value).toBe("value-two");
});

test("what was being read while a change came is used once and not kept", async () => {
  let tell: () => void = () => undefined;
  const reads: string[] = ["old-value", "new-value"];
  const source = {
    open: async () => {
      const value = reads.shift() ?? "later";
      if (value === "old-value") tell();
      return { ...bound, name: "crm", version: 1, value, alsoSecret: [] };
    },
  };
  const feed = {
    onCredentialChanged: (listener: (change: { tenant: string; name: string }) => void) => {
      tell = () => listener({ tenant: "acme", name: "crm" });
      return () => undefined;
    },
  };
  const cache = cachedCredentials(source, () => 0, feed);
  await cache.open("crm", at);
  expect((await cache.open("crm", at))?.value).toBe("new-value");
});

test("when notices may have been missed, every kept credential is read anew", async () => {
  let tell: (change: CredentialChange) => void = () => undefined;
  const feed = {
    onCredentialChanged: (listener: (change: CredentialChange) => void) => {
      tell = listener;
      return () => undefined;
    },
  };
  let reads = 0;
  const source = { open: async () => ({ ...bound, name: "crm", version: (reads += 1), value: "some-value", alsoSecret: [] }) };
  const cache = cachedCredentials(source, () => 0, feed);
  await cache.open("crm", at);
  await cache.open("crm", at);
  expect(reads).toBe(1);
  tell({ tenant: "acme", name: "crm-two" });
  tell({ tenant: "globex", name: "crm" });
  await cache.open("crm", at);
  expect(reads).toBe(1);
  tell(undefined);
  await cache.open("crm", at);
  expect(reads).toBe(2);
});

test("a version asked for by its number is not answered with another one from the cache", async () => {
  const cache = cachedCredentials(opened.store.credentials, () => 0);
  await opened.store.credentials.put("numbered", bound, "value-one");
  await cache.open("numbered", at);
  await opened.store.credentials.put("numbered", bound, "value-two");
  expect((await cache.open("numbered", at, 1))?.value).toBe("value-one");
  expect((await cache.open("numbered", at, 2))?.value).toBe("value-two");
  expect(await cache.open("numbered", at, 3)).toBeUndefined();
});

test("a rotation is one broker's at a time", async () => {
  const place = { ...at, name: "locked" };
  const inside = await opened.store.credentials.exclusively(place, async () => other.credentials.exclusively(place, async () => "both"));
  expect(inside).toEqual({ value: undefined });
  expect(await other.credentials.exclusively(place, async () => "after")).toEqual({ value: "after" });
});
