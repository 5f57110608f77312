import type { KeyObject } from "node:crypto";
import { createHmac, hash, randomUUID } from "node:crypto";

export interface SignedRequest {
  readonly method: string;
  /** Without query and fragment. */
  readonly url: string;
  /** The whole `authorization` header. */
  readonly authorization: string;
  /** Absent for GET and DELETE. */
  readonly body?: string | Uint8Array | undefined;
}

/**
 * Signs a request with the session's key (RFC 9421, hmac-sha256, with RFC 9530 for the body): the headers `signature-input`, `signature`
 * and, with a body, `content-digest`. Components and their order are fixed (docs/spec/sessions.md).
 */
export function signatureHeaders(key: KeyObject, request: SignedRequest, nowMs: number = Date.now()): Readonly<Record<string, string>> {
  const { method, url, authorization, body } = request;
  const digest = body === undefined ? undefined : `sha-256=:${hash("sha256", body, "base64")}:`;
  const covered: readonly (readonly [string, string])[] = [
    ["@method", method],
    ["@target-uri", url],
    ["authorization", authorization],
    ...(digest === undefined ? [] : [["content-digest", digest] as const]),
  ];
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const params = `(${names});created=${Math.floor(nowMs / 1000)};nonce="${randomUUID()}";alg="hmac-sha256";keyid="session"`;
  const base = [...covered.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${params}`].join("\n");
  return {
    "signature-input": `sig=${params}`,
    signature: `sig=:${createHmac("sha256", key).update(base).digest("base64")}:`,
    ...(digest === undefined ? {} : { "content-digest": digest }),
  };
}
