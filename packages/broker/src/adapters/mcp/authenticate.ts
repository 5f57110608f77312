import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Session } from "../../domain/session.ts";
import type { RefusalCode } from "../../call/refusal.ts";
import type { Settings } from "./settings.ts";

/** Bearer token of the request (RFC 6750 section 2.1); tokens in the URL or the body are not looked for. */
export function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  const match = BEARER.exec(headers.authorization ?? "");
  return match?.[1];
}

const BEARER = /^bearer +([\w.~+/-]+=*) *$/i;

/** Refusals that mean: come back with another token. Everything else is never an HTTP 4xx, because clients drop their session on those. */
export function isAuthenticationCode(code: RefusalCode): boolean {
  return AUTHENTICATION_CODES.has(code);
}

const AUTHENTICATION_CODES: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  "unauthenticated",
  "token_expired",
  "session_revoked",
  "wrong_tenant",
]);

/** Headers of a 401 (RFC 6750 section 3; RFC 9728 section 5.1 when a metadata URL is configured). */
export function challenge(settings: Settings, hadToken: boolean, description: string): OutgoingHttpHeaders {
  const parts = ['realm="bailiwick"'];
  if (hadToken) parts.push('error="invalid_token"', `error_description="${quotable(description)}"`);
  if (settings.resourceMetadataUrl !== undefined) parts.push(`resource_metadata="${quotable(settings.resourceMetadataUrl())}"`);
  return { "www-authenticate": `Bearer ${parts.join(", ")}` };
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
