import { type Checkpoint, type NoteKey, openNote, parseCheckpointText, parseSignedNote, verifyConsistency } from "@bailiwick/ledger";
import { type Anchored, AnchorFault, type ProveGrowth } from "../../domain/anchor.ts";

/** How what an anchor holds stands to a checkpoint of the log. */
export type Standing = "same" | "behind" | "ahead" | "fork";

/**
 * Compares what is held with a checkpoint of the log: `behind` when the log provably grew out of it. Extension lines count: of one size
 * there is one text.
 * @throws LedgerError `malformed`, or what `prove` throws.
 */
export async function standing(held: Anchored, log: Anchored, prove: ProveGrowth): Promise<Standing> {
  const [before, after] = [parse(held.note), parse(log.note)];
  if (before.size > after.size) return "ahead";
  if (before.size === after.size) return textOf(held.note) === textOf(log.note) ? "same" : "fork";
  if (before.size === 0) return "behind";
  const claim = { size1: before.size, root1: before.root, size2: after.size, root2: after.root };
  return verifyConsistency(claim, await prove(before.size, after.size)) ? "behind" : "fork";
}

/**
 * What an anchor of ours does before it takes a checkpoint: nothing when it holds it or a later one.
 * @throws AnchorFault `conflict` when the checkpoint does not go on from what it holds.
 */
export async function mayTake(held: Anchored | undefined, checkpoint: Anchored, prove: ProveGrowth): Promise<boolean> {
  if (held === undefined) return true;
  const found = await standing(held, checkpoint, prove);
  if (found === "fork")
    throw new AnchorFault("conflict", `it holds another log at size ${held.size} than the one that now has size ${checkpoint.size}`);
  return found === "behind";
}

/** What is held, read strictly. @throws LedgerError `malformed` */
export function anchoredFrom(note: string): Anchored {
  return { size: parse(note).size, note };
}

/** Whether a key of the log, whichever, signed the note. */
export function isSignedBy(note: string, keys: readonly NoteKey[]): boolean {
  try {
    openNote(note, keys);
    return true;
  } catch {
    return false;
  }
}

/** The signature lines of a note that another note of the same text lacks. */
export function missingLines(from: string, to: string): readonly string[] {
  const present = parseSignedNote(to).signatures;
  return parseSignedNote(from)
    .signatures.filter((one) => !present.some(({ name, id }) => name === one.name && id === one.id))
    .map(({ name, id, signature }) => signatureLine(name, id, signature));
}

/** A signature line without its line feed (C2SP signed-note, "Format"). */
export function signatureLine(name: string, id: number, signature: Uint8Array): string {
  const idBytes = Buffer.alloc(4);
  idBytes.writeUInt32BE(id);
  return `\u2014 ${name} ${Buffer.concat([idBytes, signature]).toString("base64")}`;
}

function parse(note: string): Checkpoint {
  return parseCheckpointText(textOf(note));
}

function textOf(note: string): string {
  return parseSignedNote(note).text;
}
