import { type Kysely, sql, type Transaction } from "kysely";
import { z } from "zod";
import { Fault } from "../../domain/fault.ts";
import type { AgentKey, AgentKeyStore } from "../../domain/agent-key.ts";
import type { AgentKeysTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

const jsonObject = z.record(z.string(), z.json());

/** `now` decides which used assertion ids may be forgotten: only those whose assertions have expired. */
export function agentKeyStore(db: Kysely<Tables>, now: () => Date): AgentKeyStore {
  return {
    add: (key) => add(db, key),
    keysOf: (tenant, agent, at) =>
      inTenant(db, tenant, async (scoped) => {
        const rows = await scoped
          .selectFrom("bailiwick.agent_keys")
          .selectAll()
          .where("tenant_id", "=", tenant)
          .where("agent", "=", agent)
          .where("status", "=", "active")
          .where((where) => where.or([where("retires_at", "is", null), where("retires_at", ">", at)]))
          .orderBy("added_at", "desc")
          .orderBy("thumbprint")
          .execute();
        return rows.map(fromRow);
      }),
    list: (tenant) =>
      inTenant(db, tenant, async (scoped) => {
        const rows = await scoped
          .selectFrom("bailiwick.agent_keys")
          .selectAll()
          .where("tenant_id", "=", tenant)
          .orderBy("agent")
          .orderBy("thumbprint")
          .execute();
        return rows.map(fromRow);
      }),
    sharedAttempts: (tenant) =>
      inTenant(db, tenant, async (scoped) => {
        const rows = await scoped
          .selectFrom("bailiwick.shared_keys")
          .selectAll()
          .where("tenant_id", "=", tenant)
          .orderBy("at", "desc")
          .execute();
        return rows.map(({ agent, thumbprint, at }) => ({ tenant, agent, thumbprint, at }));
      }),
    useAssertion: (tenant, agent, jti, expiresAt) =>
      inTenant(db, tenant, async (scoped) => {
        await scoped.deleteFrom("bailiwick.client_assertions").where("tenant_id", "=", tenant).where("expires_at", "<", now()).execute();
        const result = await scoped
          .insertInto("bailiwick.client_assertions")
          .values({ tenant_id: tenant, agent, jti, expires_at: expiresAt })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return result.numInsertedOrUpdatedRows === 1n;
      }),
  };
}

/** Adding a key its agent already holds sets the key's status and end; that is how a key is retired. A retired one stays as it is. */
async function add(db: Kysely<Tables>, key: AgentKey): Promise<void> {
  if (await inTenant(db, key.tenant, (scoped) => addOwn(scoped, key))) return;
  await inTenant(db, key.tenant, (scoped) =>
    scoped
      .insertInto("bailiwick.shared_keys")
      .values({ tenant_id: key.tenant, agent: key.agent, thumbprint: key.thumbprint, at: key.addedAt })
      .execute(),
  );
  throw new Fault(
    "key_shared",
    `another agent already uses this key (thumbprint \`${key.thumbprint}\`), and a key names one agent; make a new key pair for \`${key.agent}\``,
  );
}

/** False when another agent holds the key. */
async function addOwn(scoped: Transaction<Tables>, key: AgentKey): Promise<boolean> {
  const change = { status: key.status, retires_at: key.retiresAt ?? null };
  const inserted = await scoped
    .insertInto("bailiwick.agent_keys")
    .values({
      tenant_id: key.tenant,
      agent: key.agent,
      thumbprint: key.thumbprint,
      public_jwk: JSON.stringify(key.publicJwk),
      added_at: key.addedAt,
      ...change,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) return true;
  const own = await scoped
    .updateTable("bailiwick.agent_keys")
    // Asked of the row as it is now: whoever read it before it was retired must not bring it back.
    .set({ status: sql`case when status = 'retired' then status else ${change.status} end`, retires_at: change.retires_at })
    .where("tenant_id", "=", key.tenant)
    .where("agent", "=", key.agent)
    .where("thumbprint", "=", key.thumbprint)
    .executeTakeFirst();
  return own.numUpdatedRows === 1n;
}

function fromRow(row: AgentKeysTable): AgentKey {
  return {
    agent: row.agent,
    tenant: row.tenant_id,
    thumbprint: row.thumbprint,
    publicJwk: jsonObject.parse(JSON.parse(row.public_jwk)),
    status: row.status,
    addedAt: row.added_at,
    ...(row.retires_at === null ? {} : { retiresAt: row.retires_at }),
  };
}
