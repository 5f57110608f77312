import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Client } from "pg";
import { expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { testDatabase } from "../support/database.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";

const FIRST_RELEASE = ["0001-tables.sql", "0002-append-records.sql"];

/** The database as the first release left it, owned by a role that row-level security binds like any other. */
async function firstRelease(): Promise<{ readonly databaseUrl: string; close(): Promise<void> }> {
  const database = await testDatabase();
  const owner = `owner_${database.name}`;
  const password = randomBytes(12).toString("hex");
  const superuser = new Client({ connectionString: database.databaseUrl });
  await superuser.connect();
  await superuser.query(`
    create role ${owner} login createrole password '${password}';
    grant bailiwick_app to ${owner} with admin option;
    alter database ${database.name} owner to ${owner};
    set role ${owner};
    create schema bailiwick;
    create table bailiwick.migrations (tenant_id text not null, name text primary key, checksum text not null, applied_at timestamptz not null default now());
    set bailiwick.tenant = '_system'`);
  for (const name of FIRST_RELEASE) {
    const text = await readFile(new URL(`../../src/adapters/store/migrations/${name}`, import.meta.url), "utf8");
    await superuser.query(text);
    const checksum = createHash("sha256").update(text).digest("hex");
    await superuser.query("insert into bailiwick.migrations (tenant_id, name, checksum) values ('_system', $1, $2)", [name, checksum]);
  }
  await superuser.query(`
    reset role;
    insert into bailiwick.credentials (tenant_id, environment, workflow, name, version, hosts, wrapped_key, sealed, created_at)
    select tenant, 'prod', 'helpdesk', 'crm', version, '[]', 'wrapped', 'sealed', now()
      from (values ('acme', 1), ('acme', 2), ('acme', 3), ('globex', 1)) as row (tenant, version)`);
  return {
    databaseUrl: database.databaseUrl.replace(/\/\/[^@]*@/u, `//${owner}:${password}@`),
    close: async () => {
      await superuser.query(`reassign owned by ${owner} to current_user; drop owned by ${owner}`);
      await superuser.end();
      await database.close();
      const server = new Client({ connectionString: database.databaseUrl.replace(`/${database.name}`, "/postgres") });
      await server.connect();
      await server.query(`drop role ${owner}`);
      await server.end();
    },
  };
}

test("credentials of the first release: the newest version stays in use, in every tenant, and the values of older ones are gone", async () => {
  const old = await firstRelease();
  const store = await openStore({ databaseUrl: old.databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "new" });
  const states = async (tenant: string) => (await store.credentials.list(tenant)).map(({ version, state }) => `${version} ${state}`);
  expect(await states("acme")).toEqual(["1 revoked", "2 revoked", "3 active"]);
  expect(await states("globex")).toEqual(["1 active"]);
  await store.close();
  await old.close();
});
