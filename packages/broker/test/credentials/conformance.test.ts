import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, type TestContext } from "vitest";
import { environmentSource } from "../../src/adapters/credential-source/environment.ts";
import { fileSource } from "../../src/adapters/credential-source/file.ts";
import { sourcedCredentials } from "../../src/adapters/credential-source/sourced-credentials.ts";
import { vaultSource } from "../../src/adapters/credential-source/vault.ts";
import { openRootKey } from "../../src/adapters/keyring/root-key.ts";
import { openStore } from "../../src/adapters/store/index.ts";
import type { CredentialOpener } from "../../src/domain/credential.ts";
import { testDatabase } from "../support/database.ts";
import { ROLE_ID, startFakeVault } from "./fake-vault.ts";
import { needsSoftToken } from "./needs-soft-token.ts";

const HOSTS = ["api.example:443"];

/** One provider of credentials with a way to put values into it for a tenant. */
interface Provider {
  readonly opener: CredentialOpener;
  set(tenant: string, value: string): Promise<void>;
  remove(tenant: string): Promise<void>;
  close(): Promise<void>;
}

const providers: readonly {
  readonly name: string;
  readonly needs?: (test: Pick<TestContext, "skip">) => void;
  open(): Promise<Provider>;
}[] = [
  {
    name: "the encrypted store, root key in a file",
    open: () =>
      storeProvider(
        () => undefined,
        () => Promise.resolve(),
      ),
  },
  {
    name: "the encrypted store, root key in a PKCS #11 token",
    needs: needsSoftToken,
    open: async () => {
      const token = (await import("./soft-token.ts")).makeSoftToken();
      const environment = (name: string) => (name === "BAILIWICK_ROOT_KEY" ? token.uri("root") : token.environment(name));
      return storeProvider(environment, async () => token.close());
    },
  },
  { name: "an environment variable", open: environmentProvider },
  { name: "a file", open: fileProvider },
  { name: "a fake Vault", open: vaultProvider },
];

async function storeProvider(environment: (name: string) => string | undefined, end: () => Promise<void>): Promise<Provider> {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-store-"));
  const database = await testDatabase();
  const rootKey = (await openRootKey(folder, environment)).toString("base64");
  const store = await openStore({ databaseUrl: database.databaseUrl, rootKey }, { brokerId: "conformance" });
  const place = (tenant: string) => ({ tenant, environment: "*", workflow: "*" });
  return {
    opener: store.credentials,
    set: async (tenant, value) => void (await store.credentials.put("crm", { ...place(tenant), hosts: HOSTS }, value)),
    remove: async (tenant) => {
      for (const each of await store.credentials.list(tenant)) await store.credentials.revoke(each);
    },
    close: async () => {
      await store.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
      await end();
    },
  };
}

const noStore: CredentialOpener = { open: () => Promise.reject(new Error("the store is not where this value is kept")) };
const now = (): number => performance.now();

async function environmentProvider(): Promise<Provider> {
  const values = new Map<string, string>();
  const env = environmentSource((name) => values.get(name));
  return {
    opener: sourcedCredentials(() => ({ from: "env:CRM_KEY_${tenant}", hosts: HOSTS }), noStore, { env, file: fileSource() }, now),
    set: async (tenant, value) => void values.set(`CRM_KEY_${tenant}`, value),
    remove: async (tenant) => void values.delete(`CRM_KEY_${tenant}`),
    close: () => Promise.resolve(),
  };
}

async function fileProvider(): Promise<Provider> {
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-files-"));
  const env = environmentSource(() => undefined);
  return {
    opener: sourcedCredentials(() => ({ from: `file:${folder}/\${tenant}`, hosts: HOSTS }), noStore, { env, file: fileSource() }, now),
    set: (tenant, value) => writeFile(join(folder, tenant), `${value}\n`, { mode: 0o600 }),
    remove: (tenant) => rm(join(folder, tenant), { force: true }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function vaultProvider(): Promise<Provider> {
  const fake = await startFakeVault();
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-vault-"));
  const secretIdFile = join(folder, "secret-id");
  await writeFile(secretIdFile, fake.secretId, { mode: 0o600 });
  const vault = vaultSource({ address: fake.url, login: { kind: "approle", roleId: ROLE_ID, secretIdFile } });
  const outside = { env: environmentSource(() => undefined), file: fileSource(), vault };
  return {
    opener: sourcedCredentials(() => ({ from: "vault:secret/crm/${tenant}#key", hosts: HOSTS }), noStore, outside, now),
    set: async (tenant, value) => fake.write(`secret/data/crm/${tenant}`, { key: value }),
    remove: async (tenant) => fake.remove(`secret/data/crm/${tenant}`),
    close: async () => {
      await vault.close();
      await fake.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe.each(providers)("credentials from $name", ({ needs, open }) => {
  const opened: { provider?: Provider } = {};
  let provider: Provider;
  const at = (tenant: string) => ({ tenant, environment: "prod", workflow: "helpdesk" });

  beforeEach(async (one) => {
    needs?.(one);
    provider = opened.provider ??= await open();
  });
  afterAll(async () => opened.provider?.close());

  test("a value opens for its tenant with its hosts, its version, and nothing added", async () => {
    await provider.set("acme", "value-of-acme ü");
    const opened = await provider.opener.open("crm", at("acme"));
    expect(opened).toMatchObject({ name: "crm", tenant: "acme", value: "value-of-acme ü", hosts: HOSTS });
    expect(Number.isSafeInteger(opened?.version)).toBe(true);
  });

  test("another tenant does not get it", async () => {
    await provider.set("acme", "value-of-acme");
    expect(await provider.opener.open("crm", at("globex"))).toBeUndefined();
    await provider.set("globex", "value-of-globex");
    expect((await provider.opener.open("crm", at("globex")))?.value).toBe("value-of-globex");
    expect((await provider.opener.open("crm", at("acme")))?.value).toBe("value-of-acme");
  });

  test("a changed value counts on the next look, and the one before is still known to the scrubber", async () => {
    await provider.set("initech", "value-before");
    await provider.opener.open("crm", at("initech"));
    await provider.set("initech", "value-after");
    expect(await provider.opener.open("crm", at("initech"))).toMatchObject({ value: "value-after", alsoSecret: ["value-before"] });
  });

  test("the version that was opened can be asked for again, and one that never was cannot", async () => {
    await provider.set("acme", "value-again");
    const version = (await provider.opener.open("crm", at("acme")))?.version ?? 0;
    expect((await provider.opener.open("crm", at("acme"), version))?.value).toBe("value-again");
    expect(await provider.opener.open("crm", at("acme"), version + 1)).toBeUndefined();
  });

  test("a value that was taken away opens no more", async () => {
    await provider.set("hooli", "value-of-hooli");
    await provider.opener.open("crm", at("hooli"));
    await provider.remove("hooli");
    const gone = await provider.opener.open("crm", at("hooli")).catch((failure: unknown) => failure);
    if (gone !== undefined) expect(gone).toMatchObject({ code: "credential_unavailable" });
    expect(JSON.stringify(gone ?? null)).not.toContain("value-of-hooli");
  });
});
