import { type Kysely, sql, type Transaction } from "kysely";
import type { Tables } from "./tables.ts";
import { orUnavailable } from "./unavailable.ts";

/** Reserved tenant of sign-in rows, which belong to no tenant. */
export const PEOPLE = "_people";

/**
 * Runs `work` in a transaction that sees and writes rows of `tenant` only: row-level security enforces it.
 * @throws Fault `store_unavailable`.
 */
export function inTenant<T>(db: Kysely<Tables>, tenant: string, work: (scoped: Transaction<Tables>) => Promise<T>): Promise<T> {
  return orUnavailable(() =>
    db.transaction().execute(async (scoped) => {
      await sql`select set_config('bailiwick.tenant', ${tenant}, true)`.execute(scoped);
      return work(scoped);
    }),
  );
}
