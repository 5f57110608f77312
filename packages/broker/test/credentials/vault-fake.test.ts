import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { externalSources } from "../../src/adapters/credential-source/external-sources.ts";
import { vaultSource, type VaultOptions } from "../../src/adapters/credential-source/vault.ts";
import { type FakeVault, localhostCertificate, ROLE_ID, startFakeVault } from "./fake-vault.ts";

let fake: FakeVault;
let folder: string;
let secretIdFile: string;
const PLACE = "secret/crm/acme#key";
const PATH = "secret/data/crm/acme";

beforeEach(async () => {
  fake = await startFakeVault();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-vault-"));
  secretIdFile = join(folder, "secret-id");
  await writeFile(secretIdFile, `${fake.secretId}\n`, { mode: 0o600 });
  fake.write(PATH, { key: "value-from-vault", port: 5432 });
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

function source(more: Partial<VaultOptions> = {}): ReturnType<typeof vaultSource> {
  return vaultSource({ address: fake.url, login: { kind: "approle", roleId: ROLE_ID, secretIdFile }, ...more });
}

const refused = { code: "credential_unavailable", message: expect.not.stringContaining("value-from-vault") };

test("against a fake Vault: a field of a KV version 2 secret is read with its version and time", async () => {
  expect(await source().read(PLACE)).toEqual({ value: "value-from-vault", version: 1, since: new Date("2026-01-02T03:04:05.678Z") });
  fake.write(PATH, { key: "value-number-two" });
  expect(await source().read(PLACE)).toMatchObject({ value: "value-number-two", version: 2 });
});

test("against a fake Vault: one AppRole login serves many reads, and is made again before its lease ends", async () => {
  let now = 0;
  const vault = source({ nowMs: () => now });
  await Promise.all([vault.read(PLACE), vault.read(PLACE)]);
  now = 39_000;
  await vault.read(PLACE);
  expect(fake.asked.filter((each) => each.startsWith("POST"))).toHaveLength(1);
  now = 41_000;
  await vault.read(PLACE);
  expect(fake.asked.filter((each) => each.startsWith("POST"))).toHaveLength(2);
});

test("against a fake Vault: a token that was taken back is replaced once, unseen by the call", async () => {
  const vault = source();
  await vault.read(PLACE);
  fake.expireTokens();
  expect((await vault.read(PLACE))?.value).toBe("value-from-vault");
});

test("against a fake Vault: a token from a file is read anew each time", async () => {
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, "hvs.not-a-token-of-the-fake", { mode: 0o600 });
  await expect(source({ login: { kind: "token", tokenFile } }).read(PLACE)).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining("status 403"),
  });
});

test("against a fake Vault: a secret, or a field, that is not there or was deleted is no value", async () => {
  const vault = source();
  expect(await vault.read("secret/crm/globex#key")).toBeUndefined();
  expect(await vault.read("secret/crm/acme#nothing")).toBeUndefined();
  expect(await vault.read("secret/crm/acme#toString")).toBeUndefined();
  fake.remove(PATH);
  expect(await vault.read(PLACE)).toBeUndefined();
});

test("against a fake Vault: a wrong secret id, and a field that is no text, are refused", async () => {
  await writeFile(secretIdFile, "not-the-secret-id");
  await expect(source().read(PLACE)).rejects.toMatchObject({ ...refused, message: expect.stringContaining("does not let the broker in") });
  await writeFile(secretIdFile, fake.secretId);
  await expect(source().read("secret/crm/acme#port")).rejects.toMatchObject(refused);
});

test("attack: a redirect to another host is not followed, so the token does not go there", async () => {
  fake.instead = (_, response) => void response.writeHead(307, { location: "http://127.0.0.1:9/v1/steal" }).end();
  await expect(source({ login: { kind: "token", tokenFile: secretIdFile } }).read(PLACE)).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining("status 307"),
  });
});

test("attack: an answer without end is cut off, and one that is no JSON is not repeated", async () => {
  const login = { kind: "token", tokenFile: secretIdFile } as const;
  fake.instead = (_, response) => void response.writeHead(200).end("x".repeat(300_000));
  await expect(source({ login }).read(PLACE)).rejects.toMatchObject({ ...refused, message: expect.stringContaining("more than") });
  fake.instead = (_, response) => void response.writeHead(200).end("{ value-from-vault");
  await expect(source({ login }).read(PLACE)).rejects.toMatchObject(refused);
});

test.each([
  "http://vault.example:8200",
  "https://user:password@vault.example",
  "https://vault.example/other/path",
  "https://vault.example?x=1",
  "ftp://127.0.0.1",
  "http://169.254.169.254",
  "no address",
])("attack: the vault's address %s, which would carry the token in the clear or elsewhere, is refused", (address) => {
  expect(() => source({ address })).toThrow(/BAILIWICK_VAULT_ADDR/u);
});

test.each(["secret/../sys/seal#key", "secret#key", "secret/crm", "secret//crm#key", "secret/crm#a#b", "/crm#key"])(
  "attack: the place %s, which could lead out of the mount, is refused before anything is sent",
  async (place) => {
    await expect(source().read(place)).rejects.toMatchObject(refused);
    expect(fake.asked).toEqual([]);
  },
);

test("against a fake Vault over TLS: only a certificate of the named authority is taken", async () => {
  const certificate = localhostCertificate();
  const secure = await startFakeVault(certificate);
  await writeFile(secretIdFile, secure.secretId);
  secure.write(PATH, { key: "value-over-tls" });
  const login = { kind: "approle", roleId: ROLE_ID, secretIdFile } as const;
  const trusted = vaultSource({ address: secure.url, login, ca: certificate.cert });
  expect((await trusted.read(PLACE))?.value).toBe("value-over-tls");
  await expect(vaultSource({ address: secure.url, login }).read(PLACE)).rejects.toMatchObject(refused);
  await trusted.close();
  await secure.close();
});

test("a vault that is named without a way to log in, or with two, is refused at start", async () => {
  const settings = (more: Record<string, string>) => (name: string) => ({ BAILIWICK_VAULT_ADDR: fake.url, ...more })[name];
  await expect(externalSources(settings({}))).rejects.toMatchObject({ code: "credential_unavailable" });
  await expect(externalSources(settings({ BAILIWICK_VAULT_TOKEN_FILE: "/t", BAILIWICK_VAULT_ROLE_ID: "r" }))).rejects.toMatchObject({
    code: "credential_unavailable",
  });
  const sources = await externalSources(settings({ BAILIWICK_VAULT_ROLE_ID: ROLE_ID, BAILIWICK_VAULT_SECRET_ID_FILE: secretIdFile }));
  expect((await sources.vault?.read(PLACE))?.value).toBe("value-from-vault");
  await sources.close();
});
