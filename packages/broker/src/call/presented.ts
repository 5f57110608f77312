import type { RowBound } from "@bailiwick/policy";

/**
 * What one request shows to prove who sends it, as the adapter read it off the wire: nothing in it is trusted yet.
 * The object stands for the request: its proof is verified once, and everything that is done for this request uses the same object.
 */
export interface Presented {
  /** From the `authorization` header, without its scheme. */
  readonly token: string | undefined;
  readonly scheme: "Bearer" | "DPoP";
  readonly method: string;
  /** The URL the request was sent to, without query and fragment, as agents know this broker. */
  readonly url: string;
  /** The `dpop` header (RFC 9449 section 4.1). */
  readonly dpop?: string | undefined;
  /** The headers `signature-input`, `signature` and `content-digest` (RFC 9421, RFC 9530). */
  readonly signature?: { readonly input: string; readonly value: string; readonly contentDigest: string | undefined } | undefined;
  /** Base64url SHA-256 of the certificate the peer proved to hold in the TLS handshake (RFC 8705). */
  readonly certificate?: string | undefined;
}

/** What a proof narrows its one request to (`restrict`); it can only take away. */
export interface Restriction {
  readonly scope?: readonly string[] | undefined;
  readonly rows?: RowBound | undefined;
}

/** Which session a request proves to be of. */
export interface Claims {
  readonly tenant: string;
  readonly session: string;
  readonly restrict?: Restriction | undefined;
  /** The proof's identity, for the effect it pays for: used once, over all brokers. */
  readonly proof?: { readonly id: string; readonly untilMs: number } | undefined;
}
