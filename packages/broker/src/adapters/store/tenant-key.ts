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
