import { hash } from "node:crypto";
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
  return commitText(canonicalize(value), salt);
}

/** The same for a text that is canonical already. @throws RangeError when the salt is shorter than 32 bytes, or longer than a block of SHA-256. */
export function commitText(canonical: string, salt: Uint8Array): string {
  if (salt.byteLength < MIN_SALT_BYTES || salt.byteLength > BLOCK_BYTES)
    throw new RangeError(`a salt of ${salt.byteLength} bytes is not usable; use ${MIN_SALT_BYTES} to ${BLOCK_BYTES} random bytes`);
  return `hmac-sha256:${hmac(salt, canonical)}`;
}

// HMAC (RFC 2104) from one-shot hashes: each salt is used once, and making a key object for it costs ten times the hashing.
function hmac(key: Uint8Array, text: string): string {
  const inner = hash("sha256", Buffer.concat([padded(key, 0x36), Buffer.from(text, "utf8")]), "buffer");
  return hash("sha256", Buffer.concat([padded(key, 0x5c), inner]), "hex");
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES).fill(pad);
  for (let index = 0; index < key.byteLength; index += 1) block[index] = (key[index] ?? 0) ^ pad;
  return block;
}

/** As long as the digest: shorter salts make small values (an e-mail address) guessable. */
const MIN_SALT_BYTES = 32;
/** Block of SHA-256 (FIPS 180-4); longer keys would have to be hashed first. */
const BLOCK_BYTES = 64;
