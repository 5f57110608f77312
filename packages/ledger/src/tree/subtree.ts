import { equalBytes } from "../strict-text.ts";
import { emptyRoot, type Hash, isHash, nodeHash } from "./hash.ts";
import { rootFromInclusion } from "./inclusion.ts";
import { isCount, powerCeiling, type Range, splitPoint } from "./shape.ts";
import { type HashSource, rangeHash } from "./source.ts";

/** What a consistency proof claims: that the leaves of the subtree with one root are those leaves of the tree with the other. */
export interface SubtreeClaim extends Range {
  readonly size: number;
  readonly subtreeRoot: Hash;
  readonly root: Hash;
}

/** Whether leaves start up to end form a subtree: start is a multiple of a power of two not smaller than their number (draft-ietf-plants-merkle-tree-certs section 4.1). */
export function isSubtree({ start, end }: Range): boolean {
  return isCount(start) && isCount(end) && start <= end && start % powerCeiling(end - start) === 0;
}

/** The subtrees whose hashes are SUBTREE_PROOF(start, end, D[size]) (draft-ietf-plants-merkle-tree-certs section 4.4.1). @throws RangeError */
export function subtreeRanges(subtree: Range, size: number): readonly Range[] {
  if (!isSubtree(subtree) || !isCount(size) || subtree.end > size)
    throw new RangeError(`leaves ${subtree.start} to ${subtree.end} are no subtree of a tree of size ${size}`);
  return subtree.start === subtree.end ? [] : rangesWithin(subtree, { start: 0, end: size }, true);
}

/** The proof that a subtree is part of the tree of a size; with `start` 0 the proof of RFC 6962 section 2.1.2. @throws RangeError */
export function proveSubtree(source: HashSource, subtree: Range, size: number): readonly Hash[] {
  return subtreeRanges(subtree, size).map((range) => rangeHash(source, range));
}

/** Whether the proof shows the claim (draft-ietf-plants-merkle-tree-certs section 4.4.3). An empty subtree is part of every tree. */
export function verifySubtree(claim: SubtreeClaim, proof: readonly Hash[]): boolean {
  const { start, end, size, subtreeRoot, root } = claim;
  if (!isSubtree(claim) || !isCount(size) || end > size) return false;
  if (![...proof, subtreeRoot, root].every(isHash)) return false;
  if (start === end) return proof.length === 0 && equalBytes(subtreeRoot, emptyRoot());
  const rest = [...proof];
  const roots = rootsFrom({ start, end }, size, { whole: true, subtreeRoot, rest });
  return roots !== undefined && rest.length === 0 && equalBytes(roots.part, subtreeRoot) && equalBytes(roots.all, root);
}

/** Whether a leaf is in a subtree: an inclusion proof in the tree of its leaves alone (draft-ietf-plants-merkle-tree-certs section 4.3). */
export function verifySubtreeInclusion(claim: Range & { index: number; leaf: Hash; root: Hash }, proof: readonly Hash[]): boolean {
  const { start, end, index, leaf, root } = claim;
  if (!isSubtree(claim) || index < start) return false;
  const found = rootFromInclusion({ index: index - start, size: end - start }, leaf, proof);
  return found !== undefined && isHash(root) && equalBytes(found, root);
}

function rangesWithin(part: Range, all: Range, whole: boolean): readonly Range[] {
  if (part.start === all.start && part.end === all.end) return whole ? [] : [all];
  const middle = all.start + splitPoint(all.end - all.start);
  const left = { start: all.start, end: middle };
  const right = { start: middle, end: all.end };
  if (part.end <= middle) return [...rangesWithin(part, left, whole), right];
  if (part.start >= middle) return [...rangesWithin(part, right, whole), left];
  return [...rangesWithin({ start: middle, end: part.end }, right, false), left];
}

interface Unread {
  /** Whether the part was never cut: its hash is then the one that is claimed, and not in the proof. */
  readonly whole: boolean;
  readonly subtreeRoot: Hash;
  /** Hashes of the proof not used yet; the last one belongs to the topmost node. */
  readonly rest: Hash[];
}

/** Walks as the prover did and computes both roots; undefined when the proof ends too early. */
function rootsFrom(part: Range, size: number, unread: Unread): { readonly part: Hash; readonly all: Hash } | undefined {
  if (part.start === 0 && part.end === size) {
    const hash = unread.whole ? unread.subtreeRoot : unread.rest.pop();
    return hash === undefined ? undefined : { part: hash, all: hash };
  }
  const sibling = unread.rest.pop();
  if (sibling === undefined) return undefined;
  const middle = splitPoint(size);
  if (part.end <= middle) {
    const inner = rootsFrom(part, middle, unread);
    return inner && { part: inner.part, all: nodeHash(inner.all, sibling) };
  }
  if (part.start >= middle) {
    const inner = rootsFrom({ start: part.start - middle, end: part.end - middle }, size - middle, unread);
    return inner && { part: inner.part, all: nodeHash(sibling, inner.all) };
  }
  const inner = rootsFrom({ start: 0, end: part.end - middle }, size - middle, { ...unread, whole: false });
  return inner && { part: nodeHash(sibling, inner.part), all: nodeHash(sibling, inner.all) };
}
