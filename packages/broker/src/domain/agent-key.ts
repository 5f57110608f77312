import type { JsonObject } from "@bailiwick/policy";

/**
 * A coordinate of P-256 as RFC 7518 section 6.2.1.2 writes it: 32 bytes in base64url, the two bits left over being zero. Decoders take other
 * spellings of the same bytes too, and under each the key would have another thumbprint (RFC 7638): one key could pass for several.
 */
export const P256_COORDINATE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/u;

/** A registered agent key. `thumbprint` (RFC 7638) is unique over all agents: a key used by two agents is refused. */
export interface AgentKey {
  readonly agent: string;
  readonly tenant: string;
  readonly thumbprint: string;
  readonly publicJwk: JsonObject;
  /** Of several active keys each works: that is the overlap of a rotation. */
  readonly status: "active" | "retired";
  readonly addedAt: Date;
  /** When the key ends by itself: set on the older keys when a rotation begins. */
  readonly retiresAt?: Date | undefined;
}

/** A key that was offered for a second agent. */
export interface SharedKeyAttempt {
  readonly tenant: string;
  readonly agent: string;
  readonly thumbprint: string;
  readonly at: Date;
}

export interface AgentKeyStore {
  /** Adds a key, or sets status and end of one the agent holds; a retired one stays retired. @throws Fault `key_shared` when another agent holds it; the attempt is counted. */
  add(key: AgentKey): Promise<void>;
  /** Keys of one agent that work at `at`. */
  keysOf(tenant: string, agent: string, at: Date): Promise<readonly AgentKey[]>;
  list(tenant: string): Promise<readonly AgentKey[]>;
  /** Attempts to share a key, newest first. */
  sharedAttempts(tenant: string): Promise<readonly SharedKeyAttempt[]>;
  /** Records a client-assertion id; returns false when it was seen before (replay). */
  useAssertion(tenant: string, agent: string, jti: string, expiresAt: Date): Promise<boolean>;
}
