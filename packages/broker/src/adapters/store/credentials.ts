import { randomBytes } from "node:crypto";
import { type Kysely, sql, type Transaction } from "kysely";
import { z } from "zod";
import type { CredentialBinding, CredentialInfo, CredentialStore, OpenCredential } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import { KEY_BYTES, seal, unseal } from "./sealing.ts";
import type { CredentialsTable, Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

export interface CredentialDeps {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  readonly rootKey: Uint8Array;
}

/** What is sealed. The hosts are in it too: whoever can write to the store must not be able to send a credential elsewhere. */
const sealedSchema = z.object({ value: z.string(), hosts: z.array(z.string()) });

export function credentialStore(deps: CredentialDeps): CredentialStore {
  return {
    put: (name, binding, value) => put(deps, name, binding, value),
    open: (name, at) => open(deps, name, at),
    list: (tenant) =>
      inTenant(deps.db, tenant, async (scoped) => {
        const rows = await scoped
          .selectFrom("bailiwick.credentials")
          .selectAll()
          .where("tenant_id", "=", tenant)
          .orderBy("name")
          .orderBy("environment")
          .orderBy("workflow")
          .orderBy("version")
          .execute();
        return rows.map(infoOf);
      }),
  };
}

function put({ db, now, rootKey }: CredentialDeps, name: string, binding: CredentialBinding, value: string): Promise<CredentialInfo> {
  const { tenant, environment, workflow } = binding;
  for (const part of [tenant, environment, workflow, name]) {
    // The associated data joins these with `|`; a part that holds one could pass for another binding.
    if (part === "" || part.includes("|"))
      throw new Fault("credential_unavailable", `\`${part}\` cannot name or bind a credential; use a text without \`|\``);
  }
  return inTenant(db, tenant, async (scoped) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`bailiwick.credential ${tenant}`}, 0))`.execute(scoped);
    const tenantKey = await tenantKeyOf(scoped, tenant, rootKey, "make");
    const newest = await scoped
      .selectFrom("bailiwick.credentials")
      .select(({ fn }) => fn.max("version").as("version"))
      .where("tenant_id", "=", tenant)
      .where("name", "=", name)
      .where("environment", "=", environment)
      .where("workflow", "=", workflow)
      .executeTakeFirst();
    const version = (newest?.version ?? 0) + 1;
    const associated = associatedData({ tenant, environment, workflow, name, version });
    const versionKey = randomBytes(KEY_BYTES);
    const row: CredentialsTable = {
      tenant_id: tenant,
      environment,
      workflow,
      name,
      version,
      hosts: JSON.stringify(binding.hosts),
      wrapped_key: seal(tenantKey, versionKey, associated),
      sealed: seal(versionKey, Buffer.from(JSON.stringify({ value, hosts: binding.hosts })), associated),
      created_at: now(),
    };
    await scoped.insertInto("bailiwick.credentials").values(row).execute();
    return infoOf(row);
  });
}

function open(
  { db, rootKey }: CredentialDeps,
  name: string,
  at: Parameters<CredentialStore["open"]>[1],
): Promise<OpenCredential | undefined> {
  return inTenant(db, at.tenant, async (scoped) => {
    const rows = await scoped
      .selectFrom("bailiwick.credentials")
      .selectAll()
      .where("tenant_id", "=", at.tenant)
      .where("name", "=", name)
      .where("environment", "in", [at.environment, "*"])
      .where("workflow", "in", [at.workflow, "*"])
      // The narrowest binding first; the environment weighs more than the workflow.
      .orderBy(sql`environment = '*'`)
      .orderBy(sql`workflow = '*'`)
      .orderBy("version", "desc")
      .limit(1)
      .execute();
    const row = rows[0];
    return row === undefined ? undefined : unsealRow(row, await tenantKeyOf(scoped, at.tenant, rootKey, "need"));
  });
}

function unsealRow(row: CredentialsTable, tenantKey: Uint8Array): OpenCredential {
  const associated = associatedData({
    tenant: row.tenant_id,
    environment: row.environment,
    workflow: row.workflow,
    name: row.name,
    version: row.version,
  });
  try {
    const versionKey = unseal(tenantKey, row.wrapped_key, associated);
    const { value, hosts } = sealedSchema.parse(JSON.parse(unseal(versionKey, row.sealed, associated).toString("utf8")));
    return { ...infoOf(row), hosts, value };
  } catch {
    // The cause is left out: a parse error would quote what was unsealed.
    throw new Fault(
      "credential_unavailable",
      `the credential \`${row.name}\` version ${row.version} was changed in the store and cannot be opened; put it again`,
    );
  }
}

async function tenantKeyOf(scoped: Transaction<Tables>, tenant: string, rootKey: Uint8Array, mode: "make" | "need"): Promise<Buffer> {
  const associated = `tenant-key|${tenant}`;
  const row = await scoped.selectFrom("bailiwick.tenant_keys").select("wrapped").where("tenant_id", "=", tenant).executeTakeFirst();
  if (row === undefined) {
    if (mode === "need")
      throw new Fault(
        "credential_unavailable",
        `tenant \`${tenant}\` has credentials but no key; restore the store from a backup or put the credentials again`,
      );
    const key = randomBytes(KEY_BYTES);
    await scoped
      .insertInto("bailiwick.tenant_keys")
      .values({ tenant_id: tenant, wrapped: seal(rootKey, key, associated) })
      .execute();
    return key;
  }
  try {
    return unseal(rootKey, row.wrapped, associated);
  } catch {
    throw new Fault(
      "credential_unavailable",
      `the key of tenant \`${tenant}\` does not open with this root key; start the broker with the root key its credentials were sealed under`,
    );
  }
}

function associatedData(of: {
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  readonly name: string;
  readonly version: number;
}): string {
  return [of.tenant, of.environment, of.workflow, of.name, of.version].join("|");
}

function infoOf(row: CredentialsTable): CredentialInfo {
  return {
    name: row.name,
    version: row.version,
    createdAt: row.created_at,
    tenant: row.tenant_id,
    environment: row.environment,
    workflow: row.workflow,
    hosts: z.array(z.string()).parse(JSON.parse(row.hosts)),
  };
}
