import { createPublicKey, type KeyObject } from "node:crypto";
import { decodeBase64, encodeBase64, isPlain, malformed } from "../strict-text.ts";
import { sha256Bytes } from "../tree/hash.ts";

/** What a key signs: the note's text, or a timestamped cosignature of a checkpoint (C2SP signed-note, "Signature types" 0x01 and 0x04). */
export type NoteKeyType = "note" | "cosignature";

/** A public key that a verifier trusts, under the name its signatures carry. */
export interface NoteKey {
  readonly name: string;
  /** First four bytes of SHA-256(name || 0x0A || type || public key), as a number. A hint, not an identity. */
  readonly id: number;
  readonly type: NoteKeyType;
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Uint8Array;
  readonly handle: KeyObject;
}

/** An Ed25519 note key (C2SP signed-note, "Ed25519 signatures"; C2SP tlog-cosignature, "Format"). @throws LedgerError `malformed` */
export function noteKey(name: string, publicKey: Uint8Array, type: NoteKeyType = "note"): NoteKey {
  if (!isKeyName(name))
    return malformed(`\`${name}\` cannot name a key`, "a name is not empty and has no spaces, plus or control characters");
  if (publicKey.byteLength !== KEY_BYTES)
    return malformed(`an Ed25519 key has ${KEY_BYTES} bytes, not ${publicKey.byteLength}`, "pass the raw public key");
  const x = Buffer.from(publicKey).toString("base64url");
  const handle = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return { name, id: keyId(name, publicKey, type), type, publicKey: Uint8Array.from(publicKey), handle };
}

/** `<name>+<id>+<base64(type || key)>`, the text form that Go's sumdb/note reads too (C2SP signed-note, "Verifier keys"). */
export function formatNoteKey({ name, id, type, publicKey }: NoteKey): string {
  return `${name}+${id.toString(16).padStart(8, "0")}+${encodeBase64(Buffer.concat([Uint8Array.of(typeByte(type)), publicKey]))}`;
}

/** Reads the text form of a key. @throws LedgerError `malformed`, also when the id is not that of the key. */
export function parseNoteKey(text: string): NoteKey {
  const [, name, , material] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(text) ?? [];
  const bytes = material === undefined ? undefined : decodeBase64(material);
  const type = bytes === undefined ? undefined : typeOf(bytes[0]);
  if (name === undefined || bytes === undefined || type === undefined)
    return malformed("the text is not a verifier key", "it looks like `log.example+1a2b3c4d+AQ…`, for Ed25519");
  const key = noteKey(name, bytes.subarray(1), type);
  return formatNoteKey(key) === text
    ? key
    : malformed(`the id in the key of \`${name}\` is not that of the key`, "copy the key again from its owner");
}

/** Whether a text can name a key: not empty, no Unicode spaces, plus or control characters (C2SP signed-note, "Format"). */
export function isKeyName(name: string): boolean {
  return isPlain(name, "no line feeds") && /^[^\p{White_Space}+]+$/u.test(name);
}

function keyId(name: string, publicKey: Uint8Array, type: NoteKeyType): number {
  const digest = sha256Bytes(Buffer.concat([Buffer.from(`${name}\n`, "utf8"), Uint8Array.of(typeByte(type)), publicKey]));
  return Buffer.from(digest).readUInt32BE(0);
}

function typeByte(type: NoteKeyType): number {
  switch (type) {
    case "note":
      return NOTE;
    case "cosignature":
      return COSIGNATURE;
  }
}

function typeOf(byte: number | undefined): NoteKeyType | undefined {
  if (byte === NOTE) return "note";
  return byte === COSIGNATURE ? "cosignature" : undefined;
}

const KEY_BYTES = 32;
const NOTE = 0x01;
const COSIGNATURE = 0x04;
