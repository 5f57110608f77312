import { emptyRoot, type Hash, nodeHash } from "./hash.ts";
import { isCount, levelOf, powerCeiling, type Range, splitPoint } from "./shape.ts";

/** Where proofs are read from: hashes of perfect subtrees, which never change once their leaves exist. */
export interface HashSource {
  /** The hash over the 2^level leaves from index * 2^level on. */
  node(level: number, index: number): Hash;
}

/** Hashes of leaves kept in memory, as a source. Inner nodes are computed once, when they are first asked for. */
export function sourceOfLeaves(leaves: readonly Hash[]): HashSource {
  const levels: (Hash | undefined)[][] = [];
  function node(level: number, index: number): Hash {
    if (level === 0) {
      const leaf = leaves[index];
      if (leaf === undefined) throw new RangeError(`there is no leaf ${index}; the tree has ${leaves.length}`);
      return leaf;
    }
    const row = (levels[level] ??= []);
    return (row[index] ??= nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1)));
  }
  return { node };
}

/** MTH(D[start:end]) of RFC 6962 section 2.1, out of perfect subtrees. `start` is a multiple of a power of two that covers the range. */
export function rangeHash(source: HashSource, { start, end }: Range): Hash {
  const length = end - start;
  if (powerCeiling(length) === length) return source.node(levelOf(length), start / length);
  const middle = start + splitPoint(length);
  return nodeHash(rangeHash(source, { start, end: middle }), rangeHash(source, { start: middle, end }));
}

/** The root of the tree of the first `size` leaves (RFC 6962 section 2.1). @throws RangeError when `size` is not a tree size. */
export function rootOf(source: HashSource, size: number): Hash {
  if (!isCount(size)) throw new RangeError(`${size} is not a tree size`);
  return size === 0 ? emptyRoot() : rangeHash(source, { start: 0, end: size });
}
