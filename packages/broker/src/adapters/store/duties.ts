import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Duty, DutyStore } from "../../domain/duty.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** How long a duty is listed after its end. */
const SHOWN_AFTER_MS = 30 * 86_400_000;

interface Row {
  readonly id: string;
  readonly from_person: string;
  readonly to_person: string;
  readonly roles: string[];
  readonly begins: Date;
  readonly ends: Date;
  readonly reason: string;
  readonly revoked_at: Date | null;
}

/** Who answers for whom. People stand in it as in the policy, which names them in plain as well. */
export function dutyStore(db: Kysely<Tables>): DutyStore {
  const select = (tenant: string, which: RawBuilder<unknown>): Promise<readonly Duty[]> =>
    inTenant(db, tenant, async (scoped) => {
      const { rows } = await sql<Row>`
        select id, from_person, to_person, roles, begins, ends, reason, revoked_at from bailiwick.duties
        where tenant_id = ${tenant} and ${which} order by begins desc, id desc`.execute(scoped);
      return rows.map((row) => fromRow(tenant, row));
    });
  return {
    put: ({ tenant, id, from, to, roles, begins, ends, reason }) =>
      inTenant(db, tenant, async (scoped) => {
        await sql`
          insert into bailiwick.duties (tenant_id, id, from_person, to_person, roles, begins, ends, reason)
          values (${tenant}, ${id}, ${from}, ${to}, ${[...roles]}, ${begins}, ${ends}, ${reason})`.execute(scoped);
      }),
    inForce: (tenant, at) => select(tenant, sql`begins <= ${at} and ends > ${at} and (revoked_at is null or revoked_at > ${at})`),
    list: (tenant, at) => select(tenant, sql`least(ends, coalesce(revoked_at, ends)) > ${new Date(at.getTime() - SHOWN_AFTER_MS)}`),
    find: async (tenant, id) => (await select(tenant, sql`id = ${id}`))[0],
    revoke: (tenant, id, at) =>
      inTenant(db, tenant, async (scoped) => {
        const { numAffectedRows } = await sql`
          update bailiwick.duties set revoked_at = ${at}
          where tenant_id = ${tenant} and id = ${id} and revoked_at is null and ends > ${at}`.execute(scoped);
        return (numAffectedRows ?? 0n) > 0n;
      }),
  };
}

function fromRow(tenant: string, { id, from_person: from, to_person: to, roles, begins, ends, reason, revoked_at: revokedAt }: Row): Duty {
  return { tenant, id, from, to, roles, begins, ends, reason, ...(revokedAt === null ? {} : { revokedAt }) };
}
