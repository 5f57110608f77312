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

/**
 * How the session that is asked for will be bound: to the key of a DPoP proof (RFC 9449 section 5; spent here, over all brokers), to a key
 * that the answer carries (`session_key=true`, for RFC 9421), to the client certificate of the connection (RFC 8705 section 3), or not.
 * @throws Refusal `proof_invalid`, `proof_replayed`; OAuthError `invalid_request`, `invalid_dpop_proof`.
 */
export async function senderBinding(
  ports: Pick<OAuthPorts, "dpop" | "proofs" | "entities" | "realm" | "now">,
  { dpop, certificate }: ShownProof,
  form: Readonly<Record<string, string>>,
): Promise<SenderBinding> {
  const keyed = wantsSessionKey(form);
  if (dpop !== undefined && keyed)
    throw new OAuthError("invalid_request", "a `dpop` header and `session_key=true` bind the session twice; send one of them");
  if (dpop !== undefined) return { kind: "dpop", jkt: await spendProof(ports, dpop) };
  if (keyed) return { kind: "hmac" };
  return certificate === undefined ? { kind: "bearer" } : { kind: "mtls", x5t: certificate };
}

async function spendProof({ dpop, proofs, entities, realm, now }: Parameters<typeof senderBinding>[0], proof: string): Promise<string> {
  const at = now();
  const { jkt, id, restrict } = dpop.check(proof, { method: "POST", url: tokenEndpoint(realm) }, at);
  if (restrict !== undefined)
    throw new OAuthError("invalid_dpop_proof", "`restrict` narrows one call; ask for a narrower session with `authorization_details`");
  const expiresAt = new Date(at.getTime() + PROOF_WINDOW_MS);
  // Memory first: a flood of one proof costs no round trip. Then the store: another broker may have seen it.
  if (!proofs.first(id, at.getTime()) || !(await entities.putNew({ kind: "ReplayDetection", id: `dpop ${id}`, payload: {}, expiresAt })))
    throw proofReplayed();
  return jkt;
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
