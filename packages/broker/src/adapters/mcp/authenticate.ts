import { hash } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { TLSSocket } from "node:tls";
import type { Presented } from "../../call/presented.ts";
import type { Session } from "../../domain/session.ts";
import type { RefusalCode } from "../../call/refusal.ts";
import type { Settings } from "./settings.ts";

/**
 * What the request shows of its sender (RFC 6750 section 2.1, RFC 9449 section 7.1, RFC 9421, RFC 8705); tokens in the URL or the body are not
 * looked for. `url` is the address agents know this endpoint by.
 */
export function presentedBy(req: IncomingMessage, url: string): Presented {
  const { headers, socket, method = "" } = req;
  const [, scheme, token] = AUTHORIZATION.exec(headers.authorization ?? "") ?? [];
  const { dpop } = headers;
  const input = headers["signature-input"];
  const value = headers["signature"];
  const contentDigest = headers["content-digest"];
  const certificate = socket instanceof TLSSocket ? thumbprintOf(socket) : undefined;
  return {
    token,
    scheme: scheme?.toLowerCase() === "dpop" ? "DPoP" : "Bearer",
    method,
    url,
    ...(typeof dpop === "string" ? { dpop } : {}),
    ...(typeof input === "string" && typeof value === "string"
      ? { signature: { input, value, contentDigest: typeof contentDigest === "string" ? contentDigest : undefined } }
      : {}),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

const AUTHORIZATION = /^(bearer|dpop) +([\w.~+/-]+=*) *$/i;

/** RFC 8705 section 3.1: SHA-256 over the DER of the certificate whose key the peer used in the handshake. */
function thumbprintOf(socket: TLSSocket): string | undefined {
  const { raw } = socket.getPeerCertificate();
  return raw === undefined ? undefined : hash("sha256", raw, "base64url");
}

/** Refusals that mean: come back with another token. Everything else is never an HTTP 4xx, because clients drop their session on those. */
export function isAuthenticationCode(code: RefusalCode): boolean {
  return AUTHENTICATION_CODES.has(code);
}

const AUTHENTICATION_CODES: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  "unauthenticated",
  "token_expired",
  "session_revoked",
  "agent_stopped",
  "proof_invalid",
  "proof_replayed",
  "wrong_tenant",
]);

/** Headers of a 401 (RFC 6750 section 3, RFC 9449 section 7.1; RFC 9728 section 5.1 when a metadata URL is configured). */
export function challenge(settings: Settings, hadToken: boolean, failure: { readonly code: string; readonly message: string }): OutgoingHttpHeaders {
  const parts = ['realm="bailiwick"'];
  const proof = failure.code === "proof_invalid" || failure.code === "proof_replayed";
  if (hadToken) parts.push(`error="${proof ? "invalid_dpop_proof" : "invalid_token"}"`, `error_description="${quotable(failure.message)}"`);
  if (settings.resourceMetadataUrl !== undefined) parts.push(`resource_metadata="${quotable(settings.resourceMetadataUrl())}"`);
  const own = parts.join(", ");
  return { "www-authenticate": proof ? `DPoP ${own}, algs="ES256"` : `Bearer ${own}` };
}

function quotable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]|["\\]/g, "'");
}

/**
 * Who may continue what a request left behind (sessions, tasks, suspended calls): the same agent for the same user and task.
 * Not the broker session, because tokens are renewed every few minutes while people think.
 */
export function principalOf(session: Session): string {
  return JSON.stringify([session.agent, session.user, session.task]);
}
