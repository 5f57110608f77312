import type { SenderBinding } from "../../domain/session.ts";
import { PROOF_WINDOW_MS } from "../sender-proof/verify-sender.ts";
import { proofReplayed } from "../sender-proof/refused.ts";
import { OAuthError } from "./oauth-error.ts";
import { type OAuthPorts, tokenEndpoint } from "./oauth-ports.ts";

/** What a token request shows of its sender, beside its form. */
export interface ShownProof {
  /** The `dpop` header. */
  readonly dpop: string | undefined;
  /** Base64url SHA-256 of the peer's certificate. */
  readonly certificate: string | undefined;
}

/** How a session will be bound. `spend` takes the proof, once over all brokers: call it before the session is made. */
export interface ShownBinding {
  readonly binding: SenderBinding;
  /** @throws Refusal `proof_replayed`. */
  spend(): Promise<void>;
}

/**
 * How the session that is asked for will be bound: to the key of a DPoP proof (RFC 9449 section 5; checked here, and spent only when the
 * grant holds, since anybody can make a proof), to a key that the answer carries (`session_key=true`, for RFC 9421), to the client
 * certificate of the connection (RFC 8705 section 3), or not.
 * @throws Refusal `proof_invalid`; OAuthError `invalid_request`, `invalid_dpop_proof`.
 */
export function senderBinding(
  ports: Pick<OAuthPorts, "dpop" | "proofs" | "entities" | "realm" | "now">,
  { dpop, certificate }: ShownProof,
  form: Readonly<Record<string, string>>,
): ShownBinding {
  const keyed = wantsSessionKey(form);
  if (dpop !== undefined && keyed)
    throw new OAuthError("invalid_request", "a `dpop` header and `session_key=true` bind the session twice; send one of them");
  if (dpop !== undefined) return shownBy(ports, dpop);
  if (keyed) return { binding: { kind: "hmac" }, spend: nothingToSpend };
  return { binding: certificate === undefined ? { kind: "bearer" } : { kind: "mtls", x5t: certificate }, spend: nothingToSpend };
}

const nothingToSpend = (): Promise<void> => Promise.resolve();

function shownBy({ dpop, proofs, entities, realm, now }: Parameters<typeof senderBinding>[0], proof: string): ShownBinding {
  const at = now();
  const { jkt, id, restrict } = dpop.check(proof, { method: "POST", url: tokenEndpoint(realm) }, at);
  if (restrict !== undefined)
    throw new OAuthError("invalid_dpop_proof", "`restrict` narrows one call; ask for a narrower session with `authorization_details`");
  const expiresAt = new Date(at.getTime() + PROOF_WINDOW_MS);
  return {
    binding: { kind: "dpop", jkt },
    async spend() {
      // Memory first: a flood of one proof costs no round trip. Then the store: another broker may have seen it.
      if (
        !proofs.first(id, at.getTime()) ||
        !(await entities.putNew({ kind: "ReplayDetection", id: `dpop ${id}`, payload: {}, expiresAt }))
      )
        throw proofReplayed();
    },
  };
}

function wantsSessionKey(form: Readonly<Record<string, string>>): boolean {
  switch (form["session_key"]) {
    case undefined:
    case "false":
      return false;
    case "true":
      return true;
  }
  throw new OAuthError("invalid_request", "`session_key` is `true` or left out");
}
