import { LedgerError } from "../ledger-error.ts";
import { equalBytes } from "../strict-text.ts";
import type { HeadsCommitment } from "../heads/head.ts";
import type { VerifiedSignature } from "../note/open.ts";
import { headsMap, type HeadsMap } from "../heads/map.ts";
import { EMPTY_FRONTIER, type Frontier, growTree, type TreeGrowth } from "../tree/growth.ts";
import type { Hash } from "../tree/hash.ts";
import { keyHistory, type KeyHistory } from "./key-history.ts";
import type { Mismatch } from "./locate.ts";
import type { ExportFault, ExportFaultCode, ExportOptions } from "./types.ts";

/** How far an export has been verified. Changes in place: one of it lives inside one verifier, for millions of records. */
export interface Progress {
  readonly tree: TreeGrowth;
  readonly heads: HeadsMap;
  readonly keys: KeyHistory;
  readonly leafHashAt: ExportOptions["leafHashAt"];
  /** The tree at the last checkpoint that fitted; everything in it is proven. */
  good: Frontier;
  /** Checkpoints that fitted. */
  verified: number;
  /** What the last of them commits to. */
  said: HeadsCommitment | undefined;
  /** Who cosigned the last of them. */
  cosignatures: readonly VerifiedSignature[];
  /** The first record since then whose hash is not the tile's. Either may be wrong; the next checkpoint decides. */
  mismatch: Mismatch | undefined;
  /** The first record since then that is wrong by itself. Reported only if it was written so: otherwise a change is to blame, maybe an earlier one. */
  suspect: ExportFault | undefined;
}

export function progressOf({ policy, leafHashAt, from }: ExportOptions): Progress {
  const heads = headsMap();
  for (const head of from?.heads ?? []) heads.restore(head);
  const good = from?.frontier ?? EMPTY_FRONTIER;
  const tree = growTree(good);
  return {
    tree,
    heads,
    keys: keyHistory(policy),
    leafHashAt,
    good,
    verified: 0,
    said: undefined,
    cosignatures: [],
    mismatch: undefined,
    suspect: undefined,
  };
}

/** Compares a record's hash with the tile's. */
export function compareWithTile(progress: Progress, index: number, leaf: Hash): void {
  const { mismatch } = progress;
  if (mismatch !== undefined) {
    if (mismatch.index === index - 1) progress.mismatch = { ...mismatch, next: leaf };
    return;
  }
  const written = tileHash(progress, index);
  if (written !== undefined && !equalBytes(written, leaf)) progress.mismatch = { index, leaf, next: undefined };
}

/** What the tile says about a record. A tile that cannot be read says nothing, and is a fault once the record is proven. */
export function tileHash(progress: Progress, index: number): Hash | undefined {
  try {
    return progress.leafHashAt?.(index);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    progress.suspect ??= faultAt(index, "hash_tile", error.message);
    return undefined;
  }
}

/** The fault that lies first in the log. */
export function earliest(...faults: readonly (ExportFault | undefined)[]): ExportFault | undefined {
  return faults.filter((fault) => fault !== undefined).toSorted((left, right) => left.at - right.at)[0];
}

/** A fault of one record. */
export function faultAt(index: number, code: ExportFaultCode, why: string): ExportFault {
  return { ok: false, code, at: index, until: index + 1, why };
}

/** A fault somewhere after the last checkpoint that fitted, up to `end`. */
export function faultSince({ good }: Progress, end: number, code: ExportFaultCode, why: string): ExportFault {
  return { ok: false, code, at: good.size, until: Math.max(end, good.size + 1), why };
}
