import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { CredentialInfo, CredentialPlace, VersionRef } from "../../domain/credential.ts";
import { Fault } from "../../domain/fault.ts";
import { derive, KEY_BYTES, seal, unseal } from "./sealing.ts";
import type { CredentialsTable } from "./tables.ts";

/** What is sealed. The hosts are in it too: whoever can write to the store must not be able to send a credential elsewhere. */
const sealedSchema = z.object({ value: z.string(), hosts: z.array(z.string()), login: z.string().optional() });

export type Secret = z.output<typeof sealedSchema>;

/** Columns that change with a version's state. */
export type StateColumns = Pick<CredentialsTable, "state" | "verification" | "activated_at" | "grace_until" | "state_seal">;

/** The two columns that hold a version's value: a key of its own under the tenant's, and the text under that key. */
export function sealSecret(tenantKey: Uint8Array, ref: VersionRef, secret: Secret): Pick<CredentialsTable, "wrapped_key" | "sealed"> {
  const associated = associatedData(ref);
  const versionKey = randomBytes(KEY_BYTES);
  return {
    wrapped_key: seal(tenantKey, versionKey, associated),
    sealed: seal(versionKey, Buffer.from(JSON.stringify(secret)), associated),
  };
}

/** @throws Fault `credential_unavailable` when value, place or version are not those that were sealed. */
export function unsealSecret(tenantKey: Uint8Array, row: CredentialsTable): Secret {
  const associated = associatedData(refOf(row));
  try {
    const versionKey = unseal(tenantKey, row.wrapped_key, associated);
    return sealedSchema.parse(JSON.parse(unseal(versionKey, row.sealed, associated).toString("utf8")));
  } catch {
    // The cause is left out: a parse error would quote what was unsealed.
    throw changed(row);
  }
}

/** The columns of a state, authenticated: GCM covers the value, this covers which version is in use. */
export function sealState(tenantKey: Uint8Array, ref: VersionRef, state: Omit<StateColumns, "state_seal">): StateColumns {
  return { ...state, state_seal: stateMac(tenantKey, ref, state.state, state.grace_until) };
}

/** @throws Fault `credential_unavailable` when the row's state is not what the broker wrote. */
export function requireTrueState(tenantKey: Uint8Array, row: CredentialsTable, siblings: readonly CredentialsTable[]): void {
  const { state_seal: found } = row;
  // Rows of the first release carry no seal, and none beside them does: the newest of a place was the one in use.
  const firstRelease = siblings.every((other) => other.state_seal === null && other.version <= row.version);
  if (firstRelease && row.state === "active") return;
  const wanted = stateMac(tenantKey, refOf(row), row.state, row.grace_until);
  if (found === null || found.length !== wanted.length || !timingSafeEqual(found, wanted)) throw changed(row);
}

export function infoOf(row: CredentialsTable): CredentialInfo {
  return {
    ...refOf(row),
    hosts: z.array(z.string()).parse(JSON.parse(row.hosts)),
    createdAt: row.created_at,
    state: row.state,
    origin: row.origin,
    ...(row.activated_at === null ? {} : { activatedAt: row.activated_at }),
    ...(row.verification === null ? {} : { verification: row.verification }),
    ...(row.grace_until === null ? {} : { graceUntil: row.grace_until }),
  };
}

export function refOf(row: CredentialsTable): VersionRef {
  return { name: row.name, tenant: row.tenant_id, environment: row.environment, workflow: row.workflow, version: row.version };
}

export function placeText({ name, tenant, environment, workflow }: CredentialPlace): string {
  return [tenant, environment, workflow, name].join("|");
}

/** The associated data joins these with `|`; a part that holds one could pass for another binding. @throws Fault. */
export function requirePlainParts({ tenant, environment, workflow, name }: CredentialPlace): void {
  for (const part of [tenant, environment, workflow, name]) {
    if (part === "" || part.includes("|"))
      throw new Fault("credential_unavailable", `\`${part}\` cannot name or bind a credential; use a text without \`|\``);
  }
}

function associatedData(ref: VersionRef): string {
  return `${placeText(ref)}|${ref.version}`;
}

function stateMac(tenantKey: Uint8Array, ref: VersionRef, state: string, graceUntil: Date | null): Buffer {
  const text = JSON.stringify([ref.tenant, ref.environment, ref.workflow, ref.name, ref.version, state, graceUntil?.toISOString() ?? null]);
  return createHmac("sha256", derive(tenantKey, "credential state")).update(text).digest();
}

function changed(row: CredentialsTable): Fault {
  return new Fault(
    "credential_unavailable",
    `the credential \`${row.name}\` version ${row.version} was changed in the store and cannot be opened; put it again`,
  );
}
