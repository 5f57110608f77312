import { parseCheckpointText } from "../checkpoint/checkpoint.ts";
import { LedgerError } from "../ledger-error.ts";
import { parseSignedNote } from "../note/signed-note.ts";

/**
 * The signed checkpoints of a log in a file that was kept in a second place: the note itself, or texts in JSON or JSON lines that are notes,
 * whatever stands around them (a witness's state, an anchor's file). Notes of other logs are left out. Nothing is verified.
 */
export function checkpointsIn(text: string, origin: string): readonly string[] {
  const whole = [text, ...textsIn(parsed(text))];
  const candidates = whole.some(isNote) ? whole : text.split("\n").flatMap((line) => textsIn(parsed(line)));
  return [...new Set(candidates.filter((one) => originOf(one) === origin))];
}

function isNote(text: string): boolean {
  return originOf(text) !== undefined;
}

function originOf(text: string): string | undefined {
  try {
    return parseCheckpointText(parseSignedNote(text).text).origin;
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}

/** All texts within a JSON value. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
