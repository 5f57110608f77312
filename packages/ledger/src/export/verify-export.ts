import { byRunAndAgent } from "../heads/head.ts";
import { leafHash } from "../tree/hash.ts";
import { claimsOf } from "./claims.ts";
import { compareWithTile, earliest, faultAt, faultSince, progressOf } from "./progress.ts";
import { checkRecord } from "./record-check.ts";
import { contradicted, settle, tileFault } from "./settle.ts";
import type { ExportFault, ExportOptions, ExportVerdict } from "./types.ts";

/** Takes records in the order of the log. */
export interface ExportVerifier {
  /** Returns false once something is wrong; later records are not looked at. */
  push(record: string): boolean;
  verdict(): ExportVerdict;
}

/**
 * Verifies an export offline in one pass: every record is where it was written, every checkpoint is signed, fits the records and counts their
 * sequences, no two contradict each other, and the last one has the quorum of witnesses. `records` are the canonical texts, in order.
 * Tree: RFC 6962 section 2.1; checkpoints: C2SP tlog-checkpoint; the rest: docs/spec/log-proofs.md.
 */
export function verifyExport(records: Iterable<string>, options: ExportOptions): ExportVerdict {
  const verifier = exportVerifier(options);
  for (const record of records) if (!verifier.push(record)) break;
  return verifier.verdict();
}

/** The same, a record at a time, for exports that are read in pieces. */
export function exportVerifier(options: ExportOptions): ExportVerifier {
  const { sequencesOf = byRunAndAgent } = options;
  const progress = progressOf(options);
  const { tree, heads, keys } = progress;
  const claimed = claimsOf(options.checkpoints);
  const sizes = claimed.sizes.filter(({ size }) => size >= tree.size());
  let due = 0;
  let bad: ExportFault | undefined;

  function settleDue(): void {
    const next = sizes[due];
    if (bad !== undefined || next?.size !== tree.size()) return;
    due += 1;
    bad = settle(progress, next, due === sizes.length);
  }
  /** What is wrong after the last record: the export ends too early, or goes on beyond its last checkpoint. */
  function unfinished(): ExportFault | undefined {
    const next = sizes[due];
    if (next !== undefined) return contradicted(progress, next.size, next.claims);
    const loose = earliest(progress.suspect, tileFault(progress));
    const covered = progress.verified > 0 && (options.allowUncovered === true || tree.size() === progress.good.size);
    if (loose !== undefined || covered) return loose;
    const why = `no checkpoint covers the records from ${progress.good.size} on: wait for the next one, and add it`;
    return faultSince(progress, tree.size(), "uncovered", why);
  }

  settleDue();
  return {
    push(text) {
      if (bad !== undefined) return false;
      const index = tree.size();
      // A text without a UTF-8 form is refused below; until its checkpoint is reached it needs some hash.
      const leaf = leafHash(text.toWellFormed());
      const checked = checkRecord(text);
      if ("record" in checked) for (const key of sequencesOf(checked.record)) heads.add(key, index);
      else progress.suspect ??= faultAt(index, checked.code, `record ${index} ${checked.why}`);
      compareWithTile(progress, index, leaf);
      keys.read(index, text);
      tree.push(leaf);
      settleDue();
      return bad === undefined;
    },
    verdict() {
      const fault = earliest(claimed.fault, bad ?? unfinished());
      if (fault !== undefined) return fault;
      const { good, verified, said, cosignatures } = progress;
      const [size, skipped] = [tree.size(), claimed.sizes.length - sizes.length];
      return {
        ok: true,
        size,
        root: tree.root(),
        covered: good.size,
        checkpoints: verified,
        skipped,
        heads: said,
        cosignatures,
        keys: keys.keys(),
        frontier: tree.frontier(),
      };
    },
  };
}
