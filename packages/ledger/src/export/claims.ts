import { type Checkpoint, parseCheckpointText } from "../checkpoint/checkpoint.ts";
import { LedgerError } from "../ledger-error.ts";
import { parseSignedNote } from "../note/signed-note.ts";
import type { ExportFault } from "./types.ts";

/** A checkpoint as somebody claims it; its signature is not verified yet. */
export interface Claim extends Checkpoint {
  readonly note: string;
}

/** All claims about one size. */
export interface ClaimedSize {
  readonly size: number;
  readonly claims: readonly Claim[];
}

/** Sorts checkpoints by size, each once. A checkpoint that cannot be read is a fault after the one before it. */
export function claimsOf(notes: Iterable<string>): { readonly sizes: readonly ClaimedSize[]; readonly fault: ExportFault | undefined } {
  const sizes = new Map<number, Claim[]>();
  let fault: ExportFault | undefined;
  let before = 0;
  for (const note of new Set(notes)) {
    try {
      const checkpoint = parseCheckpointText(parseSignedNote(note).text);
      sizes.set(checkpoint.size, [...(sizes.get(checkpoint.size) ?? []), { ...checkpoint, note }]);
      before = checkpoint.size;
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      fault ??= { ok: false, code: error.code, at: before, until: before + 1, why: `a checkpoint cannot be read: ${error.message}` };
    }
  }
  const sorted = [...sizes].toSorted(([left], [right]) => left - right).map(([size, claims]) => ({ size, claims }));
  return { sizes: sorted, fault };
}
