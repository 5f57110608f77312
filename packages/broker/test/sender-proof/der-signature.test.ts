import { generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { derSignature } from "../../src/adapters/sender-proof/der-signature.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

test("every signature in the form of JWS verifies in DER, and one over another text does not", () => {
  for (let each = 0; each < 600; each += 1) {
    const text = Buffer.from(`text ${each}`);
    const der = derSignature(sign("sha256", text, { key: privateKey, dsaEncoding: "ieee-p1363" })) ?? Buffer.alloc(0);
    expect(verify("sha256", text, publicKey, der)).toBe(true);
    expect(verify("sha256", Buffer.from("other"), publicKey, der)).toBe(false);
  }
});

test("any 64 bytes become two positive numbers of the shortest form, with their values", () => {
  const number = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.nat(31).map((zeros) => Uint8Array.from({ length: 32 }, (_, at) => (at < zeros ? 0 : 0x80))),
    fc.constant(new Uint8Array(32)),
  );
  fc.assert(
    fc.property(number, number, (r, s) => {
      const der = derSignature(Buffer.concat([r, s])) ?? Buffer.alloc(0);
      expect([der[0], der[1]]).toEqual([0x30, der.length - 2]);
      const [first, rest] = read(der.subarray(2));
      const [second, none] = read(rest);
      expect([first, second, none.length]).toEqual([
        BigInt(`0x${Buffer.from(r).toString("hex")}`),
        BigInt(`0x${Buffer.from(s).toString("hex")}`),
        0,
      ]);
    }),
  );
});

/** One INTEGER of DER, read by hand. */
function read(bytes: Buffer): [bigint, Buffer] {
  const length = bytes[1] ?? 0;
  const value = bytes.subarray(2, 2 + length);
  expect(bytes[0]).toBe(0x02);
  expect((value[0] ?? 0) & 0x80).toBe(0);
  if (value.length > 1) expect(value[0] !== 0 || ((value[1] ?? 0) & 0x80) !== 0).toBe(true);
  return [BigInt(`0x${value.toString("hex")}`), bytes.subarray(2 + length)];
}

test("a signature of another length is none", () => {
  for (const length of [0, 63, 65, 72]) expect(derSignature(new Uint8Array(length))).toBeUndefined();
});
