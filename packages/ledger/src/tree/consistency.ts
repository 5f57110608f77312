import type { Hash } from "./hash.ts";
import type { Range } from "./shape.ts";
import { type HashSource, rangeHash } from "./source.ts";
import { subtreeRanges, verifySubtree } from "./subtree.ts";

/** What a consistency proof claims: that the tree of the first size and root is the beginning of the second. */
export interface ConsistencyClaim {
  readonly size1: number;
  readonly root1: Hash;
  readonly size2: number;
  readonly root2: Hash;
}

/** The subtrees whose hashes are PROOF(size1, D[size2]) (RFC 6962 section 2.1.2). @throws RangeError unless 0 < size1 <= size2. */
export function consistencyRanges(size1: number, size2: number): readonly Range[] {
  if (size1 === 0) throw new RangeError("every tree begins with the empty one; there is nothing to prove from size 0");
  return subtreeRanges({ start: 0, end: size1 }, size2);
}

/** The consistency proof between two sizes (RFC 6962 section 2.1.2); empty when they are equal. @throws RangeError unless 0 < size1 <= size2. */
export function proveConsistency(source: HashSource, size1: number, size2: number): readonly Hash[] {
  return consistencyRanges(size1, size2).map((range) => rangeHash(source, range));
}

/**
 * Whether the proof shows the claim: nothing but exactly the right number of hashes in the right order does (RFC 6962 section 2.1.2).
 * From size 0 nothing is ever shown, as the standard has it: every tree begins with the empty one.
 */
export function verifyConsistency({ size1, root1, size2, root2 }: ConsistencyClaim, proof: readonly Hash[]): boolean {
  return size1 !== 0 && verifySubtree({ start: 0, end: size1, size: size2, subtreeRoot: root1, root: root2 }, proof);
}
