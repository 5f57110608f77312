import { randomFillSync } from "node:crypto";

/** Each request to the system's generator costs more than the bytes; ids and salts are drawn from a block of this size. */
const BLOCK_BYTES = 8 * 1024;

const block = new Uint8Array(BLOCK_BYTES);
let used = BLOCK_BYTES;

/** Cryptographically random bytes, each handed out once and wiped from the block. `size` is at most BLOCK_BYTES. */
export function randomBytes(size: number): Uint8Array {
  if (used + size > BLOCK_BYTES) {
    randomFillSync(block);
    used = 0;
  }
  const bytes = block.slice(used, used + size);
  block.fill(0, used, used + size);
  used += size;
  return bytes;
}

/** `<prefix>_` and 128 random bits in base64url. */
export function randomId(prefix: string): string {
  return `${prefix}_${Buffer.from(randomBytes(16)).toString("base64url")}`;
}
