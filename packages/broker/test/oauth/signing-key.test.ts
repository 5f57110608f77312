import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { newSigningKey, sealSigningKey, unsealSigningKey } from "../../src/adapters/oauth/signing-key.ts";
import { LOOK_AGAIN_MS, openSigningKeys, REFRESH_MS, type SigningKeys, VERIFY_RETIRED_MS } from "../../src/adapters/oauth/signing-keys.ts";
import { testStore, type TestStore } from "../support/store.ts";

const rootKey = Buffer.alloc(32, 7);
let opened: TestStore;
let folder: string;
let clock: Date;

beforeAll(() => {
  clock = new Date();
});
beforeEach(async () => {
  opened = await testStore();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-key-"));
});
afterEach(async () => {
  await opened.close();
  await rm(folder, { recursive: true, force: true });
});

function keys(options: { readonly file?: string; readonly rootKey?: Buffer } = {}): Promise<SigningKeys> {
  return openSigningKeys({ store: opened.store.signingKeys, rootKey, now: () => clock, ...options });
}

function pass(ms: number): void {
  clock = new Date(clock.getTime() + ms);
}

test("the key made on the first start is the key of every later start", async () => {
  expect((await (await keys()).active()).kid).toBe((await (await keys()).active()).kid);
});

test("brokers that start for the first time at once end with one key", async () => {
  const all = await Promise.all([keys(), keys(), keys()]);
  expect(new Set(await Promise.all(all.map(async (each) => (await each.active()).kid))).size).toBe(1);
});

test("what is stored holds nothing of the key in clear", async () => {
  const key = await (await keys()).active();
  const d = key.privateKey.export({ format: "jwk" }).d ?? "";
  const rows = await opened.store.signingKeys.list(new Date(0));
  expect(d).not.toBe("");
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(d);
});

test("another root key does not open it, and no new key takes its place", async () => {
  const { kid } = await (await keys()).active();
  await expect(keys({ rootKey: Buffer.alloc(32, 8) })).rejects.toThrow(/cannot open the signing key in the store/u);
  expect((await (await keys()).active()).kid).toBe(kid);
});

test("a damaged key is refused", async () => {
  await expect(unsealSigningKey("{", rootKey, "the store")).rejects.toThrow(/damaged/u);
});

test("a key file of an earlier version is taken over and leaves the disk", async () => {
  const file = join(folder, "signing.key");
  const old = await newSigningKey();
  await writeFile(file, `${sealSigningKey(old, rootKey)}\n`);
  expect((await (await keys({ file })).active()).kid).toBe(old.kid);
  expect(await readdir(folder)).toEqual([]);
});

test("a key file does not replace the key that the store has", async () => {
  const { kid } = await (await keys()).active();
  const file = join(folder, "signing.key");
  await writeFile(file, sealSigningKey(await newSigningKey(), rootKey));
  expect((await (await keys({ file })).active()).kid).toBe(kid);
});

test("after a rotation the new key signs, and the old one verifies until what it signed has expired", async () => {
  const here = await keys();
  const { kid: old } = await here.active();
  pass(1);
  const fresh = await here.rotate();
  expect((await here.active()).kid).toBe(fresh);
  expect((await here.jwks()).keys.map((key) => key.kid)).toEqual([fresh, old]);
  pass(VERIFY_RETIRED_MS - 1);
  expect(await here.publicKey(old)).toBeDefined();
  pass(REFRESH_MS + 1);
  await here.active();
  expect(await here.publicKey(old)).toBeUndefined();
  expect(await here.publicKey(fresh)).toBeDefined();
});

test("a broker that only verifies forgets a retired key as well", async () => {
  const [here, there] = [await keys(), await keys()];
  const { kid: old } = await here.active();
  await here.rotate();
  pass(VERIFY_RETIRED_MS + REFRESH_MS + 1);
  expect(await there.publicKey(old)).toBeUndefined();
});

test("rotations at the same time on two brokers all succeed, and one key signs in the end", async () => {
  const all = await Promise.all([keys(), keys(), keys()]);
  const kids = await Promise.all(all.map((each) => each.rotate()));
  pass(REFRESH_MS);
  const active = new Set(await Promise.all(all.map(async (each) => (await each.active()).kid)));
  expect(active.size).toBe(1);
  expect(kids).toContain([...active][0]);
});

test("another broker verifies what was signed with a new key, and signs with it soon", async () => {
  const here = await keys();
  const there = await keys();
  const kid = await here.rotate();
  pass(LOOK_AGAIN_MS);
  expect(await there.publicKey(kid)).toBeDefined();
  pass(REFRESH_MS);
  expect((await there.active()).kid).toBe(kid);
});

test("an id that nobody knows is looked for in the store at most once a second", async () => {
  let asked = 0;
  const { store } = opened;
  const here = await openSigningKeys({
    rootKey,
    now: () => clock,
    store: {
      ...store.signingKeys,
      list: async (since) => {
        asked += 1;
        return store.signingKeys.list(since);
      },
    },
  });
  const before = asked;
  for (const id of ["a", "b", "c", "../x", "' or 1=1"]) expect(await here.publicKey(id)).toBeUndefined();
  expect(asked).toBe(before);
  pass(LOOK_AGAIN_MS);
  for (const id of ["d", "e", "f"]) expect(await here.publicKey(id)).toBeUndefined();
  expect(asked).toBe(before + 1);
});
