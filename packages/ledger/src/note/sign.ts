import { LedgerError } from "../ledger-error.ts";
import { malformed } from "../strict-text.ts";
import { parseCheckpointText } from "../checkpoint/checkpoint.ts";
import { cosignedMessage, timestamped } from "./cosigned.ts";
import type { NoteKey } from "./key.ts";
import { verifyEd25519 } from "./open.ts";
import { formatSignedNote, type NoteSignature, parseSignedNote } from "./signed-note.ts";

/** Signs with Ed25519 (RFC 8032) wherever the private key lives; returns 64 bytes. */
export type SignFunction = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A key and the function that signs with its private half. */
export interface NoteSigner {
  readonly key: NoteKey;
  readonly sign: SignFunction;
}

/**
 * Signs a text as a note with one or more keys (C2SP signed-note, "Format"). Each signature is verified before it is put in.
 * @throws LedgerError `malformed`, `bad_signature` when a sign function does not sign with the key it stands beside.
 */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<string> {
  const signatures: NoteSignature[] = [];
  for (const signer of signers) signatures.push(await signatureOver(Buffer.from(text, "utf8"), signer, "note"));
  return formatSignedNote({ text, signatures });
}

/**
 * Adds a witness's timestamped cosignature to a signed checkpoint (C2SP tlog-cosignature). `time` is in seconds since 1970. That the
 * checkpoint is consistent with the last one it saw is for the witness to check first: `verifyConsistency`.
 * @throws LedgerError `malformed`, `bad_signature`; RangeError for a time that is none.
 */
export async function cosignCheckpoint(note: string, signer: NoteSigner, time: number): Promise<string> {
  if (!Number.isSafeInteger(time) || time < 0) throw new RangeError(`${time} is not a time in seconds since 1970`);
  const { text, signatures } = parseSignedNote(note);
  parseCheckpointText(text);
  const one = await signatureOver(cosignedMessage(text, time), signer, "cosignature");
  const others = signatures.filter(({ name, id }) => name !== one.name || id !== one.id);
  return formatSignedNote({ text, signatures: [...others, { ...one, signature: timestamped(time, one.signature) }] });
}

async function signatureOver(message: Uint8Array, { key, sign }: NoteSigner, type: NoteKey["type"]): Promise<NoteSignature> {
  if (key.type !== type)
    return malformed(`the key of \`${key.name}\` makes signatures of type ${key.type}`, `one of type ${type} is needed here`);
  const signature = await sign(message);
  if (!verifyEd25519(key, message, signature))
    throw new LedgerError(
      "bad_signature",
      `what was signed for \`${key.name}\` does not verify with its public key: check which private key signs`,
    );
  return { name: key.name, id: key.id, signature };
}
