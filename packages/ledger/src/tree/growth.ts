import { emptyRoot, type Hash, isHash, nodeHash } from "./hash.ts";
import { isCount, perfectSizes } from "./shape.ts";

/** All that is needed to go on with a tree: its size and the roots of its perfect subtrees, left to right (a compact range). */
export interface Frontier {
  readonly size: number;
  readonly nodes: readonly Hash[];
}

/** A tree that only grows. */
export interface TreeGrowth {
  /** Appends one leaf by its hash; amortised one node hash. */
  push(leaf: Hash): void;
  size(): number;
  /** The root at the present size (RFC 6962 section 2.1). */
  root(): Hash;
  /** What to store in order to go on later. */
  frontier(): Frontier;
}

export const EMPTY_FRONTIER: Frontier = { size: 0, nodes: [] };

/**
 * Grows an RFC 6962 tree leaf by leaf, with a memory of at most 53 hashes.
 * @throws RangeError when the frontier is none: its number of nodes does not fit its size.
 */
export function growTree(from: Frontier = EMPTY_FRONTIER): TreeGrowth {
  if (!isFrontier(from)) throw new RangeError("the frontier does not fit its size; take one that `frontier()` gave");
  const nodes = [...from.nodes];
  let size = from.size;
  return {
    push(leaf) {
      let hash = leaf;
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
        const left = nodes.pop();
        if (left !== undefined) hash = nodeHash(left, hash);
      }
      nodes.push(hash);
      size += 1;
    },
    size: () => size,
    root: () => foldRight(nodes),
    frontier: () => ({ size, nodes: [...nodes] }),
  };
}

function isFrontier({ size, nodes }: Frontier): boolean {
  return isCount(size) && perfectSizes(size).length === nodes.length && nodes.every(isHash);
}

function foldRight(nodes: readonly Hash[]): Hash {
  return nodes.length === 0 ? emptyRoot() : nodes.reduceRight((right, left) => nodeHash(left, right));
}
