import type { Kysely, Selectable, Transaction } from "kysely";
import type { ChallengeStore, Passkey, PasskeyStore } from "../../domain/sign-in.ts";
import type { PersonPasskeysTable } from "./people-tables.ts";
import type { Tables } from "./tables.ts";
import { inTenant, PEOPLE } from "./tenant-scope.ts";

export function passkeyStore(db: Kysely<Tables>): PasskeyStore {
  return {
    add: (passkey) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const { numInsertedOrUpdatedRows } = await scoped
          .insertInto("bailiwick.person_passkeys")
          .values(rowOf(passkey))
          .onConflict((conflict) => conflict.columns(["tenant_id", "id"]).doNothing())
          .executeTakeFirst();
        return (numInsertedOrUpdatedRows ?? 0n) > 0n;
      }),
    find: (id) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .selectFrom("bailiwick.person_passkeys")
          .selectAll()
          .where("tenant_id", "=", PEOPLE)
          .where("id", "=", id)
          .executeTakeFirst();
        return row === undefined ? undefined : passkeyOf(row);
      }),
    list: (person) => inTenant(db, PEOPLE, async (scoped) => (await rowsOf(scoped, person).execute()).map(passkeyOf)),
    used: (id, counter, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const { numUpdatedRows } = await scoped
          .updateTable("bailiwick.person_passkeys")
          .set({ counter, last_used_at: at })
          .where("tenant_id", "=", PEOPLE)
          .where("id", "=", id)
          // An authenticator that does not count says 0 each time (Web Authentication Level 3, section 6.1.1).
          .where((or) => or.or([or("counter", "<", counter), or.and([or("counter", "=", 0), or.val(counter === 0)])]))
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
    remove: (person, id, { force }) =>
      inTenant(db, PEOPLE, async (scoped) => {
        // Locked, because of two removals at once each would take the other's passkey for the one that stays.
        const rows = await rowsOf(scoped, person).forUpdate().execute();
        if (!rows.some((row) => row.id === id)) return "unknown";
        if (rows.length === 1 && !force && (await codesLeft(scoped, person)) === 0) return "last";
        await scoped.deleteFrom("bailiwick.person_passkeys").where("tenant_id", "=", PEOPLE).where("id", "=", id).execute();
        return "removed";
      }),
    anyoneEnrolled: () =>
      inTenant(db, PEOPLE, async (scoped) => {
        const passkey = await scoped
          .selectFrom("bailiwick.person_passkeys")
          .select("id")
          .where("tenant_id", "=", PEOPLE)
          .limit(1)
          .executeTakeFirst();
        const link = await scoped
          .selectFrom("bailiwick.person_sso_links")
          .select("subject")
          .where("tenant_id", "=", PEOPLE)
          .limit(1)
          .executeTakeFirst();
        return passkey !== undefined || link !== undefined;
      }),
  };
}

export function challengeStore(db: Kysely<Tables>, now: () => Date): ChallengeStore {
  return {
    put: (challenge) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_challenges").where("tenant_id", "=", PEOPLE).where("expires_at", "<", now()).execute();
        await scoped
          .insertInto("bailiwick.person_challenges")
          .values({
            tenant_id: PEOPLE,
            challenge: challenge.challenge,
            purpose: challenge.purpose,
            person: challenge.person ?? null,
            browser: challenge.browser ?? null,
            expires_at: challenge.expiresAt,
            used_at: null,
          })
          .execute();
      }),
    take: (challenge, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .updateTable("bailiwick.person_challenges")
          .set({ used_at: at })
          .where("tenant_id", "=", PEOPLE)
          .where("challenge", "=", challenge)
          .where("used_at", "is", null)
          .where("expires_at", ">", at)
          .returning(["purpose", "person", "browser", "expires_at"])
          .executeTakeFirst();
        if (row !== undefined) {
          const { purpose, person, browser, expires_at: expiresAt } = row;
          return { challenge, purpose, person: person ?? undefined, browser: browser ?? undefined, expiresAt };
        }
        const used = await scoped
          .selectFrom("bailiwick.person_challenges")
          .select("challenge")
          .where("tenant_id", "=", PEOPLE)
          .where("challenge", "=", challenge)
          .where("used_at", "is not", null)
          .executeTakeFirst();
        return used === undefined ? undefined : "used";
      }),
  };
}

function rowsOf(scoped: Transaction<Tables>, person: string) {
  return scoped
    .selectFrom("bailiwick.person_passkeys")
    .selectAll()
    .where("tenant_id", "=", PEOPLE)
    .where("person", "=", person)
    .orderBy("created_at")
    .orderBy("id");
}

async function codesLeft(scoped: Transaction<Tables>, person: string): Promise<number> {
  const { left } = await scoped
    .selectFrom("bailiwick.person_recovery_codes")
    .select((select) => select.fn.countAll<string>().as("left"))
    .where("tenant_id", "=", PEOPLE)
    .where("person", "=", person)
    .where("used_at", "is", null)
    .executeTakeFirstOrThrow();
  return Number(left);
}

function rowOf(passkey: Passkey): PersonPasskeysTable {
  return {
    tenant_id: PEOPLE,
    id: passkey.id,
    person: passkey.person,
    name: passkey.name,
    public_key: passkey.publicKey,
    counter: passkey.counter,
    transports: passkey.transports.join(" "),
    backed_up: passkey.backedUp,
    created_at: passkey.createdAt,
    last_used_at: passkey.lastUsedAt ?? null,
  };
}

function passkeyOf(row: Selectable<PersonPasskeysTable>): Passkey {
  return {
    id: row.id,
    person: row.person,
    name: row.name,
    publicKey: row.public_key,
    counter: row.counter,
    transports: row.transports === "" ? [] : row.transports.split(" "),
    backedUp: row.backed_up,
    createdAt: row.created_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  };
}
