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
import { chmod, link, readFile, unlink, writeFile } from "node:fs/promises";
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

/**
 * Opens the ES256 key kept encrypted in `file`, or makes it on the first start (mode 0600).
 * The file is encrypted under a key derived from the root key, so a copy of the data folder without the root key signs nothing.
 * @throws Error when the file exists and cannot be opened: a new key must be a person's choice, because it ends every session.
 */
export async function openSigningKey(file: string, rootKey: Uint8Array): Promise<SigningKey> {
  const kept = await readIfThere(file);
  if (kept !== undefined) return asSigningKey(unseal(file, kept, rootKey));
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
  if (await createOnce(file, seal(pkcs8, rootKey))) return asSigningKey(privateKey);
  return openSigningKey(file, rootKey);
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

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a whole file or nothing; false when another process was first. `link` never replaces an existing file. */
async function createOnce(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, text, { mode: 0o600, flag: "wx", flush: true });
  try {
    await chmod(draft, 0o600);
    await link(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

function seal(plain: Uint8Array, rootKey: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", sealingKey(rootKey), nonce);
  cipher.setAAD(AAD);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  const sealed = {
    v: 1,
    nonce: nonce.toString("base64url"),
    ciphertext: ciphertext.toString("base64url"),
    tag: cipher.getAuthTag().toString("base64url"),
  };
  return `${JSON.stringify(sealed)}\n`;
}

function unseal(file: string, text: string, rootKey: Uint8Array): KeyObject {
  try {
    const sealed = sealedKey.parse(JSON.parse(text));
    const decipher = createDecipheriv("aes-256-gcm", sealingKey(rootKey), Buffer.from(sealed.nonce, "base64url"), { authTagLength: 16 });
    decipher.setAAD(AAD);
    decipher.setAuthTag(Buffer.from(sealed.tag, "base64url"));
    const der = Buffer.concat([decipher.update(Buffer.from(sealed.ciphertext, "base64url")), decipher.final()]);
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch (cause) {
    throw new Error(
      `cannot open the signing key \`${file}\`: it is damaged or was sealed under another root key; restore both files from the same backup, or delete it to start with a new key (every session ends then)`,
      { cause },
    );
  }
}

function sealingKey(rootKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", rootKey, new Uint8Array(0), "bailiwick/signing-key/v1", 32));
}

const AAD = Buffer.from("bailiwick signing key v1");
