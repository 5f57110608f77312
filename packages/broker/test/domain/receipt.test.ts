import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import { stepUpChallenge, verifyReceipt } from "../../src/domain/receipt.ts";
import { softAuthenticator } from "../people-support/authenticator.ts";
import { PLACE, signedReceipt } from "./signed-receipt.ts";

const DOCUMENT = { type: "test", amount: 12.5, to: "Zoë", nonce: "n1", nested: { b: 1, a: [true, null] } };

const signed = (document = DOCUMENT): ReturnType<typeof signedReceipt> => signedReceipt(document);

test("a receipt verifies with nothing but the key and the place", () => {
  const { receipt, expected } = signed();
  expect(verifyReceipt(receipt, expected)).toEqual({ ok: true });
});

test("the order of a document's members does not matter, anything else in it does", () => {
  const { receipt, expected } = signed();
  const { nested, ...rest } = DOCUMENT;
  expect(verifyReceipt({ ...receipt, document: { nested, ...rest } }, expected)).toEqual({ ok: true });
  const changed = { ...receipt, document: { ...DOCUMENT, amount: 12.6 } };
  expect(verifyReceipt(changed, expected)).toEqual({ ok: false, what: "another document was signed" });
});

test("a receipt of another key, domain or page is refused", () => {
  const { receipt, expected } = signed();
  const { expected: other } = signed();
  expect(verifyReceipt(receipt, other)).toMatchObject({ ok: false, what: "it was signed with another key" });
  expect(verifyReceipt({ ...receipt, publicKey: other.publicKey }, other)).toMatchObject({ what: "the signature is not of this key" });
  expect(verifyReceipt(receipt, { ...expected, rpId: "evil.example" })).toMatchObject({ what: "the passkey is of another domain" });
  expect(verifyReceipt(receipt, { ...expected, origin: "https://evil.example" })).toMatchObject({ what: "it was signed on another page" });
});

test("a receipt whose authenticator did not verify the person is refused", () => {
  const passkey = softAuthenticator(PLACE);
  const { receipt, expected } = signed();
  const { response } = passkey.assert({ challenge: stepUpChallenge(DOCUMENT) }, { verified: false });
  const weak = { ...receipt, authenticatorData: response["authenticatorData"] ?? "", clientDataJSON: response["clientDataJSON"] ?? "" };
  expect(verifyReceipt(weak, expected)).toMatchObject({ what: "the authenticator did not verify the person" });
});

test("any changed byte of the signature, the client data or the authenticator data makes it worthless", () => {
  const { receipt, expected } = signed();
  for (const name of ["signature", "clientDataJSON", "authenticatorData"] as const) {
    const bytes = Buffer.from(receipt[name], "base64url");
    for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verifyReceipt({ ...receipt, [name]: changed.toString("base64url") }, expected).ok, `${name} ${at}`).toBe(false);
    }
  }
});

test("what is no receipt is refused and never throws", () => {
  const { receipt, expected } = signed();
  for (const broken of [
    { ...receipt, clientDataJSON: "" },
    { ...receipt, clientDataJSON: Buffer.from("null").toString("base64url") },
    { ...receipt, clientDataJSON: Buffer.from('{"type":"webauthn.create"}').toString("base64url") },
    { ...receipt, authenticatorData: "AA" },
    { ...receipt, document: { lone: "\ud800" } },
  ]) {
    expect(verifyReceipt(broken, expected).ok).toBe(false);
  }
});

test("an Ed25519 or RSA key that signed nothing verifies nothing", () => {
  const { receipt } = signed();
  for (const type of ["ed25519", "rsa"] as const) {
    const pair = type === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ed25519");
    const jwk = z
      .union([
        z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string() }),
        z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string() }),
      ])
      .parse(pair.publicKey.export({ format: "jwk" }));
    expect(verifyReceipt({ ...receipt, publicKey: jwk }, { ...PLACE, publicKey: jwk })).toMatchObject({
      what: "the signature is not of this key",
    });
  }
});
