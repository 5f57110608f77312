import type { Pool, PoolClient } from "pg";
import { orUnavailable } from "./unavailable.ts";

/** Statements that read or move months of records take longer than any other. */
const SLOW_MS = 600_000;

/** A statement that both the server and this process are patient with; the transaction is, from then on. */
export async function queryPatiently(client: PoolClient, text: string, values: readonly unknown[]): Promise<readonly unknown[]> {
  await client.query(`set local statement_timeout = '${SLOW_MS}ms'`);
  // Of the driver's settings, the one its types do not know of a single query.
  const query = { text, values: [...values], query_timeout: SLOW_MS };
  const { rows } = await client.query<Record<string, unknown>>(query);
  return rows;
}

/** What a transaction sees: what is committed before each statement, or what was before its first. */
export type Isolation = "read committed" | "repeatable read";

/** One transaction of a tenant over plain queries. @throws Fault `store_unavailable`; nothing was done then, or whether it was is not known. */
export function inTransaction<T>(
  pool: Pool,
  tenant: string,
  work: (client: PoolClient) => Promise<T>,
  isolation: Isolation = "read committed",
): Promise<T> {
  return orUnavailable(async () => {
    const client = await pool.connect();
    try {
      await client.query(`begin isolation level ${isolation}`);
      await client.query("select set_config('bailiwick.tenant', $1, true)", [tenant]);
      const done = await work(client);
      await client.query("commit");
      client.release();
      return done;
    } catch (error) {
      client.release(true);
      throw error;
    }
  });
}
