import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** Keys of this many sessions are kept in memory. */
const MAX_KEYS = 10_000;

/** The keys with which senders sign their requests (RFC 9421, hmac-sha256): one a session, the same on every broker, stored nowhere. */
export interface SessionKeys {
  /** 32 bytes; given to the agent once, with its token. */
  of(tenant: string, session: string): KeyObject;
}

/** `master` is 32 bytes derived from the root key. */
export function sessionKeys(master: Uint8Array): SessionKeys {
  const key = createSecretKey(master);
  const kept = new Map<string, KeyObject>();
  return {
    of(tenant, session) {
      const name = `${tenant}\u0000${session}`;
      const known = kept.get(name);
      if (known !== undefined) return known;
      const derived = createSecretKey(createHmac("sha256", key).update(`bailiwick session key v1\u0000${name}`).digest());
      if (kept.size >= MAX_KEYS) kept.clear();
      kept.set(name, derived);
      return derived;
    },
  };
}
