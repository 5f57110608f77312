import type { Policy } from "@bailiwick/policy";
import type { ApprovalStore } from "../domain/approval.ts";
import type { AuditLog } from "../domain/audit.ts";
import type { CredentialStore } from "../domain/credential.ts";
import type { Session, SessionStore } from "../domain/session.ts";
import type { ConnectionKey, Equipment, ToolConnection, ToolListing } from "../domain/tool.ts";

/** Verifies a session token's signature and expiry; caches by the token's hash. @throws Refusal `unauthenticated` | `token_expired`. */
export interface TokenVerifier {
  verify(token: string, now: Date): Promise<{ readonly tenant: string; readonly session: string }>;
}

/** Live connections, one per ConnectionKey, made on first use. */
export interface ToolConnections {
  connect(key: ConnectionKey, equipment: Equipment): Promise<ToolConnection>;
  /** The last listing seen for this key without connecting; undefined when it never connected. */
  known(key: ConnectionKey): ToolListing | undefined;
}

/** All that the call path knows of the world. */
export interface CallPorts {
  /** Name of this broker process; recorded with each intent so that orphans can be told. */
  readonly brokerId: string;
  /** Secret of this deployment that keeps `hash` masks from being guessed. */
  readonly maskSalt: string;
  now(): Date;
  newId(prefix: "call" | "apr"): string;
  /** The policy in force. @throws Refusal when there is none: deny by default. */
  policy(): Policy;
  readonly tokens: TokenVerifier;
  readonly sessions: Pick<SessionStore, "find">;
  readonly approvals: ApprovalStore;
  readonly log: AuditLog;
  readonly credentials: Pick<CredentialStore, "open">;
  readonly tools: ToolConnections;
  /** Told of whatever stopped a call, for the operator's log; never holds a secret. */
  onFault?(failure: unknown): void;
}

export type { Session };
