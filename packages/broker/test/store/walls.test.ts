import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { assertPowerless } from "../../src/adapters/store/roles.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { onServer } from "../support/server-statement.ts";
import { intentOf, outcomeOf, refusalOf, sessionOf } from "./samples.ts";

let opened: TestStore;
let owner: Client;
let app: Client;

beforeAll(async () => {
  opened = await testStore();
  owner = new Client({ connectionString: opened.databaseUrl });
  await owner.connect();
  app = await asApplication(owner, opened.databaseUrl);
  const { log, sessions } = opened.store;
  for (const tenant of ["acme", "globex"]) {
    await sessions.create(sessionOf({ tenant, id: "s1" }));
    const entry = { ...intentOf("call_1", opened.brokerId), facts: { secret: tenant } };
    await log.intend(tenant, entry, {
      session: "s1",
      reservations: [{ key: "k", max: 9, windowMs: 60_000, amount: 1 }],
      instead: refusalOf,
    });
    await opened.store.evidence.settle(tenant);
  }
});

afterAll(async () => {
  await app.end();
  await owner.end();
  await opened.close();
});

test("every table has a tenant, forced row-level security and a policy on the tenant for reading and writing", async () => {
  const { rows } = await owner.query<{ table: string; tenant: boolean; forced: boolean; using: string | null; check: string | null }>(
    `select c.relname as table,
            exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull) as tenant,
            c.relrowsecurity and c.relforcerowsecurity as forced,
            (select string_agg(pg_get_expr(p.polqual, p.polrelid), ' ') from pg_policy p where p.polrelid = c.oid and p.polcmd = '*' and p.polpermissive) as using,
            (select string_agg(pg_get_expr(p.polwithcheck, p.polrelid), ' ') from pg_policy p where p.polrelid = c.oid and p.polcmd = '*') as check
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'`,
  );
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    expect(row, row.table).toMatchObject({ tenant: true, forced: true });
    expect(row.using, row.table).toMatch(/tenant_id = .*bailiwick\.tenant/);
    expect(row.check, row.table).toBe(row.using);
  }
});

test("no view, and no function with its owner's rights, leads around the walls", async () => {
  const views = await owner.query(
    "select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'bailiwick' and c.relkind in ('v', 'm')",
  );
  const definers = await owner.query(
    "select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'bailiwick' and p.prosecdef order by 1",
  );
  // What makes partitions, since the application owns no table, and what destroys: each tested below or beside what it is for.
  const names = ["erase_facts", "erase_subject", "make_partitions", "retire_partitions", "rewrite_subjects"];
  expect([views.rowCount, definers.rows]).toEqual([0, names.map((name) => ({ name }))]);
});

test.each([
  "select bailiwick.make_partitions('globex', to_char(now(), 'YYYYMM')::int)",
  "select bailiwick.erase_subject('globex', 'sub_x')",
  "select bailiwick.erase_facts('globex', 'x')",
  "select bailiwick.retire_partitions('globex', 202601, 0, 'x')",
])("a function with its owner's rights works for the transaction's own tenant only: %s", async (statement) => {
  await app.query("begin");
  await app.query("select set_config('bailiwick.tenant', 'acme', true)");
  await expect(app.query(statement)).rejects.toMatchObject({ code: "42501" });
  await app.query("rollback");
});

test("a tenant sees its own rows only, and nothing without a tenant", async () => {
  for (const table of ["records", "record_facts", "open_calls", "logs", "limit_counters", "sessions", "log_writers"]) {
    expect(await seen(app, table, undefined), table).toEqual([]);
    expect(await seen(app, table, "acme"), table).toEqual(["acme"]);
    expect(await seen(app, table, "globex"), table).toEqual(["globex"]);
    expect(await seen(app, table, "initech"), table).toEqual([]);
  }
});

test("a row of another tenant cannot be written", async () => {
  await app.query("begin");
  await app.query("select set_config('bailiwick.tenant', 'acme', true)");
  await expect(
    app.query("insert into bailiwick.limit_counters (tenant_id, key, window_ms, window_start, used) values ('globex', 'k', 1, 1, 1)"),
  ).rejects.toThrow(/row-level security/);
  await app.query("rollback");
});

test.each([
  "update bailiwick.records set leaf = '{}'",
  "delete from bailiwick.records",
  "truncate bailiwick.records",
  "truncate bailiwick.tiles",
  "delete from bailiwick.checkpoints",
  "delete from bailiwick.subjects",
  "delete from bailiwick.record_facts",
  "delete from bailiwick.legal_holds",
  "update bailiwick.legal_holds set target = 'x'",
  "delete from bailiwick.log_bases",
])("the application may not: %s", async (statement) => {
  await app.query("begin");
  await app.query("select set_config('bailiwick.tenant', 'acme', true)");
  await expect(app.query(statement)).rejects.toMatchObject({ code: "42501" });
  await app.query("rollback");
});

test.each([
  "update bailiwick.records set leaf = '{}'",
  "delete from bailiwick.records",
  "truncate bailiwick.records",
  "truncate bailiwick.tiles",
  "delete from bailiwick.checkpoints",
])("even the owner is stopped by the trigger at: %s", async (statement) => {
  await owner.query("begin");
  await owner.query("select set_config('bailiwick.tenant', 'acme', true)");
  await expect(owner.query(statement)).rejects.toThrow(/append-only/);
  await owner.query("rollback");
});

test.each([
  "alter table bailiwick.records disable row level security",
  "drop table bailiwick.records",
  "set role bailiwick_owner",
  "create role evil",
  "create table bailiwick.mine ()",
])("the application's role may not: %s", async (statement) => {
  await expect(app.query(statement)).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|22023)$/) });
});

test("a partition's own table is out of reach, for the application and for the owner's mistakes", async () => {
  const { rows } = await owner.query<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'bailiwick.records'::regclass",
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { name } of rows) {
    await expect(app.query(`select from ${name}`)).rejects.toMatchObject({ code: "42501" });
    await expect(owner.query(`truncate ${name}`)).rejects.toThrow(/append-only/);
  }
});

test.each([
  ["another tenant's", "acme", "select bailiwick.make_partitions('globex', 202611)"],
  ["a month's that is long gone", "acme", "select bailiwick.make_partitions('acme', 199901)"],
])("no partition is made that is %s", async (_, tenant, statement) => {
  await app.query("begin");
  await app.query("select set_config('bailiwick.tenant', $1, true)", [tenant]);
  await expect(app.query(statement)).rejects.toThrow(/partition/);
  await app.query("rollback");
});

test("a role that could pass the walls is refused", async () => {
  await expect(assertPowerless(owner)).rejects.toMatchObject({ code: "store_unavailable" });
  await expect(assertPowerless(app)).resolves.toBeUndefined();
});

test("the query columns say what the leaf says", async () => {
  await opened.store.log.append("acme", outcomeOf("call_1", opened.brokerId));
  const { rows } = await owner.query<{ same: boolean }>(
    `select bool_and(row(at, agent, subject, session, run, task, tool, action, resource, verdict, status, code, broker) is not distinct from
       row((leaf::jsonb ->> 'at')::timestamptz, leaf::jsonb ->> 'agent', leaf::jsonb ->> 'user', leaf::jsonb ->> 'session', leaf::jsonb ->> 'run',
           leaf::jsonb ->> 'task', leaf::jsonb ->> 'tool', leaf::jsonb ->> 'action', leaf::jsonb -> 'resource' ->> 'tag', leaf::jsonb ->> 'verdict',
           leaf::jsonb ->> 'status', leaf::jsonb ->> 'code', leaf::jsonb ->> 'broker')) as same from bailiwick.records`,
  );
  expect(rows[0]?.same).toBe(true);
});

test("a migration that was edited after it ran stops the start", async () => {
  const other = await testStore();
  await other.store.close();
  await onServer(other.databaseUrl, "update bailiwick.migrations set checksum = 'other' where name like '0001%'");
  const again = openStore({ databaseUrl: other.databaseUrl, rootKey: other.rootKey }, { brokerId: "late" });
  await expect(again).rejects.toMatchObject({
    code: "store_unavailable",
    message: expect.stringContaining("changed after it had been applied"),
  });
  await other.close();
});

test("a database of a newer version stops the start", async () => {
  const other = await testStore();
  await other.store.close();
  await onServer(
    other.databaseUrl,
    "insert into bailiwick.migrations (tenant_id, name, checksum) values ('_system', '9999-future.sql', 'x')",
  );
  const again = openStore({ databaseUrl: other.databaseUrl, rootKey: other.rootKey }, { brokerId: "late" });
  await expect(again).rejects.toMatchObject({ code: "store_unavailable", message: expect.stringContaining("newer Bailiwick") });
  await other.close();
});

/** Logs in as the application does, with a password this test sets. */
async function asApplication(ownerClient: Client, url: string): Promise<Client> {
  const { rows } = await ownerClient.query<{ role: string }>("select 'bailiwick_' || current_database() as role");
  const role = rows[0]?.role ?? "";
  await ownerClient.query(`create role "${role}_probe" login password 'probe' in role bailiwick_app`);
  await ownerClient.query(`grant connect on database "${role.slice("bailiwick_".length)}" to "${role}_probe"`);
  const client = new Client({ connectionString: url.replace(/\/\/[^@]*@/, `//${role}_probe:probe@`) });
  await client.connect();
  return client;
}

async function seen(client: Client, table: string, tenant: string | undefined): Promise<readonly string[]> {
  await client.query("begin");
  if (tenant !== undefined) await client.query("select set_config('bailiwick.tenant', $1, true)", [tenant]);
  const { rows } = await client.query<{ tenant_id: string }>(`select distinct tenant_id from bailiwick.${table}`);
  await client.query("commit");
  return rows.map((row) => row.tenant_id);
}
