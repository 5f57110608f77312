import { type Kysely, sql } from "kysely";
import { z } from "zod";
import type { Session, SessionStore } from "../../domain/session.ts";
import type { SessionsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";
import { orUnavailable } from "./unavailable.ts";

export interface SessionDeps {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  /** Tells this process at once; other brokers hear it through the database. */
  readonly revoked: (tenant: string, session: string) => void;
}

const jsonObject = z.record(z.string(), z.json());
const texts = z.array(z.string());

export function sessionStore({ db, now, revoked }: SessionDeps): SessionStore {
  return {
    create: (session) =>
      inTenant(db, session.tenant, async (scoped) => {
        await scoped.insertInto("bailiwick.sessions").values(toRow(session)).execute();
      }),
    find: (tenant, id) =>
      orUnavailable(async () => {
        const found = await sql<SessionsTable>`select * from bailiwick.session_of(${tenant}, ${id})`.execute(db);
        return found.rows[0] === undefined ? undefined : fromRow(found.rows[0]);
      }),
    list: (tenant, { live, limit }) =>
      inTenant(db, tenant, async (scoped) => {
        let query = scoped
          .selectFrom("bailiwick.sessions")
          .selectAll()
          .where("tenant_id", "=", tenant)
          .orderBy("expires_at", "desc")
          .orderBy("id")
          .limit(limit);
        if (live) query = query.where("revoked_at", "is", null).where("expires_at", ">", now());
        return (await query.execute()).map(fromRow);
      }),
    revoke: async (tenant, id, by) => {
      const changed = await inTenant(db, tenant, async (scoped) => {
        const result = await scoped
          .updateTable("bailiwick.sessions")
          .set({ revoked_at: now(), revoked_by: by })
          .where("tenant_id", "=", tenant)
          .where("id", "=", id)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (result.numUpdatedRows === 0n) return false;
        await sql`select pg_notify('bailiwick', ${JSON.stringify(["session", tenant, id])})`.execute(scoped);
        return true;
      });
      if (changed) revoked(tenant, id);
      return changed;
    },
  };
}

function toRow(session: Session): SessionsTable {
  return {
    tenant_id: session.tenant,
    id: session.id,
    environment: session.environment,
    workflow: session.workflow,
    agent: session.agent,
    user_id: session.user,
    task: session.task,
    data: JSON.stringify(session.data),
    scope: JSON.stringify(session.scope),
    issued_at: session.issuedAt,
    expires_at: session.expiresAt,
    revoked_at: session.revokedAt ?? null,
    revoked_by: null,
  };
}

function fromRow(row: SessionsTable): Session {
  return {
    id: row.id,
    tenant: row.tenant_id,
    environment: row.environment,
    workflow: row.workflow,
    agent: row.agent,
    user: row.user_id,
    task: row.task,
    data: jsonObject.parse(JSON.parse(row.data)),
    scope: texts.parse(JSON.parse(row.scope)),
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}
