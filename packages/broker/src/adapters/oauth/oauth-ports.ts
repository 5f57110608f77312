import type { AgentKeyStore } from "../../domain/agent-key.ts";
import type { OAuthEntityStore } from "../../domain/oauth-entity.ts";
import type { SessionStore } from "../../domain/session.ts";
import type { SignInStore } from "../../domain/sign-in.ts";
import type { StopStore } from "../../domain/stop.ts";
import type { GuardedFetch } from "../outbound/guarded-fetch.ts";
import type { SignedInPorts } from "../rest/signed-in.ts";
import type { DpopVerifier } from "../sender-proof/dpop.ts";
import type { ReplaySet } from "../sender-proof/replay-set.ts";
import type { SessionKeys } from "../sender-proof/session-key.ts";
import type { VerifiedToken } from "../sender-proof/verify-sender.ts";
import type { TokenRealm } from "./access-token.ts";
import type { JwtBearerPorts } from "./grants/jwt-bearer.ts";
import type { SessionPorts } from "./issue-session.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** Everything the OAuth server knows of the broker. */
export interface OAuthPorts extends Omit<SessionPorts, "sessions"> {
  readonly realm: TokenRealm;
  readonly signingKeys: SigningKeys;
  readonly sessions: Pick<SessionStore, "create" | "claimRun" | "find" | "revoke">;
  readonly agentKeys: Pick<AgentKeyStore, "keysOf" | "useAssertion">;
  readonly stops: Pick<StopStore, "over">;
  readonly entities: OAuthEntityStore;
  readonly people: SignedInPorts["people"];
  /** Counts knocks; see SignInStore. */
  readonly attempt: SignInStore["attempt"];
  /** Origins of our own pages. */
  readonly origins: readonly string[];
  readonly dpop: DpopVerifier;
  /** Proofs this broker's token endpoint has seen. */
  readonly proofs: ReplaySet;
  readonly sessionKeys: SessionKeys;
  /** Verifies one of our access tokens. */
  readonly token: (token: string | undefined, now: Date) => Promise<VerifiedToken>;
  /** 32 bytes derived from the root key, so that every broker of a deployment reads the cookies and forms of the others. */
  readonly secret: Uint8Array;
  readonly fetch: GuardedFetch;
  readonly federation: JwtBearerPorts;
  /** Hears of failures that are ours, for the program's log. */
  onFault(error: unknown): void;
}

/** The one place tokens are asked for. */
export function tokenEndpoint({ issuer }: TokenRealm): string {
  return `${issuer}/oauth/token`;
}
