import { type Kysely, sql } from "kysely";
import { isLease, type Reservation } from "../../../domain/audit.ts";
import type { TenantSecrets } from "../subjects/tenant-secrets.ts";
import type { Tables } from "../tables.ts";
import { inTenant } from "../tenant-scope.ts";
import { type IntentOptions, wireReservation } from "./wire-entry.ts";

interface GiveBackDeps {
  /** The database of sessions and limits. */
  readonly db: Kysely<Tables>;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
  readonly now: () => Date;
}

interface Clock {
  readonly ms: string;
}

/**
 * Gives back what was drawn from windows. `takenAt`: by this broker's clock, before it was drawn. The windows are those of the database's clock,
 * which may go otherwise: what counts is how long ago it was. Where that may have been in an earlier window nothing is given back, because the
 * counter by now holds what others drew.
 */
export async function giveBackDrawn(
  { db, secrets, now }: GiveBackDeps,
  tenant: string,
  reservations: readonly Reservation[],
  takenAt: Date,
): Promise<void> {
  // What is held while a call runs is given back by the call's end.
  const drawn = reservations.filter((each) => !isLease(each));
  if (drawn.length === 0) return;
  const own = await secrets(tenant);
  await inTenant(db, tenant, async (scoped) => {
    const { rows } = await sql<Clock>`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint::text as ms`.execute(scoped);
    // After the database's clock was read, so that the moment is no later than the true one.
    const agoMs = Math.max(0, now().getTime() - takenAt.getTime());
    const earliestMs = Number(rows[0]?.ms) - agoMs;
    for (const each of drawn.map((reservation) => wireReservation(own, reservation))) {
      await sql`select bailiwick.release_limit(${tenant}, ${each.key}, ${each.windowMs}, ${earliestMs}, ${each.amount})`.execute(scoped);
    }
  });
}

/** The same, and the yes and the proof that an entry took which the log then did not let in. */
export async function giveBackAll(
  deps: GiveBackDeps,
  tenant: string,
  { reservations, proof, rights }: IntentOptions,
  takenAt: Date,
): Promise<void> {
  await giveBackDrawn(deps, tenant, reservations, takenAt);
  await inTenant(deps.db, tenant, (scoped) =>
    sql`select bailiwick.give_back(${tenant}, ${proof?.id ?? null}, ${rights?.approval ?? null}, ${rights?.bounded ?? null})`.execute(
      scoped,
    ),
  );
}
