import {
  formatNoteKey,
  type KeyChange,
  keyChangeRecord,
  type LogKey,
  type NoteKey,
  noteKey,
  type NoteSigner,
  parseKeyChange,
  parseNoteKey,
} from "@bailiwick/ledger";
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { z } from "zod";
import { appendBatch } from "../log/append.ts";
import { type WireEntry, wireMembers } from "../log/wire-entry.ts";
import type { Queryable } from "../queryable.ts";
import { derive, seal, unseal } from "../sealing.ts";

/** A signing key of a log, with its private half. */
export interface OwnKey {
  readonly key: NoteKey;
  readonly signer: NoteSigner;
  /** Index of the record that introduced it; undefined for the first. */
  readonly introduced: number | undefined;
  readonly retired: number | undefined;
}

const rowsSchema = z.array(
  z.object({
    key: z.string(),
    sealed: z.instanceof(Buffer),
    introduced: z.number().nullable(),
    retired: z.number().nullable(),
    first: z.boolean(),
  }),
);
const changesSchema = z.array(z.object({ index: z.number(), leaf: z.string() }));

/** The log's keys as its first `size` records leave them, the first first; none while it has none. A key that no record introduces is left out. */
export async function readKeys(db: Queryable, tenant: string, size: number, rootKey: Uint8Array): Promise<readonly OwnKey[]> {
  const { rows } = await db.query({
    text: "select key, sealed, introduced, retired, first from bailiwick.log_keys where tenant_id = $1",
    values: [tenant],
  });
  const stored = rowsSchema.parse(rows);
  const changes = await readChanges(db, tenant, size);
  const keys = stored.flatMap(({ key: text, sealed, introduced, retired, first }): OwnKey[] => {
    const key = parseNoteKey(text);
    const at = (change: "introduce" | "retire"): number | undefined =>
      changes.find((one) => one.change === change && formatNoteKey(one.key) === text)?.index;
    const since = introduced ?? at("introduce");
    if (!first && since === undefined) return [];
    const signer = signerOf(key, sealed, sealingKey(rootKey), tenant);
    return [{ key, signer, introduced: first ? undefined : since, retired: retired ?? at("retire") }];
  });
  return keys.toSorted((left, right) => (left.introduced ?? -1) - (right.introduced ?? -1));
}

/** The log's own records about its keys. */
async function readChanges(db: Queryable, tenant: string, size: number): Promise<readonly (KeyChange & { readonly index: number })[]> {
  const { rows } = await db.query({
    text: "select index, leaf from bailiwick.records where tenant_id = $1 and kind = 'key' and index < $2 order by index",
    values: [tenant, size],
  });
  return changesSchema.parse(rows).flatMap(({ index, leaf }) => {
    const change = parseKeyChange(leaf);
    return change === undefined ? [] : [{ ...change, index }];
  });
}

/** Appends a record about a key, within the caller's transaction. */
export async function appendKeyChange(db: Queryable, tenant: string, change: KeyChange, at: Date): Promise<void> {
  const { columns } = wireMembers("key", KEY_CALL, { at: at.toISOString() });
  const entry: WireEntry = { kind: "key", callId: KEY_CALL, leaf: keyChangeRecord(change), columns };
  await appendBatch(db, { tenant, writer: `keys ${randomUUID()}`, number: 1, entries: [entry] });
}

/** Stands where other records have the call they belong to. */
const KEY_CALL = "log-keys";

/** Makes a key, sealed under the root key. Another broker may make the log's first key at the same moment: one of them counts. */
export async function makeKey(
  db: Queryable,
  tenant: string,
  { rootKey, origin, first }: { readonly rootKey: Uint8Array; readonly origin: string; readonly first: boolean },
): Promise<NoteKey> {
  const pair = generateKeyPairSync("ed25519");
  const { x } = z.object({ x: z.string() }).parse(pair.publicKey.export({ format: "jwk" }));
  const key = noteKey(origin, Buffer.from(x, "base64url"));
  const pkcs8 = pair.privateKey.export({ format: "der", type: "pkcs8" });
  await db.query({
    text: "insert into bailiwick.log_keys (tenant_id, key, sealed, first) values ($1, $2, $3, $4) on conflict do nothing",
    values: [tenant, formatNoteKey(key), seal(sealingKey(rootKey), pkcs8, associatedOf(tenant, key)), first],
  });
  return key;
}

/** Which sizes a key may sign (docs/spec/log-proofs.md, "The log's keys"). */
export function rangeOf({ key, introduced, retired }: OwnKey): LogKey {
  return { key, from: introduced === undefined ? 0 : introduced + 1, until: retired };
}

/**
 * Who signs a checkpoint of `size`, when the newest one before has size `before`. A new key is believed once a checkpoint of an older one covers
 * its introduction, so until then only the older signs.
 */
export function signersOf(keys: readonly OwnKey[], before: number, size: number): readonly NoteSigner[] {
  return keys
    .filter(({ introduced, retired }) => (introduced === undefined || introduced < before) && (retired === undefined || size <= retired))
    .map(({ signer }) => signer);
}

function signerOf(key: NoteKey, sealed: Buffer, rootKey: Buffer, tenant: string): NoteSigner {
  const privateKey = createPrivateKey({ key: unseal(rootKey, sealed, associatedOf(tenant, key)), format: "der", type: "pkcs8" });
  return { key, sign: (message) => sign(null, message, privateKey) };
}

function sealingKey(rootKey: Uint8Array): Buffer {
  return derive(rootKey, "log signing keys");
}

function associatedOf(tenant: string, key: NoteKey): string {
  return `log-key|${tenant}|${formatNoteKey(key)}`;
}
