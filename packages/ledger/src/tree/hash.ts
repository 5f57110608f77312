import { hash } from "node:crypto";

/** A SHA-256 value: 32 bytes. */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;

/** The root of a tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1). */
export function emptyRoot(): Hash {
  return sha256Bytes("");
}

/**
 * The hash of a leaf: SHA-256(0x00 || entry) (RFC 6962 section 2.1). A text stands for its UTF-8 form.
 * @throws TypeError when a text has none because of a lone surrogate: two such texts would have one hash.
 */
export function leafHash(entry: string | Uint8Array): Hash {
  if (typeof entry === "string") {
    if (!entry.isWellFormed()) throw new TypeError("the text holds a lone surrogate and has no UTF-8 form; send well-formed Unicode");
    return sha256Bytes(`\0${entry}`);
  }
  const input = Buffer.allocUnsafe(entry.byteLength + 1);
  input[0] = LEAF;
  input.set(entry, 1);
  return sha256Bytes(input);
}

/** The hash of an inner node: SHA-256(0x01 || left || right) (RFC 6962 section 2.1). */
export function nodeHash(left: Hash, right: Hash): Hash {
  return pairHash(NODE, left, right);
}

/** SHA-256(prefix || left || right); each kind of tree has its own prefixes, so no proof of one is a proof in another. */
export function pairHash(prefix: number, left: Hash, right: Hash): Hash {
  const input = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  input[0] = prefix;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return sha256Bytes(input);
}

/** SHA-256 (FIPS 180-4). By way of a binary string: measured three times as fast as asking node:crypto for a buffer. */
export function sha256Bytes(input: string | Uint8Array): Hash {
  return Buffer.from(hash("sha256", input, "binary"), "binary");
}

/** Whether a value from outside can be a hash at all. */
export function isHash(value: Uint8Array): value is Hash {
  return value.byteLength === HASH_BYTES;
}

const LEAF = 0x00;
const NODE = 0x01;
