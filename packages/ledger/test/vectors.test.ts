import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { needsSharedData } from "../../../tools/needs.ts";
import { type Hash, leafHash, verifyConsistency, verifyInclusion, verifySubtree, verifySubtreeInclusion } from "../src/index.ts";

// The vectors of transparency-dev/merkle: valid proofs, and each of them damaged in every way its authors could think of.

const hash = z.base64().transform((text) => standIn(Buffer.from(text, "base64")));
const common = { proof: z.array(hash).nullable(), desc: z.string(), wantErr: z.boolean() };
const inclusion = z.object({ ...common, leafIdx: z.number(), treeSize: z.number(), root: hash, leafHash: hash });
const consistency = z.object({ ...common, size1: z.number(), size2: z.number(), root1: hash, root2: hash });
const subtreeInclusion = z.object({ ...common, leafIdx: z.number(), start: z.number(), end: z.number(), root: hash, leafHash: hash });
const subtreeConsistency = z.object({ ...common, start: z.number(), end: z.number(), size: z.number(), root1: hash, root2: hash });

test("every inclusion vector gives the expected answer", (context) => {
  const wrong = run(
    vectors(needsSharedData(context, "merkle/testdata/inclusion"), inclusion),
    ({ leafIdx, treeSize, root, leafHash: leaf }, proof) => verifyInclusion({ index: leafIdx, size: treeSize, leaf, root }, proof),
  );
  expect(wrong).toEqual({ count: 98, valid: 6, failures: [] });
});

test("every consistency vector gives the expected answer", (context) => {
  const wrong = run(vectors(needsSharedData(context, "merkle/testdata/consistency"), consistency), (claim, proof) =>
    verifyConsistency(claim, proof),
  );
  expect(wrong).toEqual({ count: 98, valid: 6, failures: [] });
});

test("every vector of inclusion in a subtree gives the expected answer", (context) => {
  const all = vectors(needsSharedData(context, "merkle/testdata/subtreeinclusion"), subtreeInclusion);
  const wrong = run(all, ({ start, end, leafIdx, root, leafHash: leaf }, proof) =>
    verifySubtreeInclusion({ start, end, index: leafIdx, leaf, root }, proof),
  );
  expect(wrong).toEqual({ count: 204, valid: 12, failures: [] });
});

test("every vector of consistency of a subtree gives the expected answer", (context) => {
  const all = vectors(needsSharedData(context, "merkle/testdata/subtreeconsistency"), subtreeConsistency);
  const wrong = run(all, ({ start, end, size, root1, root2 }, proof) =>
    verifySubtree({ start, end, size, subtreeRoot: root1, root: root2 }, proof),
  );
  expect(wrong).toEqual({ count: 118, valid: 12, failures: [] });
});

/** Where the authors did not care they wrote a text of 12 bytes as a root. Our verifier takes only hashes, so it gets the hash of that text. */
function standIn(bytes: Buffer): Hash {
  return bytes.toString("latin1").startsWith("don't care") ? leafHash(bytes) : bytes;
}

function vectors<T>(folder: string, schema: z.ZodType<T>): readonly (readonly [string, T])[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"));
  return files.map((name) => [name, schema.parse(JSON.parse(readFileSync(join(folder, name), "utf8")))]);
}

function run<T extends { proof: readonly Hash[] | null; wantErr: boolean }>(
  all: readonly (readonly [string, T])[],
  verify: (vector: T, proof: readonly Hash[]) => boolean,
): { count: number; valid: number; failures: readonly string[] } {
  const failures = all.filter(([, vector]) => verify(vector, vector.proof ?? []) === vector.wantErr).map(([name]) => name);
  return { count: all.length, valid: all.filter(([, { wantErr }]) => !wantErr).length, failures };
}
