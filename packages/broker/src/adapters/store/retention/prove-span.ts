import { byRunAndAgent, exportVerifier, growTree, headsMap, leafHash, type LogKey, logPolicy, type SequenceKey } from "@bailiwick/ledger";
import type { LogBase, SignedCheckpoint } from "../../../domain/evidence.ts";

/** A part of a log that is to be retired, and what proves it. */
export interface Span {
  readonly origin: string;
  /** The broker's own, as of the checkpoint. */
  readonly keys: readonly LogKey[];
  readonly base: LogBase;
  /** Where the records are to begin afterwards. */
  readonly to: number;
  /** Covers all records that go. */
  readonly checkpoint: SignedCheckpoint;
  /** Leaves in order from one index up to another. */
  readonly leaves: (from: number, to: number) => Promise<readonly string[]>;
}

export type ProvenSpan =
  | { readonly ok: true; readonly base: LogBase; /** Of the tree at the new base, in base64. */ readonly root: string }
  | { readonly ok: false; readonly what: string };

/** Leaves read at once. */
const PAGE = 2_000;

/**
 * Verifies the records from the base up to a checkpoint, as whoever exports them would: what goes was what was signed, and the new base comes out
 * of those very records. The heads of the new base are those that changed.
 */
export async function proveSpan({ origin, keys, base, to, checkpoint, leaves }: Span): Promise<ProvenSpan> {
  const verifier = exportVerifier({ policy: logPolicy({ origin, keys }), checkpoints: [checkpoint.note], from: base });
  const tree = growTree(base.frontier);
  const heads = headsMap();
  for (const head of base.heads) heads.restore(head);
  const changed = new Map<string, SequenceKey>();
  for (let from = base.frontier.size; from < checkpoint.size; from += PAGE) {
    const page = await leaves(from, Math.min(checkpoint.size, from + PAGE));
    for (const [place, leaf] of page.entries()) {
      if (!verifier.push(leaf)) break;
      if (from + place >= to) continue;
      tree.push(leafHash(leaf));
      for (const key of byRunAndAgent(JSON.parse(leaf))) {
        heads.add(key, from + place);
        changed.set(`${key.kind}\0${key.name}`, key);
      }
    }
  }
  const verdict = verifier.verdict();
  if (!verdict.ok) return { ok: false, what: `record ${verdict.at}: ${verdict.why}` };
  const own = [...changed.values()].flatMap((key) => heads.get(key) ?? []);
  return { ok: true, base: { frontier: tree.frontier(), heads: own }, root: Buffer.from(tree.root()).toString("base64") };
}
