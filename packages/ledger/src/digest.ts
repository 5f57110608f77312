import { createHmac, hash } from "node:crypto";
import { canonicalize } from "./canonicalize.ts";

/** SHA-256 of a text's UTF-8 form, as 64 hex digits. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}

/** `sha256:` and the SHA-256 of the canonical form. @throws TypeError when the value has none. */
export function digest(value: unknown): string {
  return `sha256:${sha256(canonicalize(value))}`;
}

/**
 * Commits to a value without showing it: HMAC-SHA-256 over the canonical form, keyed with a random salt of 32 bytes.
 * Whoever holds value and salt can check it; once the salt is destroyed nothing can be guessed back.
 * @throws TypeError when the value has no canonical form, RangeError when the salt is shorter than 32 bytes.
 */
export function commit(value: unknown, salt: Uint8Array): string {
  if (salt.byteLength < MIN_SALT_BYTES)
    throw new RangeError(`a salt of ${salt.byteLength} bytes can be guessed; use at least ${MIN_SALT_BYTES}`);
  return `hmac-sha256:${createHmac("sha256", salt).update(canonicalize(value)).digest("hex")}`;
}

/** As long as the digest: shorter salts make small values (an e-mail address) guessable. */
const MIN_SALT_BYTES = 32;
