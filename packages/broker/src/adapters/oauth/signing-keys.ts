import type { KeyObject } from "node:crypto";
import { readFile, unlink } from "node:fs/promises";
import type { JWK } from "jose";
import { MAX_BOUND_SESSION_MS } from "../../domain/session.ts";
import type { SigningKeyStore } from "../../domain/signing-key.ts";
import { newSigningKey, sealSigningKey, type SigningKey, unsealSigningKey } from "./signing-key.ts";

/** The token-signing keys of a deployment; every broker on its store signs and verifies with the same. */
export interface SigningKeys {
  /** The key that signs now. @throws Fault `store_unavailable`. */
  active(): Promise<SigningKey>;
  /** A key that signs, or has signed what may still live; undefined for every other id. */
  publicKey(kid: string): Promise<KeyObject | undefined>;
  /** RFC 7517: what verifies the tokens that live. */
  jwks(): Promise<{ readonly keys: readonly JWK[] }>;
  /** Makes a new key sign from now on. Tokens that the old one signed live until they expire. Returns the new key's id. */
  rotate(): Promise<string>;
}

export interface SigningKeyDeps {
  readonly store: SigningKeyStore;
  readonly rootKey: Uint8Array;
  now(): Date;
  /** Where brokers before this version kept their key; taken over once, when the store has none. */
  readonly file?: string | undefined;
}

/** How long a rotation on another broker may go unnoticed by what signs here. */
export const REFRESH_MS = 30_000;
/** An id that is not known is looked for in the store at most this often, so that made-up ids cost nothing. */
export const LOOK_AGAIN_MS = 1_000;
/** A retired key verifies for as long as a token may live that another broker signed with it before it noticed. */
export const VERIFY_RETIRED_MS = MAX_BOUND_SESSION_MS + 2 * REFRESH_MS;

interface Loaded {
  readonly active: SigningKey;
  readonly keys: ReadonlyMap<string, SigningKey>;
  readonly atMs: number;
}

/** Opens the keys, and makes the first one. @throws Error when a stored key does not open with this root key; Fault `store_unavailable`. */
export async function openSigningKeys(deps: SigningKeyDeps): Promise<SigningKeys> {
  const { store, rootKey, now } = deps;
  await makeFirst(deps);
  // Opened once: the sealed text of a key never changes.
  const opened = new Map<string, SigningKey>();
  let loaded = await load();

  async function load(): Promise<Loaded> {
    const rows = await store.list(new Date(now().getTime() - VERIFY_RETIRED_MS));
    const keys = new Map<string, SigningKey>();
    for (const { kid, sealed } of rows) {
      const key = opened.get(kid) ?? (await unsealSigningKey(sealed, rootKey, "the store"));
      opened.set(kid, key);
      keys.set(kid, key);
    }
    const active = keys.get(rows.find(({ retiredAt }) => retiredAt === undefined)?.kid ?? "");
    if (active === undefined) throw new Error("the store holds no active signing key; run `bailiwick keys rotate`");
    return { active, keys, atMs: now().getTime() };
  }

  async function fresh(maxAgeMs: number): Promise<Loaded> {
    if (now().getTime() - loaded.atMs >= maxAgeMs) loaded = await load();
    return loaded;
  }

  return {
    active: async () => (await fresh(REFRESH_MS)).active,
    // Looked at again also for a known id: one that was retired elsewhere must be forgotten here.
    publicKey: async (kid) => ((await fresh(REFRESH_MS)).keys.get(kid) ?? (await fresh(LOOK_AGAIN_MS)).keys.get(kid))?.publicKey,
    jwks: async () => ({ keys: [...(await fresh(REFRESH_MS)).keys.values()].map(({ publicJwk }) => publicJwk) }),
    rotate: async () => {
      const key = await newSigningKey();
      await store.replace({ kid: key.kid, sealed: sealSigningKey(key, rootKey), at: now() });
      loaded = await load();
      return key.kid;
    },
  };
}

async function makeFirst({ store, rootKey, now, file }: SigningKeyDeps): Promise<void> {
  const at = now();
  const known = await store.list(at);
  const kept = file === undefined ? undefined : await readIfThere(file);
  if (!known.some(({ retiredAt }) => retiredAt === undefined)) {
    const key = kept === undefined ? await newSigningKey() : await unsealSigningKey(kept, rootKey, `\`${file ?? ""}\``);
    // False when another broker that starts at the same time was first; its key is ours then.
    await store.addFirst({ kid: key.kid, sealed: sealSigningKey(key, rootKey), at });
  }
  // The store has a key now; a second copy on disk would only be one more thing to lose.
  if (kept !== undefined && file !== undefined) await unlink(file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
