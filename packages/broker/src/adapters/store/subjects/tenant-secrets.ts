import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Kysely } from "kysely";
import { derive } from "../sealing.ts";
import type { Tables } from "../tables.ts";
import { tenantKeyOf } from "../tenant-key.ts";
import { inTenant } from "../tenant-scope.ts";

/** What a tenant's key is used for in the log. */
export interface TenantSecrets {
  /** Wraps the keys of the tenant's people. */
  readonly wrapKey: Buffer;
  /** Seals facts of records that name nobody. */
  readonly factsKey: KeyObject;
  /** The tag by which a value is found again; from it the value cannot be guessed without the tenant's key. */
  tag(kind: TagKind, value: string): string;
}

export type TagKind =
  | "person"
  | "task"
  | "user-task"
  | "resource"
  | "arguments"
  | "limit"
  | "shape"
  | "operation"
  | "notification"
  | "token";

/** 22 characters of base64url hold 132 bits. */
const TAG_CHARS = 22;

/** The secrets of all tenants, opened on first use. */
export function tenantSecrets(db: Kysely<Tables>, rootKey: Uint8Array): (tenant: string) => Promise<TenantSecrets> {
  const opened = new Map<string, Promise<TenantSecrets>>();
  return (tenant) => {
    const known = opened.get(tenant);
    if (known !== undefined) return known;
    const opening = inTenant(db, tenant, (scoped) => tenantKeyOf(scoped, tenant, rootKey, "make")).then(secretsOf);
    opened.set(tenant, opening);
    // A database that was away at the first attempt is asked again.
    opening.catch(() => opened.delete(tenant));
    return opening;
  };
}

/** A session's task and the records of one call come again and again. */
const MAX_REMEMBERED_TAGS = 10_000;

function secretsOf(tenantKey: Buffer): TenantSecrets {
  const tagKey = createSecretKey(derive(tenantKey, "log tags"));
  const remembered = new Map<string, string>();
  const tagOf = (text: string): string => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    if (remembered.size >= MAX_REMEMBERED_TAGS) remembered.clear();
    const made = createHmac("sha256", tagKey).update(text, "utf8").digest("base64url").slice(0, TAG_CHARS);
    remembered.set(text, made);
    return made;
  };
  return {
    wrapKey: derive(tenantKey, "log people"),
    factsKey: createSecretKey(derive(tenantKey, "log facts")),
    tag: (kind, value) => tagOf(`${kind}\0${value}`),
  };
}
