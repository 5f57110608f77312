import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import { calculateJwkThumbprint, exportJWK, type JWK } from "jose";
import { z } from "zod";

/** The broker's own key: signs session tokens. Public half is served at `/.well-known/jwks.json`. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicJwk: JWK;
}

/** AES-256-GCM as in NIST SP 800-38D: a 96-bit nonce and a 128-bit tag. */
const NONCE_BYTES = 12;

const sealedKey = z.strictObject({
  v: z.literal(1),
  nonce: z.base64url(),
  ciphertext: z.base64url(),
  tag: z.base64url(),
});

/** A fresh ES256 key. */
export function newSigningKey(): Promise<SigningKey> {
  return asSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
}

/** An ES256 signing key from a private key object; `kid` is its RFC 7638 thumbprint. */
export async function asSigningKey(privateKey: KeyObject): Promise<SigningKey> {
  const publicKey = createPublicKey(privateKey);
  const { kty, crv, x, y } = await exportJWK(publicKey);
  if (kty !== "EC" || crv !== "P-256" || x === undefined || y === undefined)
    throw new Error("the signing key is not an ES256 key (EC, P-256)");
  const kid = await calculateJwkThumbprint({ kty, crv, x, y });
  return { kid, privateKey, publicKey, publicJwk: { kty, crv, x, y, kid, alg: "ES256", use: "sig" } };
}

/** The key encrypted under one derived from the root key, so that a copy of where it is kept signs nothing. */
export function sealSigningKey({ privateKey }: SigningKey, rootKey: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", sealingKey(rootKey), nonce);
  cipher.setAAD(AAD);
  const ciphertext = Buffer.concat([cipher.update(privateKey.export({ format: "der", type: "pkcs8" })), cipher.final()]);
  return JSON.stringify({
    v: 1,
    nonce: nonce.toString("base64url"),
    ciphertext: ciphertext.toString("base64url"),
    tag: cipher.getAuthTag().toString("base64url"),
  });
}

/** @throws Error when the text is damaged or was sealed under another root key; `place` says where it was found. */
export async function unsealSigningKey(text: string, rootKey: Uint8Array, place: string): Promise<SigningKey> {
  return asSigningKey(unseal(text, rootKey, place));
}

function unseal(text: string, rootKey: Uint8Array, place: string): KeyObject {
  try {
    const sealed = sealedKey.parse(JSON.parse(text));
    const decipher = createDecipheriv("aes-256-gcm", sealingKey(rootKey), Buffer.from(sealed.nonce, "base64url"), { authTagLength: 16 });
    decipher.setAAD(AAD);
    decipher.setAuthTag(Buffer.from(sealed.tag, "base64url"));
    const der = Buffer.concat([decipher.update(Buffer.from(sealed.ciphertext, "base64url")), decipher.final()]);
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch (cause) {
    throw new Error(
      `cannot open the signing key in ${place}: it is damaged or was sealed under another root key; start with the root key it was sealed under, or restore both from the same backup`,
      { cause },
    );
  }
}

function sealingKey(rootKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", rootKey, new Uint8Array(0), "bailiwick/signing-key/v1", 32));
}

const AAD = Buffer.from("bailiwick signing key v1");
