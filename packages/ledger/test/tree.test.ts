import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  consistencyRanges,
  emptyRoot,
  growTree,
  type Hash,
  inclusionRanges,
  leafHash,
  nodeHash,
  proveConsistency,
  proveInclusion,
  proveSubtree,
  rootOf,
  sourceOfLeaves,
  verifyConsistency,
  verifyInclusion,
  verifySubtree,
} from "../src/index.ts";
import { leavesOf, nth } from "./support/log.ts";

const MAX_SIZE = 600;
const LEAVES = leavesOf(MAX_SIZE);
const SOURCE = sourceOfLeaves(LEAVES);
const ROOTS: readonly Hash[] = Array.from({ length: MAX_SIZE + 1 }, (_, size) => rootOf(SOURCE, size));
const sizes = fc.integer({ min: 1, max: MAX_SIZE });
const placed = sizes.chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)));
const pairs = sizes.chain((size) => fc.tuple(fc.integer({ min: 1, max: size }), fc.constant(size)));

/** MTH as RFC 6962 section 2.1 words it. */
function definedRoot(leaves: readonly Hash[]): Hash {
  const [only] = leaves;
  if (only === undefined) return emptyRoot();
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(definedRoot(leaves.slice(0, k)), definedRoot(leaves.slice(k)));
}

describe("the tree", () => {
  test("hashes nothing, a leaf and two leaves as RFC 6962 does", () => {
    // Known answers of RFC 6962 implementations.
    expect(Buffer.from(emptyRoot()).toString("hex")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(Buffer.from(leafHash("")).toString("hex")).toBe("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    expect(Buffer.from(leafHash(Uint8Array.of(0))).toString("hex")).toBe(
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    );
    expect(Buffer.from(nodeHash(leafHash(""), leafHash(Uint8Array.of(0)))).toString("hex")).toBe(
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    );
  });
  test("a text and its UTF-8 bytes are the same leaf", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(leafHash(text)).toEqual(leafHash(Buffer.from(text, "utf8")));
      }),
    );
  });
  test("has no leaf for a text that has no UTF-8 form", () => {
    expect(() => leafHash("\ud800")).toThrow(TypeError);
  });
  test("grows to the root that the definition gives, at every size from 0 to 600", () => {
    const tree = growTree();
    for (let size = 0; size <= MAX_SIZE; size += 1) {
      const defined = definedRoot(LEAVES.slice(0, size));
      expect(tree.root()).toEqual(defined);
      expect(ROOTS[size]).toEqual(defined);
      if (size < MAX_SIZE) tree.push(nth(LEAVES, size));
    }
  });
  test("goes on from a stored frontier as if it had never stopped", () => {
    fc.assert(
      fc.property(pairs, ([cut, size]) => {
        const first = growTree();
        for (const leaf of LEAVES.slice(0, cut)) first.push(leaf);
        const second = growTree(first.frontier());
        for (const leaf of LEAVES.slice(cut, size)) second.push(leaf);
        expect(second.root()).toEqual(ROOTS[size]);
        expect(second.frontier().size).toBe(size);
      }),
    );
  });
  test.each([
    ["too few nodes", { size: 3, nodes: [leafHash("a")] }],
    ["too many", { size: 0, nodes: [leafHash("a")] }],
    ["a node that is no hash", { size: 1, nodes: [new Uint8Array(31)] }],
    ["a size that is none", { size: 1.5, nodes: [leafHash("a")] }],
  ])("does not start from a frontier with %s", (_, frontier) => {
    expect(() => growTree(frontier)).toThrow(RangeError);
  });
});

describe("an inclusion proof", () => {
  test("is accepted for every leaf of every size up to 64", () => {
    for (let size = 1; size <= 64; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const claim = { index, size, leaf: nth(LEAVES, index), root: nth(ROOTS, size) };
        expect(verifyInclusion(claim, proveInclusion(SOURCE, claim))).toBe(true);
      }
    }
  });
  test("is accepted for its own leaf and place, and for no other", () => {
    fc.assert(
      fc.property(placed, fc.nat(MAX_SIZE), fc.integer({ min: 1, max: MAX_SIZE }), ([index, size], other, otherSize) => {
        const claim = { index, size, leaf: nth(LEAVES, index), root: nth(ROOTS, size) };
        const proof = proveInclusion(SOURCE, claim);
        expect(verifyInclusion(claim, proof)).toBe(true);
        if (other !== index) {
          expect(verifyInclusion({ ...claim, index: other }, proof)).toBe(false);
          expect(verifyInclusion({ ...claim, leaf: LEAVES[other] ?? emptyRoot() }, proof)).toBe(false);
        }
        if (otherSize !== size) expect(verifyInclusion({ ...claim, root: nth(ROOTS, otherSize) }, proof)).toBe(false);
      }),
    );
  });
  test("is refused when any byte of it, of the leaf or of the root is changed", () => {
    fc.assert(
      fc.property(placed, fc.integer({ min: 1, max: 255 }), ([index, size], flip) => {
        const claim = { index, size, leaf: nth(LEAVES, index), root: nth(ROOTS, size) };
        const parts = [claim.leaf, claim.root, ...proveInclusion(SOURCE, claim)];
        for (const damaged of everyByteFlipped(parts, flip)) {
          const [leaf, root, ...proof] = damaged;
          expect(verifyInclusion({ ...claim, leaf: leaf ?? emptyRoot(), root: root ?? emptyRoot() }, proof)).toBe(false);
        }
      }),
      { numRuns: 40 },
    );
  });
  test("is refused with a hash more, a hash less, or in another order", () => {
    fc.assert(
      fc.property(placed, fc.nat(), ([index, size], pick) => {
        const claim = { index, size, leaf: nth(LEAVES, index), root: nth(ROOTS, size) };
        const proof = proveInclusion(SOURCE, claim);
        for (const at of [0, proof.length])
          for (const extra of [claim.leaf, claim.root, emptyRoot()])
            expect(verifyInclusion(claim, proof.toSpliced(at, 0, extra))).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(claim, proof.toSpliced(pick % proof.length, 1))).toBe(false);
        if (proof.length > 1) expect(verifyInclusion(claim, proof.toReversed())).toBe(false);
      }),
    );
  });
  test("longer than the tree is deep is refused, also when its hashes lead to the root", () => {
    const [leaf, extra] = [nth(LEAVES, 0), nth(LEAVES, 1)];
    expect(verifyInclusion({ index: 0, size: 1, leaf, root: nodeHash(extra, leaf) }, [extra])).toBe(false);
    expect(verifyInclusion({ index: 0, size: 1, leaf, root: nodeHash(leaf, extra) }, [extra])).toBe(false);
  });
  test("with a hash, leaf or root of another length than 32 bytes is refused", () => {
    const claim = { index: 1, size: 3, leaf: nth(LEAVES, 1), root: nth(ROOTS, 3) };
    const proof = proveInclusion(SOURCE, claim);
    for (const length of [0, 31, 33, 64]) {
      const odd = new Uint8Array(length);
      for (const place of proof.keys()) expect(verifyInclusion(claim, proof.with(place, odd))).toBe(false);
      expect(verifyInclusion({ index: 0, size: 1, leaf: odd, root: odd }, [])).toBe(false);
      expect(verifyConsistency({ size1: 3, root1: odd, size2: 3, root2: odd }, [])).toBe(false);
      expect(verifyConsistency({ size1: 1, root1: nth(ROOTS, 1), size2: 3, root2: nth(ROOTS, 3) }, [odd, nth(LEAVES, 2)])).toBe(false);
    }
  });
  test.each([-1, 3, 0.5, Number.NaN, 2 ** 53])("of leaf %d in a tree of size 3 is refused, not answered with an error", (index) => {
    expect(verifyInclusion({ index, size: 3, leaf: nth(LEAVES, 0), root: nth(ROOTS, 3) }, [])).toBe(false);
    expect(() => inclusionRanges({ index, size: 3 })).toThrow(RangeError);
  });
  test("works at the largest sizes that exist", () => {
    const size = Number.MAX_SAFE_INTEGER;
    const leaf = leafHash("x");
    // Every node of this tree is one hash, so its proofs need no storage.
    const source = { node: (level: number) => Array.from({ length: level }).reduce<Hash>((own) => nodeHash(own, own), leaf) };
    for (const index of [0, 2 ** 40 + 1, size - 1]) {
      const proof = proveInclusion(source, { index, size });
      expect(verifyInclusion({ index, size, leaf, root: rootOf(source, size) }, proof)).toBe(true);
      expect(verifyInclusion({ index, size, leaf: leafHash("y"), root: rootOf(source, size) }, proof)).toBe(false);
    }
  });
});

describe("a consistency proof", () => {
  test("is accepted between its own two trees, and no others", () => {
    fc.assert(
      fc.property(pairs, sizes, ([size1, size2], other) => {
        const claim = { size1, root1: nth(ROOTS, size1), size2, root2: nth(ROOTS, size2) };
        const proof = proveConsistency(SOURCE, size1, size2);
        expect(verifyConsistency(claim, proof)).toBe(true);
        if (other !== size1) expect(verifyConsistency({ ...claim, root1: nth(ROOTS, other) }, proof)).toBe(false);
        if (other !== size2) expect(verifyConsistency({ ...claim, root2: nth(ROOTS, other) }, proof)).toBe(false);
        if (size1 !== size2)
          expect(verifyConsistency({ size1: size2, root1: claim.root2, size2: size1, root2: claim.root1 }, proof)).toBe(false);
      }),
    );
  });
  test("is refused when any byte of it or of a root is changed, a hash is added or left out", () => {
    fc.assert(
      fc.property(pairs, fc.integer({ min: 1, max: 255 }), fc.nat(), ([size1, size2], flip, pick) => {
        const claim = { size1, root1: nth(ROOTS, size1), size2, root2: nth(ROOTS, size2) };
        const proof = proveConsistency(SOURCE, size1, size2);
        for (const damaged of everyByteFlipped([claim.root1, claim.root2, ...proof], flip)) {
          const [root1, root2, ...rest] = damaged;
          expect(verifyConsistency({ ...claim, root1: root1 ?? emptyRoot(), root2: root2 ?? emptyRoot() }, rest)).toBe(false);
        }
        expect(verifyConsistency(claim, [claim.root1, ...proof])).toBe(false);
        expect(verifyConsistency(claim, [...proof, claim.root2])).toBe(false);
        if (proof.length > 0) expect(verifyConsistency(claim, proof.toSpliced(pick % proof.length, 1))).toBe(false);
      }),
      { numRuns: 40 },
    );
  });
  test("of a tree that was rewritten does not exist: no proof of the real log fits", () => {
    fc.assert(
      fc.property(pairs, fc.nat(), ([size1, size2], pick) => {
        const forged = LEAVES.slice(0, size2).with(pick % size1, leafHash("forged"));
        const root2 = rootOf(sourceOfLeaves(forged), size2);
        for (const source of [SOURCE, sourceOfLeaves(forged)]) {
          expect(verifyConsistency({ size1, root1: nth(ROOTS, size1), size2, root2 }, proveConsistency(source, size1, size2))).toBe(false);
        }
      }),
    );
  });
  test("from the empty tree is none: it would say nothing", () => {
    expect(verifyConsistency({ size1: 0, root1: emptyRoot(), size2: 0, root2: emptyRoot() }, [])).toBe(false);
    expect(verifyConsistency({ size1: 0, root1: emptyRoot(), size2: 5, root2: nth(ROOTS, 5) }, [])).toBe(false);
    expect(() => proveConsistency(SOURCE, 0, 5)).toThrow(RangeError);
  });
  test("from a larger to a smaller tree cannot be made", () => {
    expect(() => consistencyRanges(5, 4)).toThrow(RangeError);
  });
});

test("a proof of a subtree is accepted for every subtree of a tree, and with no byte changed", () => {
  const size = 21;
  for (let start = 0; start < size; start += 1) {
    for (let end = start + 1; end <= size; end += 1) {
      const claim = { start, end, size, subtreeRoot: definedRoot(LEAVES.slice(start, end)), root: nth(ROOTS, size) };
      const aligned = start % 2 ** Math.ceil(Math.log2(end - start)) === 0;
      if (!aligned) {
        expect(() => proveSubtree(SOURCE, { start, end }, size)).toThrow(RangeError);
        continue;
      }
      const proof = proveSubtree(SOURCE, { start, end }, size);
      expect(verifySubtree(claim, proof)).toBe(true);
      for (const damaged of everyByteFlipped(proof, 1)) expect(verifySubtree(claim, damaged)).toBe(false);
    }
  }
});

function* everyByteFlipped(parts: readonly Hash[], flip: number): Generator<readonly Hash[]> {
  for (const [place, part] of parts.entries()) {
    for (let byte = 0; byte < part.byteLength; byte += 1) {
      const damaged = Uint8Array.from(part);
      damaged[byte] = (damaged[byte] ?? 0) ^ flip;
      yield parts.with(place, damaged);
    }
  }
}
