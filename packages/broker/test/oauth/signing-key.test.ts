import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSigningKey } from "../../src/adapters/oauth/signing-key.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-key-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("the key made on the first start is the key of every later start", async () => {
  const rootKey = randomBytes(32);
  const first = await openSigningKey(join(folder, "signing.key"), rootKey);
  const second = await openSigningKey(join(folder, "signing.key"), rootKey);
  expect(second.kid).toBe(first.kid);
});

test("two first starts at once end with one key and no draft left behind", async () => {
  const rootKey = randomBytes(32);
  const keys = await Promise.all([1, 2, 3].map(async () => openSigningKey(join(folder, "signing.key"), rootKey)));
  expect(new Set(keys.map((key) => key.kid)).size).toBe(1);
  expect(await readdir(folder)).toEqual(["signing.key"]);
});

test("the file is for its owner only and holds nothing of the key in clear", async () => {
  const key = await openSigningKey(join(folder, "signing.key"), randomBytes(32));
  expect((await stat(join(folder, "signing.key"))).mode & 0o777).toBe(0o600);
  const d = key.privateKey.export({ format: "jwk" }).d ?? "";
  const bytes = await readFile(join(folder, "signing.key"), "utf8");
  expect(d).not.toBe("");
  expect(bytes).not.toContain(d);
});

test("another root key does not open it, and no new key takes its place", async () => {
  const file = join(folder, "signing.key");
  await openSigningKey(file, randomBytes(32));
  const before = await readFile(file, "utf8");
  await expect(openSigningKey(file, randomBytes(32))).rejects.toThrow(/cannot open the signing key/u);
  expect(await readFile(file, "utf8")).toBe(before);
});

test("a damaged file is refused", async () => {
  await writeFile(join(folder, "signing.key"), "{");
  await expect(openSigningKey(join(folder, "signing.key"), randomBytes(32))).rejects.toThrow(/damaged/u);
});
