/** Bytes of an ES256 signature as JWS carries it: two numbers of 32 bytes (RFC 7518 section 3.4). */
const HALF_BYTES = 32;

/**
 * The signature as OpenSSL reads it fastest: `SEQUENCE { INTEGER r, INTEGER s }` in DER (X.690). Node can read the JWS form itself and takes
 * half as long again for it. Undefined when the length is another.
 */
export function derSignature(signature: Uint8Array): Buffer | undefined {
  if (signature.length !== 2 * HALF_BYTES) return undefined;
  const numbers = Buffer.concat([integer(signature.subarray(0, HALF_BYTES)), integer(signature.subarray(HALF_BYTES))]);
  return Buffer.concat([Buffer.from([0x30, numbers.length]), numbers]);
}

/** The shortest form, positive: no leading zero but one that keeps the first bit clear. */
function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first < 0 ? bytes.subarray(-1) : bytes.subarray(first);
  const sign = (shortest[0] ?? 0) & 0x80 ? [0] : [];
  return Buffer.from([0x02, sign.length + shortest.length, ...sign, ...shortest]);
}
