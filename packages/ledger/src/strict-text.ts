import { LedgerError } from "./ledger-error.ts";

/** The bytes of standard base64 (RFC 4648 section 4), or undefined when the text is not exactly what encoding them gives. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  // Node skips what it does not know and ignores loose bits; two spellings of one proof would be two files that both verify.
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** A decimal without leading zeroes up to 2^53 - 1, or undefined. */
export function decodeDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Whether two byte strings are equal. Proofs are public, so time may depend on them. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** Whether a text holds a character below U+0020 (other than a line feed, when that is allowed), or broken Unicode. */
export function isPlain(text: string, lineFeeds: "no line feeds" | "line feeds"): boolean {
  return text.isWellFormed() && !(lineFeeds === "line feeds" ? CONTROL_BUT_LINE_FEED : CONTROL).test(text);
}

/** @throws LedgerError `malformed` with the reason and what to do about it. */
export function malformed(what: string, next: string): never {
  throw new LedgerError("malformed", `${what}: ${next}`);
}

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f]/;
// oxlint-disable-next-line no-control-regex
const CONTROL_BUT_LINE_FEED = /[\0-\x09\x0b-\x1f]/;
