import { type Kysely, sql } from "kysely";
import type { CursorLease, CursorStore } from "../../domain/export.ts";
import { connectOnce } from "./connections.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";
import { orUnavailable } from "./unavailable.ts";

/** A name is `<tenant>/<export>`; a tenant's name has no slash. */
function partsOf(name: string): readonly [string, string] {
  const slash = name.indexOf("/");
  return [name.slice(0, slash), name.slice(slash + 1)];
}

/** The lease is a session-level lock on a connection of its own: it is lost with the connection, and another broker takes it. */
export function exportCursors(db: Kysely<Tables>, url: string): CursorStore {
  return {
    load: (cursor) => {
      const [tenant, name] = partsOf(cursor);
      return inTenant(db, tenant, async (scoped) => {
        const { rows } = await sql<{ next: number }>`
          select next from bailiwick.export_cursors where tenant_id = ${tenant} and name = ${name}`.execute(scoped);
        return rows[0]?.next ?? 0;
      });
    },
    save: (cursor, next) => {
      const [tenant, name] = partsOf(cursor);
      return inTenant(db, tenant, async (scoped) => {
        await sql`
          insert into bailiwick.export_cursors as c (tenant_id, name, next) values (${tenant}, ${name}, ${next})
          on conflict (tenant_id, name) do update set next = greatest(c.next, excluded.next)`.execute(scoped);
      });
    },
    lease: (cursor) => orUnavailable(() => lease(url, cursor)),
  };
}

async function lease(url: string, cursor: string): Promise<CursorLease | undefined> {
  const client = await connectOnce(url, { application_name: `bailiwick export ${cursor}`.slice(0, 63) });
  const lock = "select pg_try_advisory_lock(hashtextextended('bailiwick.export ' || $1, 0)) as held";
  const { rows } = await client.query<{ held: boolean }>(lock, [cursor]).catch(async (error: unknown) => {
    await client.end().catch(() => undefined);
    throw error;
  });
  if (rows[0]?.held !== true) {
    await client.end();
    return undefined;
  }
  const lost = new AbortController();
  client.once("end", () => lost.abort());
  return {
    lost: lost.signal,
    release: async () => {
      await client.end().catch(() => undefined);
    },
  };
}
