import { createHmac, hash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Restriction } from "../../../call/presented.ts";
import { Refusal } from "../../../call/refusal.ts";
import type { SenderBinding, Session } from "../../../domain/session.ts";
import { type DpopVerifier, MAX_PROOF_AGE_MS, PROOF_SKEW_MS } from "../../sender-proof/dpop.ts";
import type { SessionKeys } from "../../sender-proof/session-key.ts";
import { OAuthError } from "../oauth-error.ts";

/** The `delegation` parameter, checked: the delegator meant this delegate and this exchange. */
export interface DelegationProof {
  /** Names this proof among all; its replay is the caller's to check. */
  readonly id: string;
  readonly restrict: Restriction | undefined;
}

export interface DelegationProofParts {
  readonly dpop: DpopVerifier;
  readonly keys: SessionKeys;
  readonly tokenEndpoint: string;
}

/** Header type of a delegation proof made with a session key; one made with a DPoP key has that of a DPoP proof. */
export const HMAC_DELEGATION_TYPE = "bailiwick-delegation+jwt";

const MAX_PROOF_CHARS = 8_192;
const meant = z.object({ delegate: z.string() });
const hmacHeader = z.strictObject({ typ: z.literal(HMAC_DELEGATION_TYPE), alg: z.literal("HS256") });
const hmacPayload = z.object({
  jti: z.string().min(1).max(128),
  htu: z.string(),
  iat: z.number(),
  ath: z.string(),
  delegate: z.string(),
  // Only a DPoP proof can restrict (docs/spec/sessions.md); passing over it would pass on everything.
  restrict: z.undefined().optional(),
});

/**
 * A token that is bound to its sender says nothing when somebody else hands it in: its agent must say whom it is for. It signs a proof
 * as for a request of its own to the token endpoint (RFC 9449 section 4.2: `htm`, `htu`, `iat`, `jti`, `ath` of the token), with
 * `delegate`, the name of the agent that will exchange it. With a session key the same claims are an HS256 JWS.
 * @throws OAuthError `invalid_grant`: missing, for another agent or token, not by the delegator's key, or too old.
 */
export function checkDelegationProof(
  parts: DelegationProofParts,
  exchange: { readonly proof: string | undefined; readonly token: string; readonly delegator: Session; readonly delegate: string },
  now: Date,
): DelegationProof {
  const { proof, delegator, delegate } = exchange;
  if (proof === undefined) throw refused("is missing");
  const checked = checkSigned(parts, { proof, token: exchange.token, delegator }, now);
  if (checked.delegate !== delegate) throw refused(`is not for \`${delegate}\``);
  return checked;
}

function checkSigned(
  parts: DelegationProofParts,
  { proof, token, delegator }: { readonly proof: string; readonly token: string; readonly delegator: Session },
  now: Date,
): DelegationProof & { readonly delegate: string } {
  const { binding } = delegator;
  switch (binding.kind) {
    case "dpop":
      return checkDpop(parts, proof, token, binding, now);
    case "hmac":
      return checkHmac(parts, proof, token, delegator, now);
    case "mtls":
      throw refused("cannot be made with a client certificate; open the session that is passed on with DPoP");
    case "bearer":
      throw refused("does not go with a bearer token");
  }
}

function checkDpop(
  { dpop, tokenEndpoint }: DelegationProofParts,
  proof: string,
  token: string,
  binding: Extract<SenderBinding, { kind: "dpop" }>,
  now: Date,
): DelegationProof & { readonly delegate: string } {
  try {
    const { jkt, id, restrict } = dpop.check(proof, { method: "POST", url: tokenEndpoint, ath: hash("sha256", token, "base64url") }, now);
    if (jkt !== binding.jkt) throw refused("is not signed with the key that the subject token is bound to");
    return { id, restrict, delegate: claims(meant, proof.split(".")[1]).delegate };
  } catch (error) {
    if (error instanceof Refusal) throw refused(`does not hold: ${error.message}`);
    throw error;
  }
}

function checkHmac(
  { keys, tokenEndpoint }: DelegationProofParts,
  proof: string,
  token: string,
  { tenant, id: session }: Session,
  now: Date,
): DelegationProof & { readonly delegate: string } {
  const [header = "", payload = "", signature = "", ...rest] = proof.length > MAX_PROOF_CHARS ? [] : proof.split(".");
  const expected = createHmac("sha256", keys.of(tenant, session)).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected))
    throw refused("is not made with the session's key");
  claims(hmacHeader, header);
  const { jti, htu, iat, ath, delegate } = claims(hmacPayload, payload);
  if (htu !== tokenEndpoint) throw refused(`is for another address than \`${tokenEndpoint}\``);
  if (ath !== hash("sha256", token, "base64url")) throw refused("is for another token (`ath`)");
  const age = now.getTime() - iat * 1000;
  if (!(age <= MAX_PROOF_AGE_MS && age >= -PROOF_SKEW_MS)) throw refused("was not signed just now; check the delegator's clock");
  return { id: hash("sha256", `${session} ${jti}`, "base64url"), restrict: undefined, delegate };
}

function claims<S extends z.ZodType>(schema: S, segment: string | undefined): z.output<S> {
  try {
    return schema.parse(JSON.parse(Buffer.from(segment ?? "", "base64url").toString("utf8")));
  } catch {
    throw refused("has a claim that is missing or not valid; `delegate` is the name of the agent it is for");
  }
}

function refused(why: string): OAuthError {
  return new OAuthError(
    "invalid_grant",
    `the subject token is bound to its sender, and the \`delegation\` proof ${why}; the delegator signs one for each delegate as docs/guide/delegation.md says`,
  );
}
