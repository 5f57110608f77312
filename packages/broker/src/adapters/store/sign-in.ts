import { type Kysely, sql, type Transaction } from "kysely";
import type { EnrolmentStore, RecoveryCodeStore, SignInMeans, SignInStore, SsoStore } from "../../domain/sign-in.ts";
import { challengeStore, passkeyStore } from "./passkeys.ts";
import type { Tables } from "./tables.ts";
import { inTenant, PEOPLE } from "./tenant-scope.ts";

/** Everything that is kept about how people sign in. */
export function signInStore(db: Kysely<Tables>, now: () => Date): SignInStore {
  return {
    passkeys: passkeyStore(db),
    challenges: challengeStore(db, now),
    recoveryCodes: recoveryCodeStore(db),
    enrolments: enrolmentStore(db, now),
    sso: ssoStore(db, now),
    means: () => inTenant(db, PEOPLE, meansOf),
    attempt: (keys, windowMs, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const start = at.getTime() - (at.getTime() % windowMs);
        // Names come from whoever knocks, so windows that are over must not pile up.
        await sql`delete from bailiwick.limit_counters where tenant_id = ${PEOPLE} and window_start < ${start - windowMs}`.execute(scoped);
        for (const { key, max } of keys) {
          const { rows } = await sql<{
            over: string | null;
          }>`select bailiwick.take_limit(${PEOPLE}, ${key}, ${windowMs}, ${start}, 1, ${max}) as over`.execute(scoped);
          if (rows[0]?.over !== null) return false;
        }
        return true;
      }),
  };
}

async function meansOf(scoped: Transaction<Tables>): Promise<ReadonlyMap<string, SignInMeans>> {
  const { rows } = await sql<{ person: string; passkeys: number; codes: number; linked: boolean }>`
    select person, sum(passkeys)::int as passkeys, sum(codes)::int as codes, bool_or(linked) as linked
      from (select person, 1 as passkeys, 0 as codes, false as linked from bailiwick.person_passkeys where tenant_id = ${PEOPLE}
            union all
            select person, 0, 1, false from bailiwick.person_recovery_codes where tenant_id = ${PEOPLE} and used_at is null
            union all
            select person, 0, 0, true from bailiwick.person_sso_links where tenant_id = ${PEOPLE}) as means
     group by person`.execute(scoped);
  return new Map(rows.map(({ person, passkeys, codes, linked }) => [person, { passkeys, recoveryCodesLeft: codes, linked }]));
}

function recoveryCodeStore(db: Kysely<Tables>): RecoveryCodeStore {
  const count = (person: string): Promise<number> =>
    inTenant(db, PEOPLE, async (scoped) => {
      const { left } = await scoped
        .selectFrom("bailiwick.person_recovery_codes")
        .select((select) => select.fn.countAll<string>().as("left"))
        .where("tenant_id", "=", PEOPLE)
        .where("person", "=", person)
        .where("used_at", "is", null)
        .executeTakeFirstOrThrow();
      return Number(left);
    });
  return {
    replace: (person, hashes, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_recovery_codes").where("tenant_id", "=", PEOPLE).where("person", "=", person).execute();
        await scoped
          .insertInto("bailiwick.person_recovery_codes")
          .values(hashes.map((hash) => ({ tenant_id: PEOPLE, person, hash, created_at: at, used_at: null })))
          .execute();
      }),
    use: async (person, hash, at) => {
      const used = await inTenant(db, PEOPLE, (scoped) =>
        scoped
          .updateTable("bailiwick.person_recovery_codes")
          .set({ used_at: at })
          .where("tenant_id", "=", PEOPLE)
          .where("person", "=", person)
          .where("hash", "=", hash)
          .where("used_at", "is", null)
          .executeTakeFirst(),
      );
      return used.numUpdatedRows > 0n ? count(person) : undefined;
    },
    left: count,
  };
}

function enrolmentStore(db: Kysely<Tables>, now: () => Date): EnrolmentStore {
  return {
    create: (link) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_enrolments").where("tenant_id", "=", PEOPLE).where("expires_at", "<", now()).execute();
        await scoped
          .insertInto("bailiwick.person_enrolments")
          .values({
            tenant_id: PEOPLE,
            hash: link.hash,
            person: link.person,
            invited_by: link.invitedBy,
            expires_at: link.expiresAt,
            used_at: null,
          })
          .execute();
      }),
    find: (hash, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .selectFrom("bailiwick.person_enrolments")
          .select("person")
          .where("tenant_id", "=", PEOPLE)
          .where("hash", "=", hash)
          .where("used_at", "is", null)
          .where("expires_at", ">", at)
          .executeTakeFirst();
        return row?.person;
      }),
    use: (hash, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .updateTable("bailiwick.person_enrolments")
          .set({ used_at: at })
          .where("tenant_id", "=", PEOPLE)
          .where("hash", "=", hash)
          .where("used_at", "is", null)
          .where("expires_at", ">", at)
          .returning("person")
          .executeTakeFirst();
        return row?.person;
      }),
  };
}

function ssoStore(db: Kysely<Tables>, now: () => Date): SsoStore {
  return {
    begin: (flow) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_sso_flows").where("tenant_id", "=", PEOPLE).where("expires_at", "<", now()).execute();
        await scoped
          .insertInto("bailiwick.person_sso_flows")
          .values({
            tenant_id: PEOPLE,
            state: flow.state,
            next: flow.next,
            link_person: flow.linkPerson ?? null,
            enrolment: flow.enrolment ?? null,
            expires_at: flow.expiresAt,
          })
          .execute();
      }),
    take: (state, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .deleteFrom("bailiwick.person_sso_flows")
          .where("tenant_id", "=", PEOPLE)
          .where("state", "=", state)
          .where("expires_at", ">", at)
          .returning(["next", "link_person", "enrolment", "expires_at"])
          .executeTakeFirst();
        if (row === undefined) return undefined;
        const { next, link_person: linkPerson, enrolment, expires_at: expiresAt } = row;
        return { state, next, linkPerson: linkPerson ?? undefined, enrolment: enrolment ?? undefined, expiresAt };
      }),
    link: ({ issuer, subject }, person, at) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped
          .insertInto("bailiwick.person_sso_links")
          .values({ tenant_id: PEOPLE, issuer, subject, person, linked_at: at })
          .onConflict((conflict) => conflict.columns(["tenant_id", "issuer", "subject"]).doNothing())
          .execute();
        const row = await scoped
          .selectFrom("bailiwick.person_sso_links")
          .select("person")
          .where("tenant_id", "=", PEOPLE)
          .where("issuer", "=", issuer)
          .where("subject", "=", subject)
          .executeTakeFirst();
        return row?.person === person;
      }),
    personOf: ({ issuer, subject }) =>
      inTenant(db, PEOPLE, async (scoped) => {
        const row = await scoped
          .selectFrom("bailiwick.person_sso_links")
          .select("person")
          .where("tenant_id", "=", PEOPLE)
          .where("issuer", "=", issuer)
          .where("subject", "=", subject)
          .executeTakeFirst();
        return row?.person;
      }),
    linksOf: (person) =>
      inTenant(db, PEOPLE, (scoped) =>
        scoped
          .selectFrom("bailiwick.person_sso_links")
          .select(["issuer", "subject"])
          .where("tenant_id", "=", PEOPLE)
          .where("person", "=", person)
          .orderBy("linked_at")
          .execute(),
      ),
    rememberLogout: ({ issuer, jti, expiresAt }) =>
      inTenant(db, PEOPLE, async (scoped) => {
        await scoped.deleteFrom("bailiwick.person_logout_tokens").where("tenant_id", "=", PEOPLE).where("expires_at", "<", now()).execute();
        const { numInsertedOrUpdatedRows } = await scoped
          .insertInto("bailiwick.person_logout_tokens")
          .values({ tenant_id: PEOPLE, issuer, jti, expires_at: expiresAt })
          .onConflict((conflict) => conflict.columns(["tenant_id", "issuer", "jti"]).doNothing())
          .executeTakeFirst();
        return (numInsertedOrUpdatedRows ?? 0n) > 0n;
      }),
  };
}
