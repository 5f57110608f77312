import { type Hash, HASH_BYTES, pairHash, sha256Bytes } from "../tree/hash.ts";

/** A subtree of the map without heads: 32 zero bytes, which is the hash of nothing anybody knows. */
export const EMPTY_SUBTREE: Hash = new Uint8Array(HASH_BYTES);

/** Bits of a path, and so the most siblings a proof can have. */
export const MAX_DEPTH_OF_MAP = HASH_BYTES * 8;

/** SHA-256(0x02 || line). The prefixes differ from the log's own 0x00 and 0x01, so no hash of the log is one of the map. */
export function headHash(line: string): Hash {
  return sha256Bytes(`\u0002${line}`);
}

/** SHA-256(0x03 || left || right). */
export function mapNodeHash(left: Hash, right: Hash): Hash {
  return pairHash(MAP_NODE, left, right);
}

/** Whether a path turns right at a depth; depth 0 is the first bit of the first byte. */
export function turnsRight(path: Hash, depth: number): boolean {
  const byte = path[depth >>> 3] ?? 0;
  return ((byte >>> (7 - (depth & 7))) & 1) === 1;
}

const MAP_NODE = 0x03;
