import { type Kysely, sql, type Transaction } from "kysely";
import { EVERY_TENANT, type Stop, type StopKind, type StopStore } from "../../domain/stop.ts";
import type { StopsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";
import { orUnavailable } from "./unavailable.ts";

export interface StopDeps {
  readonly db: Kysely<Tables>;
  /** Tells this process at once; other brokers hear it through the database. */
  readonly changed: (tenant: string, kind: StopKind, name: string) => void;
}

export function stopStore({ db, changed }: StopDeps): StopStore {
  return {
    put: async (stop) => {
      await inTenant(db, stop.tenant, async (scoped) => {
        await scoped
          .insertInto("bailiwick.stops")
          .values(toRow(stop))
          .onConflict((conflict) =>
            conflict
              .columns(["tenant_id", "kind", "name"])
              .doUpdateSet({ state: stop.state, by_whom: stop.by, reason: stop.reason, at: stop.at })
              .where("bailiwick.stops.state", "=", "suspended"),
          )
          .execute();
        await tell(scoped, stop);
      });
      changed(stop.tenant, stop.kind, stop.name);
    },
    lift: async (tenant, kind, name) => {
      const lifted = await inTenant(db, tenant, async (scoped) => {
        const result = await scoped
          .deleteFrom("bailiwick.stops")
          .where("tenant_id", "=", tenant)
          .where("kind", "=", kind)
          .where("name", "=", name)
          .where("state", "=", "suspended")
          .executeTakeFirst();
        if (result.numDeletedRows > 0n) await tell(scoped, { tenant, kind, name });
        return result.numDeletedRows > 0n;
      });
      if (lifted) changed(tenant, kind, name);
      return lifted;
    },
    list: async (tenant) => [...(await listOf(db, EVERY_TENANT)), ...(await listOf(db, tenant))],
    over: (agent) => orUnavailable(() => stopOver(db, agent)),
  };
}

/** The widest stop over an agent. The function sets the tenant itself, and leaves it set inside a transaction of that tenant. */
export async function stopOver(
  db: Kysely<Tables>,
  { tenant, environment, workflow, name }: Parameters<StopStore["over"]>[0],
): Promise<Stop | undefined> {
  const { rows } = await sql<StopsTable>`select * from bailiwick.stop_over(${tenant}, ${environment}, ${workflow}, ${name})`.execute(db);
  return rows[0] === undefined ? undefined : fromRow(rows[0]);
}

async function tell(scoped: Transaction<Tables>, { tenant, kind, name }: Pick<Stop, "tenant" | "kind" | "name">): Promise<void> {
  await sql`select pg_notify('bailiwick', ${JSON.stringify(["stop", tenant, kind, name])})`.execute(scoped);
}

function listOf(db: Kysely<Tables>, tenant: string): Promise<readonly Stop[]> {
  return inTenant(db, tenant, async (scoped) => {
    const rows = await scoped
      .selectFrom("bailiwick.stops")
      .selectAll()
      .where("tenant_id", "=", tenant)
      .orderBy("kind")
      .orderBy("name")
      .execute();
    return rows.map(fromRow);
  });
}

function toRow({ tenant, kind, name, state, by, reason, at }: Stop): StopsTable {
  return { tenant_id: tenant, kind, name, state, by_whom: by, reason, at };
}

function fromRow({ tenant_id: tenant, kind, name, state, by_whom: by, reason, at }: StopsTable): Stop {
  return { tenant, kind, name, state, by, reason, at };
}
