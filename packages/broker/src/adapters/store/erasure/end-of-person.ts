import { type Kysely, sql } from "kysely";
import { tellEnded } from "../sessions.ts";
import type { Tables } from "../tables.ts";
import { inTenant } from "../tenant-scope.ts";

export interface EndDeps {
  readonly db: Kysely<Tables>;
  /** Tell this process at once; other brokers hear it through the database. */
  readonly ended: (tenant: string, sessions: readonly string[]) => void;
  readonly cancelled: (tenant: string, approval: string) => void;
}

/** How many sessions ended and held calls were cancelled. */
export interface Ending {
  readonly sessions: number;
  readonly approvals: number;
}

/** Ends the live sessions of a person and all delegated from them, and cancels what waits for an answer in their name. */
export async function endOfPerson(deps: EndDeps, tenant: string, pseudonym: string, at: Date): Promise<Ending> {
  const sessions = await inTenant(deps.db, tenant, async (scoped) => {
    const { rows } = await sql<{ id: string }>`
      with roots as (select id from bailiwick.sessions where tenant_id = ${tenant} and subject = ${pseudonym})
      update bailiwick.sessions s set revoked_at = ${at}
       where s.tenant_id = ${tenant} and s.revoked_at is null and s.expires_at > ${at}
         and exists (select from roots where roots.id = s.id or roots.id = any (s.lineage))
      returning s.id`.execute(scoped);
    const ids = rows.map(({ id }) => id);
    await tellEnded(scoped, tenant, ids);
    return ids;
  });
  if (sessions.length > 0) deps.ended(tenant, sessions);
  const approvals = await cancel(deps, tenant, { column: "subject", value: pseudonym }, at);
  return { sessions: sessions.length, approvals };
}

/** Cancels approvals of one person, or about one record, that somebody could still answer or use. */
export async function cancel(
  deps: Pick<EndDeps, "db" | "cancelled">,
  tenant: string,
  where: { readonly column: "subject" | "resource"; readonly value: string },
  at: Date,
): Promise<number> {
  const ids = await inTenant(deps.db, tenant, async (scoped) => {
    const rows = await scoped
      .updateTable("bailiwick.approvals")
      .set({ state: "cancelled" })
      .where("tenant_id", "=", tenant)
      .where(where.column, "=", where.value)
      .where("state", "in", ["pending", "approved"])
      .where("expires_at", ">", at)
      .returning("id")
      .execute();
    for (const { id } of rows) await sql`select pg_notify('bailiwick', ${JSON.stringify(["approval", tenant, id])})`.execute(scoped);
    return rows.map(({ id }) => id);
  });
  for (const id of ids) deps.cancelled(tenant, id);
  return ids.length;
}
