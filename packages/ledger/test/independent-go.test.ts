import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { needsProgram } from "../../../tools/needs.ts";
import {
  cosignCheckpoint,
  emptyRoot,
  formatNoteKey,
  type Hash,
  leafHash,
  logPolicy,
  newTiles,
  openCheckpoint,
  parseNoteKey,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  rootOf,
  sourceOfLeaves,
  tilePath,
  verifyConsistency,
  verifyInclusion,
  writeTile,
} from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { LOG_SIGNER, nth, ORIGIN, plainLog, record } from "./support/log.ts";

// Go's golang.org/x/mod/sumdb is what verifies Go's own checksum database. It and this package have no line in common.

const SIZE = 600;
const hash = z.base64().transform((text): Hash => Buffer.from(text, "base64"));
const hashes = z
  .array(hash)
  .nullable()
  .transform((all) => all ?? []);
const answer = z.object({
  Notes: z.array(z.boolean()),
  Cosigned: z.array(z.boolean()),
  Inclusion: z.array(z.boolean()),
  Consistency: z.array(z.boolean()),
  Tiles: z.array(z.boolean()),
  Key: z.string(),
  Checkpoint: z.string(),
  Proofs: z.array(hashes),
  Consistencies: z.array(hashes),
  Roots: z.array(hash),
  TileData: z.record(z.string(), hash),
});

test(
  "Go accepts our checkpoints, cosignatures, proofs and tiles, refuses tampered ones, and we do so with Go's",
  { timeout: 120_000 },
  async (context) => {
    needsProgram(context, "go", "golang-go");
    const log = await plainLog(SIZE, 100);
    const source = sourceOfLeaves(log.leaves);
    const root = rootOf(source, SIZE);
    const witness = signer("witness.example/w1", "cosignature");
    const key = formatNoteKey(LOG_SIGNER.key);
    const cosigned = await cosignCheckpoint(nth(log.checkpoints, -1), witness, 1_764_169_200);
    const witnessKey = formatNoteKey(witness.key);
    const indexes = [0, 1, 255, 256, 257, 511, 512, 598, 599];
    const sizes = [1, 2, 100, 255, 256, 257, 512, 599, 600];
    const tiles = Object.fromEntries(newTiles(0, SIZE).map((tile) => [tilePath(tile), encode(writeTile(source, tile))]));

    const answers = go({
      Notes: [
        ...log.checkpoints.map((note) => ({ Note: note, Key: key })),
        ...tampered(nth(log.checkpoints, -1)).map((note) => ({ Note: note, Key: key })),
        { Note: nth(log.checkpoints, 0), Key: formatNoteKey(signer(ORIGIN, "note", "other").key) },
      ],
      Cosigned: [
        { Note: cosigned, Key: witnessKey },
        ...tampered(cosigned, cosigned.lastIndexOf("—")).map((note) => ({ Note: note, Key: witnessKey })),
      ],
      Inclusion: indexes.flatMap((index) => {
        const proof = proveInclusion(source, { index, size: SIZE });
        const job = { Index: index, Size: SIZE, Leaf: encode(nth(log.leaves, index)), Root: encode(root), Proof: proof.map(encode) };
        return [job, ...damagedProofs(proof).map((one) => ({ ...job, Proof: one.map(encode) })), { ...job, Leaf: encode(emptyRoot()) }];
      }),
      Consistency: sizes.flatMap((size) => {
        const proof = proveConsistency(source, size, SIZE);
        const job = { Size1: size, Root1: encode(rootOf(source, size)), Size2: SIZE, Root2: encode(root), Proof: proof.map(encode) };
        return [job, ...damagedProofs(proof).map((one) => ({ ...job, Proof: one.map(encode) })), { ...job, Root1: encode(emptyRoot()) }];
      }),
      Tiles: indexes.flatMap((index) => {
        const job = { Size: SIZE, Root: encode(root), Tiles: tiles, Index: index, Leaf: encode(nth(log.leaves, index)) };
        const path = index < 256 ? "tile/0/000" : index < 512 ? "tile/0/001" : "tile/0/002.p/88";
        const wrong = Buffer.from(nth([tiles[path] ?? ""], 0), "base64");
        // The sibling's hash: the record's own is no part of its proof, and this version of Go does not check every tile it reads.
        const byte = ((index % 256) ^ 1) * 32;
        wrong[byte] = (wrong[byte] ?? 0) ^ 1;
        return [job, { ...job, Tiles: { ...tiles, [path]: encode(wrong) } }];
      }),
      Records: log.records,
      Origin: "go.example/log",
    });

    // Ours, judged by Go.
    expect(answers.Notes).toEqual([...log.checkpoints.map(() => true), ...tampered(nth(log.checkpoints, -1)).map(() => false), false]);
    expect(answers.Cosigned).toEqual([true, ...answers.Cosigned.slice(1).map(() => false)]);
    expect(answers.Cosigned.length).toBeGreaterThan(100);
    expect(answers.Inclusion).toEqual(
      indexes.flatMap((index) => [true, ...damagedProofs(proveInclusion(source, { index, size: SIZE })).map(() => false), false]),
    );
    expect(answers.Consistency).toEqual(
      sizes.flatMap((size) => [true, ...damagedProofs(proveConsistency(source, size, SIZE)).map(() => false), false]),
    );
    expect(answers.Tiles).toEqual(indexes.flatMap(() => [true, false]));

    // Go's, judged by us.
    const policy = logPolicy({ origin: "go.example/log", keys: [parseNoteKey(answers.Key)] });
    const theirs = openCheckpoint(answers.Checkpoint, policy);
    expect(theirs.root).toEqual(root);
    expect(answers.Roots).toEqual(log.leaves.map((_, index) => rootOf(source, index + 1)));
    // Go writes every partial tile on the way; ours are among them, and each of Go's has the bytes we would write at its path.
    expect(Object.keys(answers.TileData)).toEqual(expect.arrayContaining(Object.keys(tiles)));
    for (const [path, bytes] of Object.entries(answers.TileData)) {
      const { level, index, width } = parseTilePath(path);
      if (level === "entries") throw new Error(`Go wrote \`${path}\`, which holds no hashes`);
      expect(Buffer.compare(bytes, writeTile(source, { level, index, width }))).toBe(0);
    }
    for (let index = 0; index < SIZE; index += 1) {
      const claim = { index, size: SIZE, leaf: leafHash(record(index)), root: theirs.root };
      expect(verifyInclusion(claim, nth(answers.Proofs, index))).toBe(true);
      const pair = { size1: index + 1, root1: nth(answers.Roots, index), size2: SIZE, root2: theirs.root };
      expect(verifyConsistency(pair, nth(answers.Consistencies, index))).toBe(true);
      if (index % 50 !== 0) continue;
      for (const proof of damagedProofs(nth(answers.Proofs, index))) expect(verifyInclusion(claim, proof)).toBe(false);
      for (const proof of damagedProofs(nth(answers.Consistencies, index))) expect(verifyConsistency(pair, proof)).toBe(false);
    }
    for (const note of tampered(answers.Checkpoint)) expect(() => openCheckpoint(note, policy)).toThrow();
  },
);

function go(jobs: object): z.infer<typeof answer> {
  const program = fileURLToPath(new URL("go/check.go", import.meta.url));
  // Debian's packages lie in a GOPATH; with modules Go would ask the network.
  const env = { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "", GOTOOLCHAIN: "local" };
  const run = spawnSync("go", ["run", program], { env, input: JSON.stringify(jobs), encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`the Go program failed; is \`golang-golang-x-mod-dev\` installed? ${run.stderr}`);
  return answer.parse(JSON.parse(run.stdout));
}

/** A note with one character changed, at every place from one on, but for the last of a signature: Go ignores the loose bits in it (we do not). */
function tampered(note: string, from = 0): readonly string[] {
  const places = Array.from({ length: note.length - from }, (_, at) => from + at).filter((at) => !/^[^=]=+\n/.test(note.slice(at)));
  return places.map((at) => note.slice(0, at) + String.fromCharCode(note.charCodeAt(at) ^ 1) + note.slice(at + 1));
}

function damagedProofs(proof: readonly Hash[]): readonly (readonly Hash[])[] {
  const flipped = proof.map((one, place) =>
    proof.with(
      place,
      one.map((byte, at) => (at === place % 32 ? byte ^ 1 : byte)),
    ),
  );
  return [...flipped, [...proof, emptyRoot()], ...(proof.length > 0 ? [proof.slice(1), proof.slice(0, -1)] : [])];
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
