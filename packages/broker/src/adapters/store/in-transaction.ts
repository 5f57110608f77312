import type { Pool, PoolClient } from "pg";
import { orUnavailable } from "./unavailable.ts";

/** One transaction of a tenant over plain queries. @throws Fault `store_unavailable`; nothing was done then, or whether it was is not known. */
export function inTransaction<T>(pool: Pool, tenant: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return orUnavailable(async () => {
    const client = await pool.connect();
    try {
      await client.query("begin");
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
