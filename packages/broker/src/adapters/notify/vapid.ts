import { createECDH, hkdfSync } from "node:crypto";

/** Order of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** 64 bits more than the order has, so that no remainder is likelier than another (FIPS 186-5 appendix A.2.1). */
const SEED_BYTES = 40;

/** The broker's own key pair for push services (RFC 8292 section 2), base64url: scalar, and uncompressed point. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Made of the root key: all brokers of one store have the same, it lies nowhere, and browsers stay subscribed after a restart. */
export function vapidKeys(rootKey: Uint8Array): VapidKeys {
  const seed = Buffer.from(hkdfSync("sha256", rootKey, new Uint8Array(0), "bailiwick/web-push/v1", SEED_BYTES));
  const scalar = (BigInt(`0x${seed.toString("hex")}`) % (ORDER - 1n)) + 1n;
  const privateKey = Buffer.from(scalar.toString(16).padStart(64, "0"), "hex");
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(privateKey);
  return { publicKey: curve.getPublicKey().toString("base64url"), privateKey: privateKey.toString("base64url") };
}
