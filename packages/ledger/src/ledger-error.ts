/**
 * Why something of a log was not accepted. Closed list:
 * `malformed` not in the format, or in a second spelling of it · `foreign` of another log · `untrusted` no signature of a trusted key ·
 * `bad_signature` a trusted key's signature does not fit · `key_out_of_range` a trusted key, but not for this tree size ·
 * `quorum_missed` too few witnesses · `not_included` the record is not in the tree · `incomplete` records of a sequence are missing ·
 * `tile_missing` a tile that is needed was not given · `too_large` beyond a limit of the format.
 */
export type LedgerErrorCode =
  | "malformed"
  | "foreign"
  | "untrusted"
  | "bad_signature"
  | "key_out_of_range"
  | "quorum_missed"
  | "not_included"
  | "incomplete"
  | "tile_missing"
  | "too_large";

/** What every function named `open…`, `parse…` or `read…` throws instead of returning something doubtful. */
export class LedgerError extends Error {
  readonly code: LedgerErrorCode;

  constructor(code: LedgerErrorCode, message: string) {
    super(message);
    this.name = "LedgerError";
    this.code = code;
  }
}
