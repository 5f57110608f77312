import type { ServerResponse } from "node:http";
import { Refusal } from "../../call/refusal.ts";
import { Fault } from "../../domain/fault.ts";
import { OAuthError, statusOf } from "./oauth-error.ts";
import { FormTooLarge } from "./token-form.ts";

/** RFC 6749 section 5.1: responses with tokens are never cached. */
const NO_STORE = { "cache-control": "no-store", pragma: "no-cache", "x-content-type-options": "nosniff" };

/** What a client is answered. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export function send(res: ServerResponse, { status, body, headers = {} }: Answer): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  res.writeHead(status, {
    ...NO_STORE,
    ...headers,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    "content-length": Buffer.byteLength(text),
  });
  res.end(text);
}

/** An error as RFC 6749 section 5.2 has it. */
export function errorAnswer(error: OAuthError): Answer {
  const status = error instanceof FormTooLarge ? 413 : statusOf(error.code);
  return {
    status,
    body: { error: error.code, error_description: error.message },
    ...(status === 413 ? { headers: { connection: "close" } } : {}),
  };
}

/** What the client is told of a failure. Only our own errors speak; anything else could carry a secret. */
export function asOAuthError(onFault: (error: unknown) => void, error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof Refusal) {
    if (error.code === "proof_invalid" || error.code === "proof_replayed") return new OAuthError("invalid_dpop_proof", error.message);
    onFault(error);
    return new OAuthError("temporarily_unavailable", error.message);
  }
  if (error instanceof Fault && error.code === "session_ended") return new OAuthError("invalid_grant", error.message);
  onFault(error);
  if (error instanceof Fault)
    return new OAuthError(
      "temporarily_unavailable",
      "a part of the broker (its log or store) does not answer, so nothing was given or ended; try again shortly",
    );
  return new OAuthError("server_error", "the broker failed, and nothing was given; its operator finds the cause in the log");
}
