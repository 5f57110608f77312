import { decodeCredentialPublicKey } from "@simplewebauthn/server/helpers";
import type { PublicJwk } from "../../domain/receipt.ts";

/** Signature algorithms a passkey may have (COSE): Ed25519, ES256, RS256. Each has a JSON Web Key that any verifier reads. */
export const PASSKEY_ALGORITHMS: readonly number[] = [-7, -8, -257];

/** COSE key parameters (RFC 9053 section 7, RFC 8230 section 4): -1 is `crv` or `n`, -2 is `x` or `e`, -3 is `y`. */
const KTY = 1;
const FIRST = -1;
const SECOND = -2;
const THIRD = -3;
const P256 = 1;
const ED25519 = 6;

/** A passkey's COSE_Key in base64url as a JSON Web Key; undefined for a kind of key that we do not take. */
export function passkeyJwk(cose: string): PublicJwk | undefined {
  const decoded: unknown = decodeCredentialPublicKey(new Uint8Array(Buffer.from(cose, "base64url")));
  if (!(decoded instanceof Map)) return undefined;
  const key: ReadonlyMap<unknown, unknown> = decoded;
  const [first, x, y] = [key.get(FIRST), text(key.get(SECOND)), text(key.get(THIRD))];
  switch (key.get(KTY)) {
    case 1:
      return first === ED25519 && x !== undefined ? { kty: "OKP", crv: "Ed25519", x } : undefined;
    case 2:
      return first === P256 && x !== undefined && y !== undefined ? { kty: "EC", crv: "P-256", x, y } : undefined;
    case 3: {
      const n = text(first);
      return n === undefined || x === undefined ? undefined : { kty: "RSA", n, e: x };
    }
    default:
      return undefined;
  }
}

function text(bytes: unknown): string | undefined {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString("base64url") : undefined;
}
