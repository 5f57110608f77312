import type { AgentConfig, Policy } from "@bailiwick/policy";
import type { SenderBinding, SessionStore } from "../../../domain/session.ts";
import type { SessionWish } from "../issue-session.ts";

/** What the token endpoint knows when a grant is asked for: the client is authenticated, its sender proof (if any) verified and spent. */
export interface GrantRequest {
  /** The agent that authenticated with `private_key_jwt`, mutual TLS, or (authorization code) that the user chose for this client. */
  readonly agent: AgentConfig;
  /** How the new session will be bound: from a DPoP proof, the client certificate, or `session_key=true` for RFC 9421. */
  readonly binding: SenderBinding;
  /** The form, each parameter once; nothing else in it is trusted yet. */
  readonly form: Readonly<Record<string, string>>;
}

export interface GrantPorts {
  now(): Date;
  /** @throws when no policy is in force. */
  policy(): Policy;
  readonly sessions: Pick<SessionStore, "find">;
}

/** One OAuth grant: from what the client sent to what the session shall be. @throws OAuthError. */
export type Grant<P extends GrantPorts = GrantPorts> = (ports: P, request: GrantRequest) => Promise<SessionWish>;
