import { type Checkpoint, parseCheckpointText } from "../checkpoint/checkpoint.ts";
import { LedgerError } from "../ledger-error.ts";
import { parseSignedNote } from "../note/signed-note.ts";
import { malformed } from "../strict-text.ts";
import { CHECKPOINT_FILE, CHECKPOINTS_FILE } from "./paths.ts";
import type { CheckpointLine, LogFolder } from "./types.ts";

/** The notes of a folder, and the sizes they claim. Nothing is verified. */
export interface ClaimedCheckpoints {
  /** What cannot be read is among them as it stands, so that the verifier names it. */
  readonly notes: readonly string[];
  /** Largest first, each once. */
  readonly sizes: readonly number[];
}

/** A line of `checkpoints.jsonl`, with its line feed. */
export function formatCheckpointLine({ size, note }: CheckpointLine): string {
  return `${JSON.stringify({ size, note })}\n`;
}

/** The log that a folder's checkpoint names; who wrote that is not verified. @throws LedgerError `malformed` */
export function originOfFolder(folder: LogFolder): string {
  return newestOf(folder).origin;
}

/** The checkpoints of a folder. @throws LedgerError `malformed` when it has none. */
export function checkpointsOf(folder: LogFolder): ClaimedCheckpoints {
  const newest = noteOf(folder);
  const notes: string[] = [];
  let before = -1;
  for (const line of folder.lines(CHECKPOINTS_FILE) ?? []) {
    const checkpoint = readLine(line);
    notes.push(checkpoint !== undefined && checkpoint.size >= before ? checkpoint.note : line);
    before = checkpoint?.size ?? before;
  }
  notes.push(newest);
  const sizes = new Set(notes.map((note) => readNote(note)?.size).filter((size) => size !== undefined));
  return { notes, sizes: [...sizes].toSorted((left, right) => right - left) };
}

/** The checkpoint in the file of that name. @throws LedgerError `malformed` */
export function newestOf(folder: LogFolder): Checkpoint {
  return parseCheckpointText(parseSignedNote(noteOf(folder)).text);
}

function noteOf(folder: LogFolder): string {
  const bytes = folder.read(CHECKPOINT_FILE);
  return bytes === undefined
    ? malformed(`the folder has no file \`${CHECKPOINT_FILE}\``, "name the export folder of one log, as `bailiwick audit mirror` writes it")
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** A line, unless it is anything but what `formatCheckpointLine` writes. */
function readLine(line: string): CheckpointLine | undefined {
  const value = parsed(line);
  if (typeof value !== "object" || value === null || !("size" in value) || !("note" in value)) return undefined;
  const { size, note } = value;
  if (typeof size !== "number" || typeof note !== "string" || formatCheckpointLine({ size, note }) !== line) return undefined;
  return readNote(note)?.size === size ? { size, note } : undefined;
}

function readNote(note: string): Checkpoint | undefined {
  try {
    return parseCheckpointText(parseSignedNote(note).text);
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
