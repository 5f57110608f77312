import type { NextStep } from "@bailiwick/policy";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Presented } from "../../call/presented.ts";
import type { Session } from "../../domain/session.ts";
import type { RefusalCode } from "../../call/refusal.ts";
import { peerCertificate } from "../http/peer-certificate.ts";
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
  const certificate = peerCertificate(socket);
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
export function challenge(
  settings: Settings,
  hadToken: boolean,
  failure: { readonly code: string; readonly message: string },
): OutgoingHttpHeaders {
  const parts = ['realm="bailiwick"'];
  const proof = failure.code === "proof_invalid" || failure.code === "proof_replayed";
  if (hadToken) parts.push(`error="${proof ? "invalid_dpop_proof" : "invalid_token"}"`, `error_description="${quotable(failure.message)}"`);
  if (settings.resourceMetadataUrl !== undefined) parts.push(`resource_metadata="${quotable(settings.resourceMetadataUrl())}"`);
  const own = parts.join(", ");
  return { "www-authenticate": proof ? `DPoP ${own}, algs="ES256"` : `Bearer ${own}` };
}

/**
 * Headers of a 403 that asks a client with a person in front of it for a wider session (RFC 6750 section 3.1, `insufficient_scope`): it
 * can ask that person again. Undefined for every other refusal and caller: those are answered inside HTTP 200, since an agent on its own
 * would only lose its connection.
 */
export function stepUp(
  settings: Settings,
  { grant, scope }: Session,
  { code, message, next }: { readonly code: string; readonly message: string; readonly next: readonly NextStep[] },
): OutgoingHttpHeaders | undefined {
  if (grant !== "authorization_code" || code !== "outside_session_scope" || settings.resourceMetadataUrl === undefined) return undefined;
  const wanted = next.flatMap((step) => (step.kind === "reauthenticate" && step.scope !== undefined ? [step.scope] : []));
  if (wanted.length === 0) return undefined;
  // What the session has is named as well: the new one replaces it.
  const whole = [...new Set([...scope, ...wanted])].join(" ");
  const parts = [
    `scope="${quotable(whole)}"`,
    `error_description="${quotable(message)}"`,
    `resource_metadata="${quotable(settings.resourceMetadataUrl())}"`,
  ];
  return { "www-authenticate": `Bearer realm="bailiwick", error="insufficient_scope", ${parts.join(", ")}` };
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
