import { hash } from "node:crypto";
import type { JsonObject } from "@bailiwick/policy";
import { type Kysely, sql, type Transaction } from "kysely";
import { z } from "zod";
import type { OAuthEntity, OAuthEntityStore } from "../../domain/oauth-entity.ts";
import type { OAuthEntitiesTable } from "./oauth-tables.ts";
import type { Tables } from "./tables.ts";
import { inTenant, PEOPLE } from "./tenant-scope.ts";

const jsonObject: z.ZodType<JsonObject> = z.record(z.string(), z.json());

export function oauthEntityStore(db: Kysely<Tables>, now: () => Date): OAuthEntityStore {
  const scoped = <T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> => inTenant(db, PEOPLE, work);
  return {
    put: (entity) =>
      scoped(async (transaction) => {
        await forgetExpired(transaction, now());
        const { payload, grant_id, expires_at } = toRow(entity, now());
        await transaction
          .insertInto("bailiwick.oauth_entities")
          .values(toRow(entity, now()))
          .onConflict((conflict) => conflict.columns(["tenant_id", "kind", "id"]).doUpdateSet({ payload, grant_id, expires_at }))
          .execute();
      }),
    putNew: (entity) =>
      scoped(async (transaction) => {
        await forgetExpired(transaction, now());
        const row = toRow(entity, now());
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("bailiwick.oauth_entities")
          .values(row)
          // One that has expired, and was not deleted yet, is in nobody's way.
          .onConflict((conflict) =>
            conflict.columns(["tenant_id", "kind", "id"]).doUpdateSet(row).where("bailiwick.oauth_entities.expires_at", "<=", now()),
          )
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      }),
    find: (kind, id) =>
      scoped(async (transaction) => {
        const row = await transaction
          .selectFrom("bailiwick.oauth_entities")
          .select(["payload", "consumed_at"])
          .where("tenant_id", "=", PEOPLE)
          .where("kind", "=", kind)
          .where("id", "=", digest(id))
          .where("expires_at", ">", now())
          .executeTakeFirst();
        if (row === undefined) return undefined;
        return { payload: jsonObject.parse(JSON.parse(row.payload)), consumedAt: row.consumed_at ?? undefined };
      }),
    consume: (kind, id) =>
      scoped(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("bailiwick.oauth_entities")
          .set({ consumed_at: now() })
          .where("tenant_id", "=", PEOPLE)
          .where("kind", "=", kind)
          .where("id", "=", digest(id))
          .where("consumed_at", "is", null)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
    expireAt: (kind, id, expiresAt) =>
      scoped(async (transaction) => {
        await transaction
          .updateTable("bailiwick.oauth_entities")
          .set({ expires_at: expiresAt })
          .where("tenant_id", "=", PEOPLE)
          .where("kind", "=", kind)
          .where("id", "=", digest(id))
          .execute();
      }),
    remove: (kind, id) =>
      scoped(async (transaction) => {
        await transaction
          .deleteFrom("bailiwick.oauth_entities")
          .where("tenant_id", "=", PEOPLE)
          .where("kind", "=", kind)
          .where("id", "=", digest(id))
          .execute();
      }),
    ofGrant: (kind, grantId) =>
      scoped(async (transaction) => {
        const rows = await transaction
          .selectFrom("bailiwick.oauth_entities")
          .select("payload")
          .where("tenant_id", "=", PEOPLE)
          .where("kind", "=", kind)
          .where("grant_id", "=", digest(grantId))
          .where("expires_at", ">", now())
          .execute();
        return rows.map(({ payload }) => jsonObject.parse(JSON.parse(payload)));
      }),
    removeOfGrant: (kind, grantId) =>
      scoped(async (transaction) => {
        await transaction
          .deleteFrom("bailiwick.oauth_entities")
          .where("tenant_id", "=", PEOPLE)
          .where("kind", "=", kind)
          .where("grant_id", "=", digest(grantId))
          .execute();
      }),
  };
}

/** Of rows that are over, as many as are deleted with each new one: they cannot pile up, and no request pays for a flood. */
const FORGET_AT_ONCE = 100;

/** Rows come from whoever knocks, so those that are over are deleted on the way. What another transaction deletes is skipped, not waited for. */
async function forgetExpired(transaction: Transaction<Tables>, now: Date): Promise<void> {
  await sql`delete from bailiwick.oauth_entities where (kind, id) in (
    select kind, id from bailiwick.oauth_entities where tenant_id = ${PEOPLE} and expires_at < ${now}
     limit ${FORGET_AT_ONCE} for update skip locked)`.execute(transaction);
}

function toRow({ kind, id, grantId, payload, expiresAt }: OAuthEntity, now: Date): OAuthEntitiesTable {
  return {
    tenant_id: PEOPLE,
    kind,
    id: digest(id),
    grant_id: grantId === undefined ? null : digest(grantId),
    payload: JSON.stringify(payload),
    created_at: now,
    expires_at: expiresAt,
    consumed_at: null,
  };
}

function digest(id: string): string {
  return hash("sha256", id, "base64url");
}
