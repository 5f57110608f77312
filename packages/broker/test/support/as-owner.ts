import { Client } from "pg";

/** Runs one statement as the owner of the database, who sees all tenants. Returns its rows and how many it touched. */
export async function asOwner(
  databaseUrl: string,
  statement: string,
  values: readonly unknown[] = [],
): Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly count: number }> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows, rowCount } = await client.query<Record<string, unknown>>(statement, [...values]);
    return { rows, count: rowCount ?? 0 };
  } finally {
    await client.end();
  }
}

/** The same as the broker's own login, in one tenant: with its grants, under row-level security. */
export async function asBroker(databaseUrl: string, tenant: string, statement: string, values: readonly unknown[] = []): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("set role bailiwick_app");
    await client.query("select set_config('bailiwick.tenant', $1, false)", [tenant]);
    return (await client.query(statement, [...values])).rowCount ?? 0;
  } finally {
    await client.end();
  }
}
