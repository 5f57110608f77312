import { canonicalize } from "../canonicalize.ts";
import { type OpenedCheckpoint, openCheckpoint } from "../checkpoint/open.ts";
import type { LogPolicy } from "../checkpoint/policy.ts";
import { byRunAndAgent, headsOf, type SequenceKey, type SequencesOf } from "../heads/head.ts";
import { type HeadProof, headFromProof } from "../heads/map-proof.ts";
import { LedgerError } from "../ledger-error.ts";
import { encodeBase64 } from "../strict-text.ts";
import { type Hash, leafHash } from "../tree/hash.ts";
import { verifyInclusion } from "../tree/inclusion.ts";
import { parseSequenceProof, SEQUENCE_PROOF_TYPE } from "./sequence-proof-file.ts";

/** A record of a sequence with its inclusion proof. */
export interface SequenceRecord {
  readonly index: number;
  readonly text: string;
  readonly hashes: readonly Hash[];
}

/** The proof that these are all records of a sequence, up to a checkpoint. Nothing in it is verified. */
export interface SequenceProof {
  readonly sequence: SequenceKey;
  readonly checkpoint: string;
  readonly head: HeadProof;
  readonly records: readonly SequenceRecord[];
}

/** All records of a sequence; none when it is proven that there are none. */
export interface ProvenSequence {
  readonly sequence: SequenceKey;
  readonly records: readonly { readonly index: number; readonly text: string }[];
  readonly checkpoint: OpenedCheckpoint;
}

/** Writes the proof as one canonical JSON text (docs/spec/log-proofs.md, "Proof of a sequence"; there is no C2SP format for it). */
export function formatSequenceProof({ sequence, checkpoint, head, records }: SequenceProof): string {
  return canonicalize({
    checkpoint,
    head: { line: head.line ?? null, siblings: head.siblings.map(encodeBase64) },
    records: records.map(({ index, text, hashes }) => ({ index, proof: hashes.map(encodeBase64), text })),
    sequence: [sequence.kind, sequence.name],
    type: SEQUENCE_PROOF_TYPE,
  });
}

/**
 * Verifies offline that these are all records of a sequence at the checkpoint: the checkpoint by the policy, the sequence's head under the
 * checkpoint's commitment, each record in the tree and of the sequence, and as many of them as the head counts.
 * @throws LedgerError as `openCheckpoint`; `malformed`, `not_included`, `incomplete`
 */
export function openSequenceProof(text: string, policy: LogPolicy, sequencesOf: SequencesOf = byRunAndAgent): ProvenSequence {
  const { sequence, checkpoint: note, head: headProof, records } = parseSequenceProof(text);
  const checkpoint = openCheckpoint(note, policy);
  const heads = headsOf(checkpoint.extensions);
  if (heads === undefined)
    throw incomplete(`the checkpoint of size ${checkpoint.size} commits to no sequences`, "ask for a proof under another one");
  const head = headFromProof(heads.root, sequence, headProof);
  const count = head?.count ?? 0;
  const name = `${sequence.kind} \`${sequence.name}\``;
  if (records.length !== count)
    throw incomplete(`${name} has ${count} records, and the proof shows ${records.length}`, "ask for all of them");
  if (head !== undefined && records.at(-1)?.index !== head.lastIndex)
    throw incomplete(`the last record of ${name} is ${head.lastIndex}`, "ask for it");
  let before = -1;
  for (const { index, text: record, hashes } of records) {
    if (index <= before)
      throw incomplete(`record ${index} stands after record ${before}`, "each record counts once, in the order of the log");
    if (!verifyInclusion({ index, size: checkpoint.size, leaf: leafHash(record), root: checkpoint.root }, hashes))
      throw new LedgerError(
        "not_included",
        `the text shown for record ${index} is not that record of the log: it was changed, or the proof is of another`,
      );
    if (!belongs(record, sequence, sequencesOf))
      throw incomplete(`record ${index} is not one of ${name}`, "a record of another sequence stands in its place");
    before = index;
  }
  return { sequence, records: records.map(({ index, text: record }) => ({ index, text: record })), checkpoint };
}

function belongs(text: string, { kind, name }: SequenceKey, sequencesOf: SequencesOf): boolean {
  try {
    const record: unknown = JSON.parse(text);
    return canonicalize(record) === text && sequencesOf(record).some((one) => one.kind === kind && one.name === name);
  } catch {
    return false;
  }
}

function incomplete(what: string, next: string): LedgerError {
  return new LedgerError("incomplete", `${what}: ${next}`);
}
