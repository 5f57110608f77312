/** Error codes of RFC 6749 section 5.2, RFC 8707, RFC 9396, RFC 9449 and RFC 7009. */
export type OAuthErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "invalid_scope"
  | "invalid_target"
  | "invalid_authorization_details"
  | "invalid_dpop_proof"
  | "unsupported_grant_type"
  | "unauthorized_client"
  | "server_error"
  | "temporarily_unavailable";

/** Stops a token request. `message` becomes `error_description`: what, why and what to do next, never a secret. */
export class OAuthError extends Error {
  override readonly name = "OAuthError";
  readonly code: OAuthErrorCode;
  constructor(code: OAuthErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** HTTP status of an error: 401 for a client that is not who it says, 503 when a part is down, else 400 (RFC 6749 section 5.2). */
export function statusOf(code: OAuthErrorCode): 400 | 401 | 500 | 503 {
  switch (code) {
    case "invalid_client":
      return 401;
    case "server_error":
      return 500;
    case "temporarily_unavailable":
      return 503;
    case "invalid_request":
    case "invalid_grant":
    case "invalid_scope":
    case "invalid_target":
    case "invalid_authorization_details":
    case "invalid_dpop_proof":
    case "unsupported_grant_type":
    case "unauthorized_client":
      return 400;
  }
}
