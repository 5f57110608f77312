import type { Kysely } from "kysely";
import { IDLE_MS, type PersonSessionStore } from "../../domain/person.ts";
import type { Tables } from "./tables.ts";
import { inTenant, PEOPLE } from "./tenant-scope.ts";

/** An open console asks every few seconds; noting each of them would be a write for nothing. */
const NOTED_EVERY_MS = 60_000;

/** Sign-ins of people. Of codes and tokens only the SHA-256 is kept. */
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
        const at = session.at ?? now();
        await scoped
          .deleteFrom("bailiwick.person_sessions")
          .where("tenant_id", "=", PEOPLE)
          .where((or) => or.or([or("expires_at", "<", now()), or("last_seen_at", "<", before(now()))]))
          .execute();
        await scoped
          .insertInto("bailiwick.person_sessions")
          .values({
            tenant_id: PEOPLE,
            token_hash: session.tokenHash,
            person: session.person,
            via: session.via,
            expires_at: session.expiresAt,
            client: session.client ?? "",
            created_at: at,
            last_seen_at: at,
            sso_issuer: session.sso?.issuer ?? null,
            sso_subject: session.sso?.subject ?? null,
            sso_sid: session.sso?.sid ?? null,
          })
          .execute();
      }),
    findSession: (tokenHash, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .selectFrom("bailiwick.person_sessions")
          .select(["person", "via", "expires_at", "last_seen_at"])
          .where("tenant_id", "=", PEOPLE)
          .where("token_hash", "=", tokenHash)
          .where("expires_at", ">", at)
          .where("last_seen_at", ">", before(at))
          .executeTakeFirst();
        if (row === undefined) return undefined;
        if (at.getTime() - row.last_seen_at.getTime() > NOTED_EVERY_MS) {
          await scoped
            .updateTable("bailiwick.person_sessions")
            .set({ last_seen_at: at })
            .where("tenant_id", "=", PEOPLE)
            .where("token_hash", "=", tokenHash)
            .execute();
        }
        return { person: row.person, via: row.via, expiresAt: row.expires_at };
      }),
    rotateSession: (tokenHash, newTokenHash) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const { numUpdatedRows } = await scoped
          .updateTable("bailiwick.person_sessions")
          .set({ token_hash: newTokenHash })
          .where("tenant_id", "=", PEOPLE)
          .where("token_hash", "=", tokenHash)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
    endSession: (tokenHash) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_sessions").where("tenant_id", "=", PEOPLE).where("token_hash", "=", tokenHash).execute();
      }),
    listSessions: (person, at, tokenHash) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const rows = await scoped
          .selectFrom("bailiwick.person_sessions")
          .select(["id", "token_hash", "via", "client", "created_at", "last_seen_at", "expires_at"])
          .where("tenant_id", "=", PEOPLE)
          .where("person", "=", person)
          .where("expires_at", ">", at)
          .where("last_seen_at", ">", before(at))
          .orderBy("created_at", "desc")
          .execute();
        return rows.map((row) => ({
          id: row.id,
          person,
          via: row.via,
          client: row.client,
          createdAt: row.created_at,
          lastSeenAt: row.last_seen_at,
          expiresAt: row.expires_at,
          current: row.token_hash === tokenHash,
        }));
      }),
    endSessionOf: (person, id) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const { numDeletedRows } = await scoped
          .deleteFrom("bailiwick.person_sessions")
          .where("tenant_id", "=", PEOPLE)
          .where("person", "=", person)
          .where("id", "=", id)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),
    endSessionsOf: (person, except) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const { numDeletedRows } = await scoped
          .deleteFrom("bailiwick.person_sessions")
          .where("tenant_id", "=", PEOPLE)
          .where("person", "=", person)
          .$if(except !== undefined, (query) => query.where("token_hash", "<>", except ?? ""))
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
    endSsoSessions: ({ issuer, subject, sid }) =>
      inTenant(db, PEOPLE, async (scoped) => {
        if (subject === undefined && sid === undefined) return [];
        const ended = await scoped
          .deleteFrom("bailiwick.person_sessions")
          .where("tenant_id", "=", PEOPLE)
          .where("sso_issuer", "=", issuer)
          .$if(subject !== undefined, (query) => query.where("sso_subject", "=", subject ?? ""))
          .$if(sid !== undefined, (query) => query.where("sso_sid", "=", sid ?? ""))
          .returning("person")
          .execute();
        return [...new Set(ended.map((row) => row.person))];
      }),
  };
}

function before(at: Date): Date {
  return new Date(at.getTime() - IDLE_MS);
}
