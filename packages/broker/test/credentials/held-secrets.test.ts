import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { heldSecrets, HELD_TTL_MS } from "../../src/adapters/credential-source/held-secrets.ts";
import type { CredentialChange } from "../../src/domain/credential.ts";
import { testStore, type TestStore } from "../support/store.ts";

const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const bound = { ...at, hosts: [] };
let opened: TestStore;

beforeEach(async () => {
  opened = await testStore();
});
afterEach(async () => opened.close());

test("all versions of all credentials of the tenant are held, and none of another tenant's", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-of-the-crm");
  await credentials.put("crm", bound, "value-of-the-crm-2");
  await credentials.put("mail", { ...bound, environment: "test" }, "value-of-the-mail");
  await credentials.put("crm", { ...bound, tenant: "globex" }, "value-of-globex");
  const held = heldSecrets(credentials, () => 0);
  expect(await held.of("acme")).toEqual(["value-of-the-crm", "value-of-the-crm-2", "value-of-the-mail"]);
  expect(await held.of("globex")).toEqual(["value-of-globex"]);
  expect(await held.of("initech")).toEqual([]);
});

test("the list is the same object until something changes, and a change that is heard of shows at once", async () => {
  const { credentials } = opened.store;
  let tell: (change: CredentialChange) => void = () => undefined;
  const held = heldSecrets(credentials, () => 0, {
    onCredentialChanged: (listener) => {
      tell = listener;
      return () => undefined;
    },
  });
  const info = await credentials.put("crm", bound, "value-of-the-crm");
  const first = await held.of("acme");
  expect(await held.of("acme")).toBe(first);
  tell({ tenant: "acme", name: "crm" });
  expect(await held.of("acme")).toBe(first);
  await credentials.put("mail", bound, "value-of-the-mail");
  await credentials.revoke(info);
  tell(undefined);
  expect(await held.of("acme")).toEqual(["value-of-the-mail"]);
});

test("a change that nobody told of shows when the time is over", async () => {
  const { credentials } = opened.store;
  let nowMs = 0;
  const held = heldSecrets(credentials, () => nowMs);
  await held.of("acme");
  await credentials.put("crm", bound, "value-of-the-crm");
  expect(await held.of("acme")).toEqual([]);
  nowMs = HELD_TTL_MS;
  expect(await held.of("acme")).toEqual(["value-of-the-crm"]);
});

test("a value from outside the store is held once it was opened", async () => {
  const { credentials } = opened.store;
  const held = heldSecrets(credentials, () => 0);
  await held.of("acme");
  const opener = held.watch({
    open: (name) => Promise.resolve({ ...bound, name, version: 1, value: "value-from-outside", alsoSecret: ["value-before-it"] }),
  });
  await opener.open("vault-key", at);
  expect(await held.of("acme")).toEqual(["value-from-outside", "value-before-it"]);
});

test("a credential that does not open any more does not keep the others from being held", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-of-the-crm");
  await credentials.put("mail", bound, "value-of-the-mail");
  const owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
  await owner.query("update bailiwick.credentials set sealed = sealed || '\\x00' where name = 'crm'");
  await owner.end();
  expect(await heldSecrets(credentials, () => 0).of("acme")).toEqual(["value-of-the-mail"]);
});
