import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { exportJWK, SignJWT } from "jose";

/** A sender with a key of its own (RFC 9449). */
export interface Sender {
  readonly key: KeyObject;
  proof(url: string, claims?: Record<string, unknown>): Promise<string>;
}

export async function sender(): Promise<Sender> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = await exportJWK(publicKey);
  return {
    key: privateKey,
    proof: (url, claims = {}) =>
      new SignJWT({ htm: "POST", htu: url, iat: Math.floor(Date.now() / 1000), jti: randomBytes(12).toString("hex"), ...claims })
        .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk })
        .sign(privateKey),
  };
}
