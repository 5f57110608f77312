import type { Hash } from "../tree/hash.ts";
import { type HeadsCommitment, headLine, pathOf, type SequenceHead, type SequenceKey } from "./head.ts";
import { EMPTY_SUBTREE, headHash, mapNodeHash, turnsRight } from "./map-hash.ts";
import type { HeadProof } from "./map-proof.ts";

/** The heads of all sequences of a log at its present size. */
export interface HeadsMap {
  /** Counts one more record, at this index of the log. */
  add(key: SequenceKey, index: number): void;
  /** Puts a head back that was stored. */
  restore(head: SequenceHead): void;
  get(key: SequenceKey): SequenceHead | undefined;
  heads(): Iterable<SequenceHead>;
  /** What the next checkpoint says; costs some hashes for each sequence that was added to since the last time. */
  commitment(): HeadsCommitment;
  /** Proves a sequence's head, or that there is none, under the present commitment. */
  prove(key: SequenceKey): HeadProof;
}

/**
 * A sparse Merkle tree over the heads: a head stands at the first place along its path (SHA-256 of kind and name, a bit a level) that it has for
 * itself. A checkpoint so costs as much as sequences changed, where a sorted list would have to be hashed anew as a whole.
 */
export function headsMap(): HeadsMap {
  const kinds = new Map<string, Map<string, Leaf>>();
  let dirty = new Set<Leaf>();
  let root: Node | undefined;
  let count = 0;

  function leafOf({ kind, name }: SequenceKey): Leaf {
    const names = kinds.get(kind) ?? new Map<string, Leaf>();
    kinds.set(kind, names);
    const known = names.get(name);
    if (known !== undefined) return known;
    const leaf: Leaf = { head: { kind, name, count: 0, lastIndex: 0 }, path: pathOf({ kind, name }), hash: undefined };
    names.set(name, leaf);
    root = inserted(root, leaf, 0);
    count += 1;
    return leaf;
  }
  function put(leaf: Leaf, head: SequenceHead): void {
    leaf.head = head;
    dirty.add(leaf);
  }
  function settled(): Node | undefined {
    for (const leaf of dirty) forgetHashes(root, leaf);
    dirty = new Set();
    return root;
  }
  return {
    add(key, index) {
      const leaf = leafOf(key);
      const { kind, name, count: before } = leaf.head;
      put(leaf, { kind, name, count: before + 1, lastIndex: index });
    },
    restore: (head) => put(leafOf(head), head),
    get: ({ kind, name }) => kinds.get(kind)?.get(name)?.head,
    *heads() {
      for (const names of kinds.values()) for (const { head } of names.values()) yield head;
    },
    commitment: () => ({ count, root: hashOf(settled()) }),
    prove: (key) => proofAlong(settled(), pathOf(key)),
  };
}

/** Fields change in place: at every checkpoint thousands of heads do, and nobody outside ever sees a node. */
interface Leaf {
  head: SequenceHead;
  readonly path: Hash;
  hash: Hash | undefined;
}
interface Inner {
  left: Node | undefined;
  right: Node | undefined;
  hash: Hash | undefined;
}
type Node = Leaf | Inner;

function inserted(node: Node | undefined, leaf: Leaf, depth: number): Node {
  if (node === undefined) return leaf;
  if ("path" in node) {
    const inner: Inner = { left: undefined, right: undefined, hash: undefined };
    const pushed = turnsRight(node.path, depth) ? { ...inner, right: node } : { ...inner, left: node };
    return inserted(pushed, leaf, depth);
  }
  node.hash = undefined;
  if (turnsRight(leaf.path, depth)) node.right = inserted(node.right, leaf, depth + 1);
  else node.left = inserted(node.left, leaf, depth + 1);
  return node;
}

function forgetHashes(root: Node | undefined, leaf: Leaf): void {
  let node = root;
  for (let depth = 0; node !== undefined && !("path" in node); depth += 1) {
    node.hash = undefined;
    node = turnsRight(leaf.path, depth) ? node.right : node.left;
  }
  leaf.hash = undefined;
}

function hashOf(node: Node | undefined): Hash {
  if (node === undefined) return EMPTY_SUBTREE;
  return (node.hash ??= "path" in node ? headHash(headLine(node.head)) : mapNodeHash(hashOf(node.left), hashOf(node.right)));
}

function proofAlong(root: Node | undefined, path: Hash): HeadProof {
  const siblings: Hash[] = [];
  let node = root;
  for (let depth = 0; node !== undefined && !("path" in node); depth += 1) {
    const [own, other]: readonly (Node | undefined)[] = turnsRight(path, depth) ? [node.right, node.left] : [node.left, node.right];
    siblings.push(hashOf(other));
    node = own;
  }
  return { line: node === undefined ? undefined : headLine(node.head), siblings: siblings.toReversed() };
}
