import { decodeBase64, encodeBase64, isPlain, malformed } from "../strict-text.ts";
import { isKeyName } from "./key.ts";

/** A signature line: who, under which key id, and what. Nothing about it is verified. */
export interface NoteSignature {
  readonly name: string;
  readonly id: number;
  readonly signature: Uint8Array;
}

/** A note in its parts. The text ends with a line feed. */
export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Signatures beyond this are refused before any is checked; the format asks for at least 16. */
export const MAX_SIGNATURES = 64;
/** Characters of a note beyond this are refused: a checkpoint has some hundred. */
export const MAX_NOTE_LENGTH = 1_000_000;

/** Takes a note apart, without believing it (C2SP signed-note, "Format"). @throws LedgerError `malformed` */
export function parseSignedNote(note: string): SignedNote {
  if (note.length > MAX_NOTE_LENGTH)
    return malformed(`a note of ${note.length} characters is too long`, `at most ${MAX_NOTE_LENGTH} are read`);
  if (!isPlain(note, "line feeds"))
    return malformed("the note holds control characters or broken Unicode", "pass the file as it was written");
  const split = note.lastIndexOf("\n\n");
  if (split < 0) return malformed("the note has no signatures", "they follow after an empty line");
  const lines = note.slice(split + 2).split("\n");
  if (lines.length < 2 || lines.pop() !== "")
    return malformed("the note does not end with a signature line", "pass the file as it was written");
  if (lines.length > MAX_SIGNATURES) return malformed(`the note has ${lines.length} signatures`, `at most ${MAX_SIGNATURES} are read`);
  return { text: note.slice(0, split + 1), signatures: lines.map(parseLine) };
}

/** Puts a note together (C2SP signed-note, "Format"). @throws LedgerError `malformed` when the text or a name cannot stand in a note. */
export function formatSignedNote({ text, signatures }: SignedNote): string {
  const lines = signatures.map(({ name, id, signature }) => {
    const idBytes = Buffer.alloc(ID_BYTES);
    idBytes.writeUInt32BE(id);
    return `${DASH}${name} ${encodeBase64(Buffer.concat([idBytes, signature]))}\n`;
  });
  const note = `${text}\n${lines.join("")}`;
  if (!text.endsWith("\n") || parseSignedNote(note).text !== text)
    return malformed("the text cannot be signed as a note", "it ends with a line feed");
  return note;
}

function parseLine(line: string): NoteSignature {
  const [name, base64, ...more] = line.startsWith(DASH) ? line.slice(DASH.length).split(" ") : [];
  const bytes = base64 === undefined ? undefined : decodeBase64(base64);
  if (name === undefined || !isKeyName(name) || bytes === undefined || bytes.byteLength <= ID_BYTES || more.length > 0)
    return malformed("a signature line of the note is none", "it is a dash, a name and base64, with one space between");
  return { name, id: bytes.readUInt32BE(0), signature: bytes.subarray(ID_BYTES) };
}

const ID_BYTES = 4;
const DASH = "\u2014 ";
