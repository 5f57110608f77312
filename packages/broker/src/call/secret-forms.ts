/**
 * How a text may write a secret, beyond what `secret-views.ts` takes away (escapes, white space, invisible characters): in base64,
 * base64url and base32, alone or inside of a longer text; base64 twice; hex; every character of it in JSON; backwards.
 */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, "utf8");
  const inJson = JSON.stringify(secret).slice(1, -1);
  const base64 = bytes.toString("base64");
  const url = encodeURIComponent(secret.toWellFormed());
  return [
    secret,
    // Inside a JSON text that is itself a string of the result, or a string of such a one.
    inJson,
    JSON.stringify(inJson).slice(1, -1),
    url,
    url.replaceAll("%20", "+"),
    bytes.toString("hex"),
    base64.replace(/=+$/u, ""),
    bytes.toString("base64url"),
    ...insideBase64(bytes),
    Buffer.from(base64).toString("base64").replace(/=+$/u, ""),
    ...insideBase64(Buffer.from(base64)),
    base32(bytes),
    ...insideBase32(bytes),
    secret.split("").toReversed().join(""),
  ];
}

/** The characters that do not depend on what stands around the secret, when bytes of its first group precede it (`user:secret`). */
function insideBase64(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    const [from, to] = whole(before, shifted.length, 6);
    return [shifted.toString("base64").slice(from, to), shifted.toString("base64url").slice(from, to)];
  });
}

function insideBase32(bytes: Buffer): readonly string[] {
  return [1, 2, 3, 4].map((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    return base32(shifted).slice(...whole(before, shifted.length, 5));
  });
}

/** From and to which character only bits of the secret are written. */
function whole(bytesBefore: number, bytes: number, bitsPerChar: number): [from: number, to: number] {
  return [Math.ceil((bytesBefore * 8) / bitsPerChar), Math.floor((bytes * 8) / bitsPerChar)];
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 section 6, without padding. */
function base32(bytes: Buffer): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xf_ff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32.charAt((value >>> (bits - 5)) & 31);
  }
  return bits === 0 ? text : text + BASE32.charAt((value << (5 - bits)) & 31);
}
