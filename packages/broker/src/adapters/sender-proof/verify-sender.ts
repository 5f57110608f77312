import type { SenderVerifier } from "../../call/ports.ts";
import type { Claims, Presented } from "../../call/presented.ts";
import type { SenderBinding } from "../../domain/session.ts";
import type { DpopVerifier } from "./dpop.ts";
import { MAX_PROOF_AGE_MS, PROOF_SKEW_MS } from "./dpop.ts";
import { checkHttpSignature } from "./http-signature.ts";
import { proofInvalid, proofReplayed } from "./refused.ts";
import { createReplaySet } from "./replay-set.ts";
import type { SessionKeys } from "./session-key.ts";

/** A token that verified: which session it names, how its sender must prove itself, and when it ends. */
export interface VerifiedToken {
  /** Base64url SHA-256 of the token. */
  readonly id: string;
  readonly tenant: string;
  readonly session: string;
  /** The agent, or the OAuth client that runs it (`client_id`). */
  readonly client: string;
  readonly binding: SenderBinding;
  readonly expiresAtMs: number;
}

export interface SenderParts {
  /** Remembers verified tokens; looks at the expiry each time. @throws Refusal `unauthenticated`, `token_expired`. */
  readonly token: (token: string | undefined, now: Date) => Promise<VerifiedToken>;
  readonly dpop: DpopVerifier;
  readonly keys: SessionKeys;
}

/** How long a proof could be accepted at all, and so must be remembered. */
export const PROOF_WINDOW_MS = MAX_PROOF_AGE_MS + PROOF_SKEW_MS;

/**
 * Verifies the token and the proof of each request. A proof is verified and spent once for the request that carried it; the token's expiry
 * is looked at on each use. @throws Refusal `unauthenticated`, `token_expired`, `proof_invalid`, `proof_replayed`.
 */
export function createSenderVerifier({ token: verifyToken, dpop, keys }: SenderParts): SenderVerifier {
  const seen = createReplaySet(PROOF_WINDOW_MS);
  const admitted = new WeakMap<Presented, { readonly claims: Claims; readonly expiresAtMs: number }>();

  function spend({ tenant, client }: VerifiedToken, id: string, issuedAtMs: number, now: Date): Claims["proof"] {
    if (!seen.first(id, now.getTime(), `${tenant} ${client}`)) throw proofReplayed();
    return { id, untilMs: issuedAtMs + PROOF_WINDOW_MS };
  }

  function prove(presented: Presented, token: VerifiedToken, now: Date): Claims {
    const { id, tenant, session, binding } = token;
    requireScheme(presented, binding);
    switch (binding.kind) {
      case "bearer":
        return { tenant, session };
      case "mtls":
        if (presented.certificate !== binding.x5t)
          throw proofInvalid("this token is bound to another client certificate; connect with that one");
        return { tenant, session };
      case "dpop": {
        if (presented.dpop === undefined) throw proofInvalid("this token is bound to a key; send a `dpop` header with each request");
        const proof = dpop.check(presented.dpop, { method: presented.method, url: presented.url, ath: id }, now);
        if (proof.jkt !== binding.jkt) throw proofInvalid("the DPoP proof is signed with another key than this token is bound to");
        return { tenant, session, restrict: proof.restrict, proof: spend(token, proof.id, proof.issuedAtMs, now) };
      }
      case "hmac": {
        const signature = checkHttpSignature(presented, keys.of(tenant, session), now);
        return { tenant, session, proof: spend(token, `${session} ${signature.id}`, signature.createdMs, now) };
      }
    }
  }

  return {
    async verify(presented, now) {
      const known = admitted.get(presented);
      if (known !== undefined && known.expiresAtMs > now.getTime()) return known.claims;
      const token = await verifyToken(presented.token, now);
      if (known !== undefined) return known.claims;
      const claims = prove(presented, token, now);
      admitted.set(presented, { claims, expiresAtMs: token.expiresAtMs });
      return claims;
    },
  };
}

/** RFC 9449 section 7.1: a DPoP token is sent with the scheme DPoP, and never passes as a bearer token. */
function requireScheme({ scheme }: Presented, binding: SenderBinding): void {
  const wanted = binding.kind === "dpop" ? "DPoP" : "Bearer";
  if (scheme !== wanted) throw proofInvalid(`this token is sent as \`authorization: ${wanted} ...\``);
}
