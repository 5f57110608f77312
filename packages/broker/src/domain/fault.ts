/** A failure of a part, not a judgement of policy. Closed list; the call path maps each to a refusal or to `outcome_unknown`. */
export type FaultCode =
  | "log_unavailable"
  /** What is asked of the log cannot be shown: it is empty, too much, or was retired. */
  | "proof_unavailable"
  | "store_unavailable"
  | "key_shared"
  /** A session cannot be opened: what it stands on was revoked or stopped meanwhile. */
  | "session_ended"
  | "tool_unavailable"
  | "tool_lost"
  | "tool_timeout"
  | "result_too_large"
  | "cancelled"
  | "agent_cannot_answer"
  | "credential_unavailable";

/** What a tool's server says of the token that it did not take (RFC 6750 section 3, RFC 9728 section 5.1): its own words, not to be shown. */
export interface Challenge {
  readonly error?: string | undefined;
  readonly scope?: string | undefined;
  readonly resourceMetadata?: string | undefined;
}

/** `message` says what happened and what to do; it never holds a secret or an agent's raw text. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  /** The tool did not take the credential: another one may be taken. */
  readonly credentialRefused: boolean = false;
  readonly challenge: Challenge | undefined = undefined;
  constructor(code: FaultCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
