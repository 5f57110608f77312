import { equalBytes } from "../strict-text.ts";
import { type Hash, isHash, nodeHash } from "./hash.ts";
import { isCount, type Range, splitPoint } from "./shape.ts";
import { type HashSource, rangeHash } from "./source.ts";

/** Which leaf, in the tree of which size. */
export interface LeafPlace {
  readonly index: number;
  readonly size: number;
}

/** What an inclusion proof claims: that the leaf with this hash has this place in the tree with this root. */
export interface InclusionClaim extends LeafPlace {
  readonly leaf: Hash;
  readonly root: Hash;
}

/** The subtrees whose hashes are PATH(index, D[size]), sibling of the leaf first (RFC 6962 section 2.1.1). @throws RangeError */
export function inclusionRanges({ index, size }: LeafPlace): readonly Range[] {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError(`the tree of size ${size} has no leaf ${index}`);
  const ranges: Range[] = [];
  for (let start = 0, end = size; end - start > 1;) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.toReversed();
}

/** The inclusion proof of a leaf (RFC 6962 section 2.1.1). @throws RangeError when the tree has no such leaf. */
export function proveInclusion(source: HashSource, place: LeafPlace): readonly Hash[] {
  return inclusionRanges(place).map((range) => rangeHash(source, range));
}

/** Whether the proof shows the claim. Nothing but exactly the right number of hashes in the right order does (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(claim: InclusionClaim, proof: readonly Hash[]): boolean {
  const root = rootFromInclusion(claim, claim.leaf, proof);
  return root !== undefined && isHash(claim.root) && equalBytes(root, claim.root);
}

/** The root that a proof leads to, or undefined when it can be no proof for that place (RFC 9162 section 2.1.3.2). */
export function rootFromInclusion({ index, size }: LeafPlace, leaf: Hash, proof: readonly Hash[]): Hash | undefined {
  if (!isCount(index) || !isCount(size) || index >= size || !isHash(leaf)) return undefined;
  let own = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0 || !isHash(sibling)) return undefined;
    if (own % 2 === 1 || own === last) {
      hash = nodeHash(sibling, hash);
      // A node without a right sibling is carried up unchanged until it is a right child.
      while (own % 2 === 0 && own > 0) [own, last] = [half(own), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [own, last] = [half(own), half(last)];
  }
  return last === 0 ? hash : undefined;
}

/** A right shift that also works beyond 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2);
}
