import { createPublicKey, hash, verify } from "node:crypto";
import { canonicalize } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";

/** A passkey's public key as a JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037). */
export type PublicJwk =
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string }
  | { readonly kty: "RSA"; readonly n: string; readonly e: string };

/** A person's yes to exactly one document, signed by their passkey. Bytes are in base64url. */
export interface Receipt {
  readonly document: JsonObject;
  readonly credentialId: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
  readonly publicKey: PublicJwk;
  /** When the broker accepted it (RFC 3339). */
  readonly at: string;
}

/** Whom and what a verifier expects: the key must come from a source the verifier trusts, not from the receipt. */
export interface ReceiptExpectation {
  /** The domain that the passkey belongs to. */
  readonly rpId: string;
  /** Where the person saw the document, e.g. `https://broker.example`. */
  readonly origin: string;
  readonly publicKey: PublicJwk;
}

export type ReceiptVerdict = { readonly ok: true } | { readonly ok: false; readonly what: string };

/** SHA-256 of the document's canonical form (RFC 8785), in base64url. @throws TypeError when the document has none. */
export function stepUpChallenge(document: JsonObject): string {
  return hash("sha256", canonicalize(document), "base64url");
}

/** Names a passkey's public key: RFC 7638 SHA-256 thumbprint, in base64url. */
export function keyThumbprint(key: PublicJwk): string {
  return hash("sha256", canonicalize({ ...key }), "base64url");
}

/**
 * Checks a receipt with nothing but the receipt, the key and the place: the signature covers the document's digest, the origin and the
 * fact that the authenticator verified the person (Web Authentication Level 3, section 7.2). It cannot tell a second use; the broker does.
 * Never throws: what cannot be read is not ok.
 */
export function verifyReceipt(receipt: Receipt, expected: ReceiptExpectation): ReceiptVerdict {
  try {
    return check(receipt, expected);
  } catch {
    return no("the receipt is not well-formed");
  }
}

function check(receipt: Receipt, expected: ReceiptExpectation): ReceiptVerdict {
  if (canonicalize(receipt.publicKey) !== canonicalize(expected.publicKey)) return no("it was signed with another key");
  const clientData = Buffer.from(receipt.clientDataJSON, "base64url");
  const said: unknown = JSON.parse(clientData.toString("utf8"));
  if (typeof said !== "object" || said === null) return no("the client data is no object");
  if (member(said, "type") !== "webauthn.get") return no("it is no assertion");
  if (member(said, "challenge") !== stepUpChallenge(receipt.document)) return no("another document was signed");
  if (member(said, "origin") !== expected.origin || member(said, "crossOrigin") === true) return no("it was signed on another page");
  const data = Buffer.from(receipt.authenticatorData, "base64url");
  if (data.length < MIN_AUTHENTICATOR_DATA_BYTES) return no("the authenticator data is too short");
  if (!data.subarray(0, RP_ID_HASH_BYTES).equals(hash("sha256", expected.rpId, "buffer"))) return no("the passkey is of another domain");
  if (((data[FLAGS_AT] ?? 0) & PRESENT_AND_VERIFIED) !== PRESENT_AND_VERIFIED) return no("the authenticator did not verify the person");
  const signed = Buffer.concat([data, hash("sha256", clientData, "buffer")]);
  const key = createPublicKey({ key: { ...expected.publicKey }, format: "jwk" });
  const algorithm = expected.publicKey.kty === "OKP" ? null : "sha256";
  return verify(algorithm, signed, key, Buffer.from(receipt.signature, "base64url"))
    ? { ok: true }
    : no("the signature is not of this key");
}

function member(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined;
}

function no(what: string): ReceiptVerdict {
  return { ok: false, what };
}

/** Layout of authenticator data: SHA-256 of the RP id, one byte of flags, a counter of four (section 6.1). */
const RP_ID_HASH_BYTES = 32;
const FLAGS_AT = 32;
const MIN_AUTHENTICATOR_DATA_BYTES = 37;
/** UP (bit 0) and UV (bit 2). */
const PRESENT_AND_VERIFIED = 0b101;
