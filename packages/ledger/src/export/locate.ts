import { equalBytes } from "../strict-text.ts";
import { type Frontier, growTree } from "../tree/growth.ts";
import type { Hash } from "../tree/hash.ts";
import type { ExportFault } from "./types.ts";

/** The first record whose hash is not the tile's, and the record after it. */
export interface Mismatch {
  readonly index: number;
  readonly leaf: Hash;
  readonly next: Hash | undefined;
}

/** A stretch of the log between two checkpoints whose records do not give the second. */
export interface BadStretch {
  /** The tree at the last checkpoint that fitted. */
  readonly good: Frontier;
  /** Size and root of the signed checkpoint that does not. */
  readonly size: number;
  readonly root: Hash;
  /** Records that the export has. */
  readonly present: number;
  readonly mismatch: Mismatch | undefined;
  readonly leafHashAt: (index: number) => Hash | undefined;
}

/** Names the first bad record of a stretch: exactly, when the tiles' leaf hashes give the signed root. */
export function locate(stretch: BadStretch): ExportFault {
  const { good, size, present, mismatch } = stretch;
  if (!isWritten(stretch)) {
    return present < size
      ? bad(
          "truncated",
          [good.size, size],
          `the log ends at ${present}, but a checkpoint of size ${size} was signed: records from ${good.size} on were cut off or changed`,
        )
      : bad(
          "rewritten",
          [good.size, size],
          `records ${good.size} to ${size - 1} are not those of the signed checkpoint of size ${size}: fetch the log's tiles to see which`,
        );
  }
  if (mismatch === undefined)
    return bad(
      "truncated",
      [present, present + 1],
      `the log ends at ${present}, but a checkpoint of size ${size} was signed: the records after it were cut off`,
    );
  return bad(...described(mismatch, stretch.leafHashAt));
}

/** Whether the tiles give the signed root, so that they show what was written. */
function isWritten({ good, size, root, leafHashAt }: BadStretch): boolean {
  const tree = growTree(good);
  for (let index = good.size; index < size; index += 1) {
    const leaf = leafHashAt(index);
    if (leaf === undefined) return false;
    tree.push(leaf);
  }
  return equalBytes(tree.root(), root);
}

/** What seems to have been done. Only a description: which record is the first bad one is decided before. */
function described({ index, leaf, next }: Mismatch, writtenAt: (index: number) => Hash | undefined): Parameters<typeof bad> {
  const found = placeOf(leaf, index, writtenAt);
  const nextIs = (at: number): boolean => {
    const written = writtenAt(at);
    return next !== undefined && written !== undefined && equalBytes(written, next);
  };
  const range = [index, index + 1] as const;
  if (found === undefined) {
    return nextIs(index)
      ? ["inserted", range, `a record was put in at ${index}, before the one that was written there`]
      : ["changed", range, `record ${index} was changed after it was written`];
  }
  if (found < index) return ["duplicated", range, `record ${found} stands again at ${index}`];
  // After records that were left out the log goes on as written; otherwise two places were exchanged.
  const goesOn = next === undefined || nextIs(found + 1);
  return goesOn
    ? ["missing", range, `record ${index} is missing: record ${found} stands in its place`]
    : ["moved", range, `record ${found} stands at ${index}, out of its place`];
}

/** Where a record was written, the nearest place after `index` first. */
function placeOf(leaf: Hash, index: number, writtenAt: (index: number) => Hash | undefined): number | undefined {
  for (const step of [1, -1]) {
    for (let at = index + step; at >= 0; at += step) {
      const written = writtenAt(at);
      if (written === undefined) break;
      if (equalBytes(written, leaf)) return at;
    }
  }
  return undefined;
}

function bad(code: ExportFault["code"], [at, until]: readonly [number, number], why: string): ExportFault {
  return { ok: false, code, at, until, why };
}
