import { type OpenedCheckpoint, requireQuorum } from "../checkpoint/open.ts";
import { headsOf } from "../heads/head.ts";
import { LedgerError } from "../ledger-error.ts";
import type { VerifiedSignature } from "../note/open.ts";
import { equalBytes } from "../strict-text.ts";
import type { Claim, ClaimedSize } from "./claims.ts";
import { KeyFault } from "./key-history.ts";
import { locate } from "./locate.ts";
import { earliest, faultAt, faultSince, type Progress, tileHash } from "./progress.ts";
import type { ExportFault } from "./types.ts";

/** Holds all claims about the tree's present size against it. Returns what is wrong; otherwise everything up to here is proven. */
export function settle(progress: Progress, { size, claims }: ClaimedSize, isLast: boolean): ExportFault | undefined {
  try {
    const root = progress.tree.root();
    const others = claims.filter((claim) => !equalBytes(claim.root, root));
    if (others.length > 0) return contradiction(progress, size, claims, others);
    const unfit = earliest(applyKeys(progress), progress.suspect, tileFault(progress));
    const opened = claims.map(({ note }) => progress.keys.open(note));
    const fault = forked(progress, opened) ?? unfit ?? headsFault(progress, opened);
    if (fault !== undefined) return fault;
    progress.cosignatures = together(opened);
    if (isLast) requireQuorum(size, progress.cosignatures, progress.keys.policy().quorum);
    progress.keys.vouch();
    progress.verified += opened.length;
    progress.good = progress.tree.frontier();
    return undefined;
  } catch (error) {
    return refused(progress, size, error);
  }
}

function applyKeys({ keys }: Progress): ExportFault | undefined {
  try {
    keys.apply();
    return undefined;
  } catch (error) {
    if (error instanceof KeyFault) return faultAt(error.index, error.code, error.message);
    throw error;
  }
}

/** Some claims do not fit the records: they are not signed, or two signed ones differ, or the records are to blame. */
export function contradicted(progress: Progress, size: number, claims: readonly Claim[], others: readonly Claim[] = claims): ExportFault {
  try {
    return contradiction(progress, size, claims, others);
  } catch (error) {
    return refused(progress, size, error);
  }
}

/** The tile is wrong about a record that a checkpoint proves, or that is past every checkpoint. */
export function tileFault({ mismatch }: Progress): ExportFault | undefined {
  if (mismatch === undefined) return undefined;
  return faultAt(
    mismatch.index,
    "hash_tile",
    `the hash tile and record ${mismatch.index} do not fit, though no checkpoint says that the record was changed: fetch the tile again`,
  );
}

function contradiction(progress: Progress, size: number, claims: readonly Claim[], others: readonly Claim[]): ExportFault {
  for (const { note } of others) progress.keys.openBefore(note);
  const [one] = others;
  if (one === undefined || claims.some(({ root }) => !equalBytes(root, one.root)))
    return faultSince(
      progress,
      size,
      "fork",
      `two checkpoints of size ${size} have different roots: the log shows different histories to different readers`,
    );
  const { good, tree, mismatch } = progress;
  return locate({ good, size, root: one.root, present: tree.size(), mismatch, leafHashAt: (index) => tileHash(progress, index) });
}

function forked(progress: Progress, opened: readonly OpenedCheckpoint[]): ExportFault | undefined {
  const said = new Set(opened.map(({ extensions }) => extensions.join("\n")));
  if (said.size <= 1) return undefined;
  const size = progress.tree.size();
  return faultSince(
    progress,
    size,
    "fork",
    `two checkpoints of size ${size} differ in what they say beside the root: the log tells different readers different things`,
  );
}

function headsFault(progress: Progress, [checkpoint]: readonly OpenedCheckpoint[]): ExportFault | undefined {
  const said = checkpoint && headsOf(checkpoint.extensions);
  progress.said = said;
  if (said === undefined) return undefined;
  const own = progress.heads.commitment();
  if (said.count === own.count && equalBytes(said.root, own.root)) return undefined;
  const size = progress.tree.size();
  return faultSince(
    progress,
    size,
    "heads",
    `the checkpoint of size ${size} counts the records of runs or agents wrongly: no proof of completeness under it holds`,
  );
}

/** Cosignatures of one text, each witness once: they may have come by different ways. */
function together(opened: readonly OpenedCheckpoint[]): readonly VerifiedSignature[] {
  const byKey = new Map(opened.flatMap(({ cosignatures }) => cosignatures).map((one) => [one.key, one]));
  return [...byKey.values()];
}

function refused(progress: Progress, size: number, error: unknown): ExportFault {
  if (error instanceof LedgerError) return faultSince(progress, size, error.code, error.message);
  throw error;
}
