import { Client } from "pg";
import { expect, test } from "vitest";
import { testDatabase } from "./database.ts";

test("a test database is a PostgreSQL 15 or newer, empty, and durable", async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ version: number; tables: number; fsync: string }>(
    "select current_setting('server_version_num')::int as version, (select count(*)::int from pg_tables where schemaname = 'public') as tables, current_setting('fsync') as fsync",
  );
  await client.end();
  await database.close();
  expect(rows[0]?.version).toBeGreaterThanOrEqual(150_000);
  expect(rows[0]).toMatchObject({ tables: 0, fsync: "on" });
});
