import type { JsonObject } from "@bailiwick/policy";
import { decodeAttestationObject, parseAuthenticatorData } from "@simplewebauthn/server/helpers";
import { z } from "zod";
import { passkeyJwk } from "../../src/adapters/rest/passkey-key.ts";
import { type PublicJwk, type Receipt, stepUpChallenge, type verifyReceipt } from "../../src/domain/receipt.ts";
import { softAuthenticator } from "../people-support/authenticator.ts";

export const PLACE = { rpId: "broker.example", origin: "https://broker.example" };

const registration = z.looseObject({ response: z.looseObject({ attestationObject: z.string() }) });

/** A passkey in software: its key, and receipts of what it signs. */
export function signer(): { readonly publicKey: PublicJwk; sign(document: JsonObject): Receipt } {
  const passkey = softAuthenticator(PLACE);
  const made = registration.parse(passkey.register({ challenge: "AA", user: { id: "aGFuZGxl" } }));
  const attestation = decodeAttestationObject(new Uint8Array(Buffer.from(made.response.attestationObject, "base64url")));
  const cose = parseAuthenticatorData(attestation.get("authData")).credentialPublicKey ?? new Uint8Array();
  const publicKey = passkeyJwk(Buffer.from(cose).toString("base64url"));
  if (publicKey === undefined) throw new Error("the test's key cannot be read");
  return {
    publicKey,
    sign: (document) => {
      const { response } = passkey.assert({ challenge: stepUpChallenge(document) });
      const { clientDataJSON = "", authenticatorData = "", signature = "" } = response;
      return { document, credentialId: passkey.id, clientDataJSON, authenticatorData, signature, publicKey, at: "2026-11-26T10:00:00Z" };
    },
  };
}

/** A receipt made with a passkey in software, and what its verifier expects. */
export function signedReceipt(document: JsonObject): { receipt: Receipt; expected: Parameters<typeof verifyReceipt>[1] } {
  const { publicKey, sign } = signer();
  return { receipt: sign(document), expected: { ...PLACE, publicKey } };
}
