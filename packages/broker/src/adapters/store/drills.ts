import { type Kysely, sql } from "kysely";
import type { DrillStore, MissedDrill } from "../../domain/drill.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** Sown holds lie among the approvals, or people could tell them apart by how they come. */
export function drillStore(db: Kysely<Tables>): DrillStore {
  return {
    endMissed: (tenant, now) =>
      inTenant(db, tenant, async (scoped) => {
        const { rows } = await sql<MissedDrill & { answered: number }>`
          update bailiwick.approvals set state = 'expired'
           where tenant_id = ${tenant} and drill and state = 'pending' and expires_at <= ${now} returning id, agent, answered`.execute(
          scoped,
        );
        // One of several yeses that were needed was recorded when it was given.
        return rows.filter(({ answered }) => answered === 0).map(({ id, agent }) => ({ id, agent }));
      }),
  };
}
