import { randomBytes } from "node:crypto";
import type { Transaction } from "kysely";
import { Fault } from "../../domain/fault.ts";
import { KEY_BYTES, seal, unseal } from "./sealing.ts";
import type { Tables } from "./tables.ts";

/** The tenant's key, wrapped under the root key. @throws Fault `credential_unavailable` when it is missing or does not open. */
export async function tenantKeyOf(
  scoped: Transaction<Tables>,
  tenant: string,
  rootKey: Uint8Array,
  mode: "make" | "need",
): Promise<Buffer> {
  const wrapped = await wrappedKey(scoped, tenant);
  if (wrapped !== undefined) return opened(wrapped, tenant, rootKey);
  if (mode === "need")
    throw new Fault(
      "credential_unavailable",
      `tenant \`${tenant}\` has credentials but no key; restore the store from a backup or put the credentials again`,
    );
  // Another broker may be making it at this moment: the first one counts.
  await scoped
    .insertInto("bailiwick.tenant_keys")
    .values({ tenant_id: tenant, wrapped: seal(rootKey, randomBytes(KEY_BYTES), associatedOf(tenant)) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const made = await wrappedKey(scoped, tenant);
  if (made === undefined) throw new Fault("credential_unavailable", `the key of tenant \`${tenant}\` could not be made; try again`);
  return opened(made, tenant, rootKey);
}

async function wrappedKey(scoped: Transaction<Tables>, tenant: string): Promise<Buffer | undefined> {
  const row = await scoped.selectFrom("bailiwick.tenant_keys").select("wrapped").where("tenant_id", "=", tenant).executeTakeFirst();
  return row?.wrapped;
}

function opened(wrapped: Buffer, tenant: string, rootKey: Uint8Array): Buffer {
  try {
    return unseal(rootKey, wrapped, associatedOf(tenant));
  } catch {
    throw new Fault(
      "credential_unavailable",
      `the key of tenant \`${tenant}\` does not open with this root key; start the broker with the root key its credentials were sealed under`,
    );
  }
}

function associatedOf(tenant: string): string {
  return `tenant-key|${tenant}`;
}
