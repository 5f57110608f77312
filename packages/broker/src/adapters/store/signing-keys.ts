import { type Kysely, sql } from "kysely";
import type { SigningKeyStore } from "../../domain/signing-key.ts";
import { EVERY_TENANT } from "../../domain/stop.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

export function signingKeyStore(db: Kysely<Tables>): SigningKeyStore {
  return {
    list: (since) =>
      inTenant(db, EVERY_TENANT, async (scoped) => {
        const rows = await scoped
          .selectFrom("bailiwick.signing_keys")
          .selectAll()
          .where("tenant_id", "=", EVERY_TENANT)
          .where((where) => where.or([where("retired_at", "is", null), where("retired_at", ">", since)]))
          .orderBy("created_at", "desc")
          .orderBy("kid")
          .execute();
        return rows.map(({ kid, sealed, created_at: createdAt, retired_at: retiredAt }) => ({
          kid,
          sealed,
          createdAt,
          ...(retiredAt === null ? {} : { retiredAt }),
        }));
      }),
    addFirst: ({ kid, sealed, at }) =>
      inTenant(db, EVERY_TENANT, async (scoped) => {
        const { numInsertedOrUpdatedRows } = await scoped
          .insertInto("bailiwick.signing_keys")
          .values({ tenant_id: EVERY_TENANT, kid, sealed, created_at: at, retired_at: null })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      }),
    replace: ({ kid, sealed, at }) =>
      inTenant(db, EVERY_TENANT, async (scoped) => {
        // Rotations at the same time take turns: a later one must see the key of the one before to retire it.
        await sql`select pg_advisory_xact_lock(hashtext('bailiwick.signing_keys'))`.execute(scoped);
        await scoped
          .updateTable("bailiwick.signing_keys")
          .set({ retired_at: at })
          .where("tenant_id", "=", EVERY_TENANT)
          .where("retired_at", "is", null)
          .execute();
        await scoped
          .insertInto("bailiwick.signing_keys")
          .values({ tenant_id: EVERY_TENANT, kid, sealed, created_at: at, retired_at: null })
          .execute();
      }),
  };
}
