/** Why the client itself could not go on; nothing was asked of a tool, or the error says otherwise. */
export type ClientErrorCode =
  /** Nothing was sent: the broker does not answer under this URL. */
  | "broker_unreachable"
  /** The broker gave no session; the message holds its own words. */
  | "session_refused"
  /** The key file is missing, is no key, or can be read by others. */
  | "key_unusable"
  /** The broker does not bind its tokens as this connection asks; a weaker token is not taken instead. */
  | "proof_unsupported"
  /** The connection was ended; its session is revoked. */
  | "session_ended"
  /** The broker did not confirm that the session is revoked; it ends by itself within its lifetime. */
  | "end_unconfirmed"
  /** A delegated session is over, and no new delegation can be asked for. */
  | "delegation_over"
  /** The connection's proof cannot carry what was asked of it, or the wish itself makes no sense. */
  | "wish_impossible"
  /** The broker answered something that is no answer of a Bailiwick broker. */
  | "answer_unreadable";

/** Thrown by this package for whatever is no outcome of a call. `next` is what to do about it. The message never holds a key or a token. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  readonly next: string;
  constructor(code: ClientErrorCode, what: string, next: string, options?: { cause?: unknown }) {
    super(`${what}; ${next}`, options);
    this.code = code;
    this.next = next;
  }
}
