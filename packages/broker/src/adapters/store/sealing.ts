import { type CipherKey, createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { randomBytes } from "../system/random.ts";

/** AES-256-GCM (NIST SP 800-38D): 12-byte nonce, 16-byte tag; the sealed form is nonce, ciphertext, tag. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Random nonces: no key seals anywhere near the 2^32 messages after which two of them might meet (section 8.3); a version key seals one. */
export function seal(key: CipherKey, plain: Uint8Array, associated: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(associated, "utf8"));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error when key, text or associated data are not those it was sealed with. */
export function unseal(key: CipherKey, sealed: Uint8Array, associated: string): Buffer {
  if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) throw new Error("the sealed text is too short");
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(associated, "utf8"));
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.byteLength - TAG_BYTES)), decipher.final()]);
}

/** A key for another purpose made from the root key; knowing it says nothing about the root key. */
export function derive(rootKey: Uint8Array, purpose: string): Buffer {
  return createHmac("sha256", rootKey).update(`bailiwick ${purpose}`).digest();
}
