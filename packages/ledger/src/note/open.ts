import { verify } from "node:crypto";
import { LedgerError } from "../ledger-error.ts";
import type { NoteKey } from "./key.ts";
import { cosignedMessage, timeOf } from "./cosigned.ts";
import { type NoteSignature, parseSignedNote } from "./signed-note.ts";

/** A signature that was verified, and when a cosigner made it. */
export interface VerifiedSignature {
  readonly key: NoteKey;
  /** Seconds since 1970, of cosignatures only: when the cosigner saw the checkpoint, by its own clock. */
  readonly time: number | undefined;
}

/** A note with at least one verified signature. */
export interface OpenedNote {
  readonly text: string;
  readonly verified: readonly VerifiedSignature[];
}

/**
 * Verifies a note with the keys that are trusted (C2SP signed-note, "Signatures"). Signatures of other keys are ignored, also when they share
 * a name or an id with a trusted one; every signature of a trusted key must fit.
 * @throws LedgerError `malformed`, `bad_signature`, `untrusted` (no signature of a trusted key); RangeError when two keys cannot be told apart.
 */
export function openNote(note: string, keys: readonly NoteKey[]): OpenedNote {
  refuseAmbiguous(keys);
  const { text, signatures } = parseSignedNote(note);
  const verified = signatures.flatMap((one) => {
    const key = keys.find(({ name, id }) => name === one.name && id === one.id);
    return key === undefined ? [] : [verifiedBy(key, text, one)];
  });
  if (verified.length === 0) {
    const names = signatures.map(({ name }) => `\`${name}\``).join(", ");
    throw new LedgerError(
      "untrusted",
      `no trusted key signed the note, only ${names}: get the log's key from its operator, not from the note`,
    );
  }
  return { text, verified };
}

/** Ed25519 (RFC 8032) over a message. */
export function verifyEd25519(key: NoteKey, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, key.handle, signature);
}

function verifiedBy(key: NoteKey, text: string, { signature }: NoteSignature): VerifiedSignature {
  const bad = (): never => {
    throw new LedgerError(
      "bad_signature",
      `the signature of \`${key.name}\` does not fit: the note was changed, or signed with another key`,
    );
  };
  switch (key.type) {
    case "note":
      return verifyEd25519(key, Buffer.from(text, "utf8"), signature) ? { key, time: undefined } : bad();
    case "cosignature": {
      const time = timeOf(signature);
      if (time === undefined) return bad();
      return verifyEd25519(key, cosignedMessage(text, time), signature.subarray(TIME_BYTES)) ? { key, time } : bad();
    }
  }
}

function refuseAmbiguous(keys: readonly NoteKey[]): void {
  const seen = new Set(keys.map(({ name, id }) => `${name}+${id}`));
  if (seen.size !== keys.length) throw new RangeError("two trusted keys have the same name and id; leave out the one that is given twice");
}

const TIME_BYTES = 8;
