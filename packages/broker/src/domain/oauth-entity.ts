import type { JsonObject } from "@bailiwick/policy";

/** What the OAuth server keeps between two requests. */
export type OAuthEntityKind =
  /** A client that registered itself. */
  | "Client"
  | "Session"
  | "Interaction"
  | "Grant"
  | "AuthorizationCode"
  | "RefreshToken"
  | "ReplayDetection"
  /** What a person allowed: agent, task, scope. By the id of the grant. */
  | "Consent"
  /** A session that came of a grant. By the id of the session. */
  | "GrantedSession";

export interface OAuthEntity {
  readonly kind: OAuthEntityKind;
  /** May be a secret; only its digest is stored. */
  readonly id: string;
  readonly grantId?: string | undefined;
  readonly payload: JsonObject;
  readonly expiresAt: Date;
}

/** Rows that have expired are not found. */
export interface OAuthEntityStore {
  /** Adds or replaces. */
  put(entity: OAuthEntity): Promise<void>;
  /** Returns false when there is one of this kind and id already: of two at the same time exactly one is told true. */
  putNew(entity: OAuthEntity): Promise<boolean>;
  find(kind: OAuthEntityKind, id: string): Promise<{ readonly payload: JsonObject; readonly consumedAt: Date | undefined } | undefined>;
  /** Returns false when it was consumed before, or is gone: of two at the same time exactly one is told true. */
  consume(kind: OAuthEntityKind, id: string): Promise<boolean>;
  /** Moves the expiry, later or earlier. */
  expireAt(kind: OAuthEntityKind, id: string, expiresAt: Date): Promise<void>;
  remove(kind: OAuthEntityKind, id: string): Promise<void>;
  /** Payloads of all of a kind that hang on a grant. */
  ofGrant(kind: OAuthEntityKind, grantId: string): Promise<readonly JsonObject[]>;
  removeOfGrant(kind: OAuthEntityKind, grantId: string): Promise<void>;
}
