import type { JsonObject } from "@bailiwick/policy";

/** A short-lived, scoped right of one agent to act for one task. INVARIANT: expiresAt - issuedAt <= MAX_SESSION_MS. */
export interface Session {
  readonly id: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  /** `bailiwick://<tenant>/<environment>/<workflow>/<agent>` */
  readonly agent: string;
  /** The user the agent says it works for. Asserted by the agent, not yet proven. */
  readonly user: string;
  readonly task: string;
  /** What this session is about (this ticket, this customer); policy reads it as `context.session.data`. */
  readonly data: JsonObject;
  readonly scope: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt?: Date | undefined;
}

/** A bearer session lives at most five minutes: stock MCP clients cannot prove possession of a key. */
export const MAX_SESSION_MS = 5 * 60 * 1000;

/** A registered agent key. `thumbprint` (RFC 7638) is unique over all agents: a key used by two agents is refused. */
export interface AgentKey {
  readonly agent: string;
  readonly tenant: string;
  readonly thumbprint: string;
  readonly publicJwk: JsonObject;
  readonly status: "active" | "retired";
}

export interface SessionStore {
  create(session: Session): Promise<void>;
  /** Returns undefined when no such session exists in this tenant. */
  find(tenant: string, id: string): Promise<Session | undefined>;
  list(tenant: string, options: { readonly live: boolean; readonly limit: number }): Promise<readonly Session[]>;
  /** Returns false when it was unknown or already revoked. Effective on the next call, on every broker. */
  revoke(tenant: string, id: string, by: string): Promise<boolean>;
}

export interface AgentKeyStore {
  /** @throws Fault `key_shared` when another agent already holds this thumbprint. */
  add(key: AgentKey): Promise<void>;
  /** Active keys of one agent. */
  keysOf(tenant: string, agent: string): Promise<readonly AgentKey[]>;
  list(tenant: string): Promise<readonly AgentKey[]>;
  /** Records a client-assertion id; returns false when it was seen before (replay). */
  useAssertion(tenant: string, agent: string, jti: string, expiresAt: Date): Promise<boolean>;
}
