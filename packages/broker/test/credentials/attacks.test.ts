import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { testStore, type TestStore } from "../support/store.ts";

const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const bound = { ...at, hosts: ["good.example"] };
const refused = { code: "credential_unavailable", message: expect.not.stringContaining("value-") };
let opened: TestStore;

beforeEach(async () => {
  opened = await testStore();
});
afterEach(async () => opened.close());

async function asOwner(statement: string): Promise<void> {
  const owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
  try {
    await owner.query(statement);
  } finally {
    await owner.end();
  }
}

test("attack: ciphertext swapped between tenants", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-of-acme");
  await credentials.put("crm", { ...bound, tenant: "globex" }, "value-of-globex");
  await asOwner(`
    update bailiwick.credentials mine set wrapped_key = theirs.wrapped_key, sealed = theirs.sealed
      from bailiwick.credentials theirs where mine.tenant_id = 'acme' and theirs.tenant_id = 'globex'`);
  await expect(credentials.open("crm", at)).rejects.toMatchObject(refused);
});

test("attack: another tenant's key and row copied over one's own", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-of-acme");
  await credentials.put("crm", { ...bound, tenant: "globex" }, "value-of-globex");
  await asOwner(`
    update bailiwick.tenant_keys mine set wrapped = theirs.wrapped from bailiwick.tenant_keys theirs
      where mine.tenant_id = 'acme' and theirs.tenant_id = 'globex';
    update bailiwick.credentials mine set wrapped_key = theirs.wrapped_key, sealed = theirs.sealed, state_seal = theirs.state_seal
      from bailiwick.credentials theirs where mine.tenant_id = 'acme' and theirs.tenant_id = 'globex'`);
  await expect(credentials.open("crm", at)).rejects.toMatchObject(refused);
});

test("attack: ciphertext swapped between two credentials of one tenant", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-of-crm");
  await credentials.put("mail", bound, "value-of-mail");
  await asOwner(`
    update bailiwick.credentials mine set wrapped_key = other.wrapped_key, sealed = other.sealed
      from bailiwick.credentials other where mine.name = 'crm' and other.name = 'mail'`);
  await expect(credentials.open("crm", at)).rejects.toMatchObject(refused);
});

test("attack: a replaced version made the active one again by a changed row", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-one");
  await credentials.put("crm", bound, "value-two");
  await asOwner(`
    delete from bailiwick.credentials where version = 2;
    update bailiwick.credentials set state = 'active', grace_until = null where version = 1`);
  await expect(credentials.open("crm", at)).rejects.toMatchObject(refused);
});

test("attack: a whole older row put back, with everything that was true of it then", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-one");
  await asOwner("create table kept as select * from bailiwick.credentials");
  await credentials.put("crm", bound, "value-two");
  expect((await credentials.open("crm", at))?.version).toBe(2);
  await asOwner("delete from bailiwick.credentials; insert into bailiwick.credentials select * from kept");
  await expect(credentials.open("crm", at)).rejects.toMatchObject({ ...refused, message: expect.stringContaining("rolled back") });
});

test("attack: a replaced version kept in grace by a moved end", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-one");
  await credentials.put("crm", bound, "value-two", { graceMs: 1 });
  await asOwner("update bailiwick.credentials set grace_until = now() + interval '10 years' where version = 1");
  await expect(credentials.open("crm", at, 1)).rejects.toMatchObject(refused);
});

test("attack: a staged version made active by a changed row, or by a row that claims to be of the first release", async () => {
  const { credentials } = opened.store;
  await credentials.put("crm", bound, "value-one");
  await credentials.stage("crm", bound, "value-two");
  await asOwner(`
    update bailiwick.credentials set state = 'previous', grace_until = now() where version = 1;
    update bailiwick.credentials set state = 'active', activated_at = now() where version = 2`);
  await expect(credentials.open("crm", at)).rejects.toMatchObject(refused);
  await asOwner("update bailiwick.credentials set state_seal = null where version = 2");
  await expect(credentials.open("crm", at)).rejects.toMatchObject(refused);
});

test("attack: a host list moved in the store is not believed", async () => {
  await opened.store.credentials.put("crm", bound, "value-one");
  await asOwner(`update bailiwick.credentials set hosts = '["evil.example"]'`);
  expect((await opened.store.credentials.open("crm", at))?.hosts).toEqual(["good.example"]);
});

test("attack: the application's own login cannot move a credential to another place or delete its history", async () => {
  await opened.store.credentials.put("crm", bound, "value-one");
  await asOwner("grant bailiwick_app to current_user");
  for (const statement of [
    "update bailiwick.credentials set tenant_id = 'globex'",
    "update bailiwick.credentials set hosts = '[]'",
    "update bailiwick.credentials set version = 7",
    "delete from bailiwick.credentials",
  ]) {
    await expect(asOwner(`set role bailiwick_app; set bailiwick.tenant = 'acme'; ${statement}`)).rejects.toThrow(/permission denied/);
  }
});

test("a row of the first release, which knew no states, still opens", async () => {
  await opened.store.credentials.put("crm", bound, "value-one");
  await asOwner("update bailiwick.credentials set state_seal = null");
  const again = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "again" });
  expect((await again.credentials.open("crm", at))?.value).toBe("value-one");
  await again.close();
});
