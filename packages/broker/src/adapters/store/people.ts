import type { Kysely } from "kysely";
import type { PersonSessionStore } from "../../domain/person.ts";
import type { Tables } from "./tables.ts";
import { inTenant, PEOPLE } from "./tenant-scope.ts";

export function personSessionStore(db: Kysely<Tables>, now: () => Date): PersonSessionStore {
  return {
    createLoginCode: (code) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.login_codes").where("tenant_id", "=", PEOPLE).where("expires_at", "<", now()).execute();
        await scoped
          .insertInto("bailiwick.login_codes")
          .values({ tenant_id: PEOPLE, hash: code.hash, person: code.person, via: code.via, expires_at: code.expiresAt, redeemed_at: null })
          .execute();
      }),
    redeemLoginCode: (hash, at) =>
      inTenant(db, PEOPLE, (scoped) =>
        scoped
          .updateTable("bailiwick.login_codes")
          .set({ redeemed_at: at })
          .where("tenant_id", "=", PEOPLE)
          .where("hash", "=", hash)
          .where("redeemed_at", "is", null)
          .where("expires_at", ">", at)
          .returning(["person", "via"])
          .executeTakeFirst(),
      ),
    createSession: (session) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_sessions").where("tenant_id", "=", PEOPLE).where("expires_at", "<", now()).execute();
        await scoped
          .insertInto("bailiwick.person_sessions")
          .values({
            tenant_id: PEOPLE,
            token_hash: session.tokenHash,
            person: session.person,
            via: session.via,
            expires_at: session.expiresAt,
          })
          .execute();
      }),
    findSession: (tokenHash, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .selectFrom("bailiwick.person_sessions")
          .select(["person", "via", "expires_at"])
          .where("tenant_id", "=", PEOPLE)
          .where("token_hash", "=", tokenHash)
          .where("expires_at", ">", at)
          .executeTakeFirst();
        return row === undefined ? undefined : { person: row.person, via: row.via, expiresAt: row.expires_at };
      }),
    endSession: (tokenHash) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_sessions").where("tenant_id", "=", PEOPLE).where("token_hash", "=", tokenHash).execute();
      }),
  };
}
