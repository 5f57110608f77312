import type { KeyObject } from "node:crypto";
import { createHmac, hash, randomUUID } from "node:crypto";
import { ClientError } from "./client-error.ts";
import { dpopProof } from "./dpop.ts";
import { signatureHeaders } from "./http-signature.ts";
import type { ProofKey } from "./proof-key.ts";
import type { Restriction } from "./restriction.ts";

/**
 * How a connection proves with each request that its token is its own: `dpop` signs each request with a key (RFC 9449), `hmac` with a key
 * the broker gave with the token (RFC 9421; cheaper), `mtls` by the client certificate of its connection (RFC 8705), `none` not at all.
 */
export type ProofKind = "dpop" | "hmac" | "mtls" | "none";

export type Headers = Readonly<Record<string, string>>;

export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  readonly body?: string | Uint8Array | undefined;
}

/** What a request needs of the token it goes with. */
export interface HeldToken {
  readonly accessToken: string;
  /** Only of tokens bound by `hmac`. */
  readonly sessionKey?: KeyObject | undefined;
}

/** One way to prove possession. */
export interface Sender {
  readonly kind: ProofKind;
  /** What a request for a token carries, so that the token is bound. */
  forToken(endpoint: string): { readonly headers: Headers; readonly form: Headers };
  /** Headers of one request; each use signs anew. */
  headers(token: HeldToken, request: OutgoingRequest, restrict: Restriction | undefined): Headers;
  /**
   * Says, signed, that `delegate` may exchange the token at `endpoint` (docs/spec/sessions.md); undefined for a bearer token, which says so
   * by being handed over. @throws ClientError `wish_impossible` when this kind cannot say it, or not with `restrict`.
   */
  delegation(token: HeldToken, delegation: DelegationClaims): string | undefined;
}

export interface DelegationClaims {
  readonly endpoint: string;
  readonly delegate: string;
  readonly restrict: Restriction | undefined;
}

/** Signs each request with `key`. */
export function dpopSender(key: ProofKey): Sender {
  return {
    kind: "dpop",
    forToken: (url) => ({ headers: { dpop: dpopProof(key, { method: "POST", url }) }, form: {} }),
    headers: ({ accessToken }, { method, url }, restrict) => ({
      authorization: `DPoP ${accessToken}`,
      dpop: dpopProof(key, { method, url, token: accessToken, restrict }),
    }),
    delegation: ({ accessToken }, { endpoint, delegate, restrict }) =>
      dpopProof(key, { method: "POST", url: endpoint, token: accessToken, delegate, restrict }),
  };
}

/** The kinds that need no key of the connection. */
export function keylessSender(kind: Exclude<ProofKind, "dpop">): Sender {
  const bearer: Sender["headers"] = ({ accessToken }) => ({ authorization: `Bearer ${accessToken}` });
  switch (kind) {
    case "hmac":
      return { kind, forToken: () => ({ headers: {}, form: { session_key: "true" } }), headers: signed, delegation: signedDelegation };
    case "mtls":
      return { kind, forToken: nothing, headers: bearer, delegation: cannotDelegate };
    case "none":
      return { kind, forToken: nothing, headers: bearer, delegation: handedOver };
  }
}

function nothing(): ReturnType<Sender["forToken"]> {
  return { headers: {}, form: {} };
}

function signed({ accessToken, sessionKey }: HeldToken, { method, url, body }: OutgoingRequest): Headers {
  const authorization = `Bearer ${accessToken}`;
  if (sessionKey === undefined) return { authorization };
  return { authorization, ...signatureHeaders(sessionKey, { method, url, authorization, body }) };
}

/** The claims of a DPoP proof as an HS256 JWS under the session's key. */
function signedDelegation({ accessToken, sessionKey }: HeldToken, { endpoint, delegate, restrict }: DelegationClaims): string {
  requireWhole(restrict);
  if (sessionKey === undefined) return cannotDelegate();
  const claims = {
    jti: randomUUID(),
    htm: "POST",
    htu: endpoint,
    iat: Math.floor(Date.now() / 1000),
    ath: hash("sha256", accessToken, "base64url"),
    delegate,
  };
  const content = [{ typ: "bailiwick-delegation+jwt", alg: "HS256" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${content}.${createHmac("sha256", sessionKey).update(content).digest("base64url")}`;
}

function handedOver(_token: HeldToken, { restrict }: DelegationClaims): undefined {
  requireWhole(restrict);
}

/** Only a DPoP proof can say how much is passed on; without one the delegate could take all. */
function requireWhole(restrict: Restriction | undefined): void {
  if (restrict === undefined) return;
  throw new ClientError(
    "wish_impossible",
    "only a DPoP proof can pass on a part of a session",
    'connect with `proof: "dpop"`, or pass on all of it',
  );
}

function cannotDelegate(): never {
  throw new ClientError("wish_impossible", "a session bound to a client certificate cannot be passed on", 'connect with `proof: "dpop"`');
}
