import { type Kysely, sql, type Transaction } from "kysely";
import type { ActiveElevation } from "@bailiwick/policy";
import type { ElevationQuery, ElevationState } from "../../domain/elevation.ts";
import type { ElevationsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** Rows of one page, and where the next begins. */
export interface ElevationRows {
  readonly rows: readonly ElevationsTable[];
  readonly next: string | undefined;
}

export async function elevationPage(scoped: Transaction<Tables>, tenant: string, query: ElevationQuery, at: Date): Promise<ElevationRows> {
  let rows = scoped.selectFrom("bailiwick.elevations").selectAll().where("tenant_id", "=", tenant);
  if (query.state !== undefined) rows = rows.where(isIn(query.state, at));
  if (query.agent !== undefined) rows = rows.where("agent", "=", query.agent);
  const place = query.after === undefined ? undefined : readPlace(query.after);
  if (place !== undefined) rows = rows.where(sql<boolean>`(created_at, id collate "C") < (${place.at}, ${place.id})`);
  // One more than asked says whether there is another page.
  const found = await rows
    .orderBy("created_at", "desc")
    // In the order in which pages of several tenants are put together, whatever language the database sorts by.
    .orderBy(sql`id collate "C"`, "desc")
    .limit(query.limit + 1)
    .execute();
  const shown = found.slice(0, query.limit);
  const last = shown.at(-1);
  return {
    rows: shown,
    next: found.length > query.limit && last !== undefined ? `${last.created_at.toISOString()}~${last.id}` : undefined,
  };
}

export function activeRows(
  scoped: Transaction<Tables>,
  tenant: string,
  agent: string | undefined,
  at: Date,
): Promise<readonly ElevationsTable[]> {
  const rows = scoped
    .selectFrom("bailiwick.elevations")
    .selectAll()
    .where("tenant_id", "=", tenant)
    .where("state", "=", "active")
    .where("active_until", ">", at)
    .orderBy("active_until");
  return (agent === undefined ? rows : rows.where("agent", "=", agent)).execute();
}

/** Rights and questions that ended by time between two instants. */
export function endedRows(scoped: Transaction<Tables>, tenant: string, since: Date, at: Date): Promise<readonly ElevationsTable[]> {
  return scoped
    .selectFrom("bailiwick.elevations")
    .selectAll()
    .where("tenant_id", "=", tenant)
    .where((where) =>
      where.or([
        where.and([where("state", "=", "active"), where("active_until", ">", since), where("active_until", "<=", at)]),
        where.and([where("state", "=", "pending"), where("ask_ends_at", ">", since), where("ask_ends_at", "<=", at)]),
      ]),
    )
    .orderBy("created_at")
    .execute();
}

/** Rights in force of a session: those of its agent that are for all of its sessions, or for those with one of these tags. */
export type RightsFor = (agent: string, tags: () => readonly string[]) => readonly ActiveElevation[];

/** What these agents were given for a time. What people were asked is not needed for it, so nothing is unsealed. */
export async function rightsInForce(db: Kysely<Tables>, tenant: string, agents: readonly string[], at: Date): Promise<RightsFor> {
  const rows = await inTenant(db, tenant, (scoped) =>
    scoped
      .selectFrom("bailiwick.elevations")
      .select(["id", "agent", "role", "scope", "task", "active_until"])
      .where("tenant_id", "=", tenant)
      .where("agent", "in", [...agents])
      .where("state", "=", "active")
      .where("active_until", ">", at)
      .orderBy("id")
      .execute(),
  );
  return (agent, tags) =>
    rows.flatMap(({ id, agent: of, role, scope, task: only, active_until: until }) =>
      of === agent && (only === null || tags().includes(only)) && scope !== null && until !== null ? [{ id, role, scope, until }] : [],
    );
}

/** Nobody writes down that one expired. */
function isIn(state: ElevationState, at: Date): ReturnType<typeof sql<boolean>> {
  switch (state) {
    case "pending":
      return sql<boolean>`state = 'pending' and ask_ends_at > ${at}`;
    case "active":
      return sql<boolean>`state = 'active' and active_until > ${at}`;
    case "expired":
      return sql<boolean>`((state = 'pending' and ask_ends_at <= ${at}) or (state = 'active' and active_until <= ${at}))`;
    case "denied":
    case "revoked":
    case "cancelled":
      return sql<boolean>`state = ${state}`;
  }
}

/** A place that cannot be read is the beginning. */
function readPlace(text: string): { readonly at: Date; readonly id: string } | undefined {
  const [time = "", id] = text.split("~", 2);
  const at = new Date(time);
  return id === undefined || Number.isNaN(at.getTime()) ? undefined : { at, id };
}
