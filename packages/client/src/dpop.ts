import { hash, randomUUID, sign } from "node:crypto";
import type { ProofKey } from "./proof-key.ts";
import type { Restriction } from "./restriction.ts";

export interface DpopClaims {
  readonly method: string;
  readonly url: string;
  /** The token the proof goes with; absent when a token is asked for. */
  readonly token?: string | undefined;
  /** Takes away from this one request. */
  readonly restrict?: Restriction | undefined;
  /** The agent that may exchange the token for a session of its own (docs/spec/sessions.md). */
  readonly delegate?: string | undefined;
}

/** Signs a proof of possession for one request (RFC 9449 section 4.2, ES256). Used once: the broker remembers it. */
export function dpopProof(key: ProofKey, claims: DpopClaims, nowMs: number = Date.now()): string {
  const { method, url, token, restrict, delegate } = claims;
  const payload = JSON.stringify({
    jti: randomUUID(),
    htm: method,
    htu: withoutQuery(url),
    iat: Math.floor(nowMs / 1000),
    ath: token === undefined ? undefined : hash("sha256", token, "base64url"),
    restrict,
    delegate,
  });
  const signed = `${key.header}.${Buffer.from(payload).toString("base64url")}`;
  // A JWS holds r and s side by side (RFC 7518 section 3.4), not the DER that is the default here.
  const signature = sign("sha256", Buffer.from(signed), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

/** RFC 9449 section 4.2: `htu` has neither query nor fragment. */
function withoutQuery(url: string): string {
  const end = url.search(/[?#]/u);
  return end < 0 ? url : url.slice(0, end);
}
