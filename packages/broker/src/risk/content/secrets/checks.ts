const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const CRC_DIGITS = 6;

/** GitHub and npm: the last six characters are the CRC-32 of those between the prefix and them, in base 62. */
export function endsWithCrc62(value: string): boolean {
  const body = value.slice(value.indexOf("_") + 1, -CRC_DIGITS);
  return base62(crc32(body)).padStart(CRC_DIGITS, "0") === value.slice(-CRC_DIGITS);
}

/** CRC-32 of ISO 3309, over ASCII. Not node:zlib's: this folder is pure. */
export function crc32(text: string): number {
  let crc = 0xff_ff_ff_ff;
  for (let at = 0; at < text.length; at += 1) crc = (CRC_TABLE[(crc ^ text.charCodeAt(at)) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ 0xed_b8_83_20 : value >>> 1;
  return value;
});

export function base62(value: number): string {
  let digits = "";
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) digits = (BASE62[rest % 62] ?? "") + digits;
  return digits;
}

const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** BIP 173: the checksum over the human-readable part and the data; age writes its keys in upper case. */
export function isBech32(value: string): boolean {
  const lower = value.toLowerCase();
  const split = lower.lastIndexOf("1");
  const human = [...Buffer.from(lower.slice(0, split))];
  const data = lower
    .slice(split + 1)
    .split("")
    .map((char) => BECH32.indexOf(char));
  if (data.includes(-1)) return false;
  return polymod([...human.map((code) => code >> 5), 0, ...human.map((code) => code & 31), ...data]) === 1;
}

export function polymod(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1_ff_ff_ff) << 5) ^ value;
    for (const [bit, generator] of GENERATORS.entries()) if (((top >> bit) & 1) === 1) sum ^= generator;
  }
  return sum;
}

const GENERATORS = [0x3b_6a_57_b2, 0x26_50_8e_6d, 0x1e_a1_19_fa, 0x3d_42_33_dd, 0x2a_14_62_b3];

/** A JSON object with `alg`, in base64url: the header of a JWS or JWE (RFC 7515 section 4.1.1). */
export function isJoseHeader(part: string): boolean {
  try {
    const header: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof header === "object" && header !== null && "alg" in header;
  } catch {
    return false;
  }
}

/** Shannon entropy in bits per UTF-16 unit. */
export function entropy(text: string): number {
  const counts = new Map<number, number>();
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
