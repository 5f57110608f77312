import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { parsePkcs11Uri } from "../../src/adapters/keyring/pkcs11-uri.ts";
import { openRootKey } from "../../src/adapters/keyring/root-key.ts";
import { needsSoftToken, PIN, SOFTHSM_MODULE } from "./needs-soft-token.ts";
import type { SoftToken } from "./soft-token.ts";

const made: { token?: SoftToken } = {};
let token: SoftToken;
let folder: string;

afterAll(() => made.token?.close());
beforeEach(async (test) => {
  needsSoftToken(test);
  // Loaded only now: what it imports is optional.
  token = made.token ??= (await import("./soft-token.ts")).makeSoftToken();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-root-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

function open(uri: string, more: Readonly<Record<string, string | undefined>> = {}): Promise<Buffer> {
  return openRootKey(folder, (name) => (name === "BAILIWICK_ROOT_KEY" ? uri : name in more ? more[name] : token.environment(name)));
}

const refused = { code: "credential_unavailable", message: expect.not.stringContaining(PIN) };

test.each(["root", "pair"])(
  "a root key wrapped by the token's `%s` is made once and opened again, and is not in the folder",
  async (object) => {
    const made = await open(token.uri(object));
    expect(made.byteLength).toBe(32);
    expect(await open(token.uri(object))).toEqual(made);
    const file = join(folder, "root-key.pkcs11");
    const text = await readFile(file, "utf8");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    for (const form of ["base64", "base64url", "hex"] as const) expect(text).not.toContain(made.toString(form).replace(/=+$/u, ""));
  },
);

test("brokers that start at once keep one root key", async () => {
  const keys = await Promise.all([1, 2, 3].map(() => open(token.uri("root"))));
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
});

test("attack: the wrapped file opened with another key of the token", async () => {
  await open(token.uri("root"));
  await expect(open(token.uri("other"))).rejects.toMatchObject({ ...refused, message: expect.stringContaining("does not open") });
  await expect(open(token.uri("pair"))).rejects.toMatchObject(refused);
});

test("attack: one bit of the wrapped file turned", async () => {
  await open(token.uri("root"));
  const file = join(folder, "root-key.pkcs11");
  const kept: { wrapped: string } = JSON.parse(await readFile(file, "utf8"));
  const bytes = Buffer.from(kept.wrapped, "base64");
  bytes.writeUInt8(bytes.readUInt8(3) ^ 1, 3);
  await writeFile(file, JSON.stringify({ ...kept, wrapped: bytes.toString("base64") }));
  await expect(open(token.uri("root"))).rejects.toMatchObject(refused);
});

test("a wrapped file that others may read is refused", async () => {
  await open(token.uri("root"));
  const file = join(folder, "root-key.pkcs11");
  const text = await readFile(file);
  await rm(file);
  await writeFile(file, text, { mode: 0o644 });
  await expect(open(token.uri("root"))).rejects.toMatchObject({ ...refused, message: expect.stringContaining("chmod 600") });
});

test("a wrong PIN, no PIN, no such key, no such token and no library each say so, and never the PIN", async () => {
  const cases: readonly (readonly [string, Record<string, string | undefined>, string])[] = [
    [token.uri("root"), { BAILIWICK_PKCS11_PIN: "wrong-pin" }, "does not take the PIN"],
    [token.uri("root"), { BAILIWICK_PKCS11_PIN: undefined }, "PIN is not given"],
    [token.uri("nothing"), {}, "no AES key"],
    [`pkcs11:token=another;object=root?module-path=${SOFTHSM_MODULE}`, {}, "no token is there"],
    ["pkcs11:token=another;object=root?module-path=/nowhere.so", {}, "cannot be loaded"],
    ["pkcs11:token=another;object=root", {}, "BAILIWICK_PKCS11_MODULE"],
  ];
  for (const [uri, more, said] of cases)
    await expect(open(uri, more)).rejects.toMatchObject({ ...refused, message: expect.stringContaining(said) });
});

test("the PIN may lie in a file that only the broker's user reads", async () => {
  const file = join(folder, "pin");
  await writeFile(file, `${PIN}\n`, { mode: 0o600 });
  const made = await open(token.uri("root"), { BAILIWICK_PKCS11_PIN: undefined, BAILIWICK_PKCS11_PIN_FILE: file });
  expect(await open(`${token.uri("root")}&pin-source=file:${file}`, { BAILIWICK_PKCS11_PIN: undefined })).toEqual(made);
});

test("attack: a PIN inside the URI, where process lists and logs show it, is refused", () => {
  expect(() => parsePkcs11Uri(`pkcs11:token=t;object=o?pin-value=${PIN}`)).toThrow(/holds a PIN/u);
  expect(() => parsePkcs11Uri(`pkcs11:token=t;object=o?pin-value=${PIN}`)).not.toThrow(PIN);
});

test.each([
  ["pkcs11:object=o", /names no token/u],
  ["pkcs11:token=t", /names no key/u],
  ["pkcs11:token=t;token=u;object=o", /twice/u],
  ["pkcs11:token=t;object=o;slot-id=3", /does not know/u],
  ["pkcs11:token=%zz;object=o", /percent-encoding/u],
  ["pkcs11:token=t;object=o;type=cert", /type/u],
  ["pkcs11:token=t;object=o?a?b", /two/u],
  ["pkcs11:token=t;object=o?pin-source=pipe:cat", /pin-source/u],
])("the URI %s is refused", (uri, said) => {
  expect(() => parsePkcs11Uri(uri)).toThrow(said);
});

test("a URI's id is bytes, and its texts are percent-decoded (RFC 7512 section 2.3)", () => {
  const uri = parsePkcs11Uri("pkcs11:token=My%20token;id=%01%FF;type=secret-key?module-path=/lib/x.so&pin-source=file:///run/pin");
  expect(uri).toMatchObject({ token: "My token", id: Buffer.from([1, 255]), modulePath: "/lib/x.so", pinFile: "/run/pin" });
});
