import { beforeAll, describe, expect, test } from "vitest";
import { formatNoteKey, type Hash, leafHash, proveInclusion, sourceOfLeaves } from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { LOG_SIGNER, nth, ORIGIN, record, type WrittenLog, writtenLog } from "./support/log.ts";
import { keyDigest, type Shown, SIGSTORE_ENTRY, sigstoreAccepts } from "./support/sigstore.ts";

const SIZE = 61;
const AT = 37;
let log: WrittenLog;
let proof: readonly Hash[];

beforeAll(async () => {
  const records = Array.from({ length: SIZE }, (_, index) => (index === AT ? SIGSTORE_ENTRY : record(index)));
  log = await writtenLog(records, [SIZE]);
  proof = proveInclusion(sourceOfLeaves(log.leaves), { index: AT, size: SIZE });
});

function accepted(shown: Partial<Shown>): boolean {
  return sigstoreAccepts({ entry: SIGSTORE_ENTRY, index: AT, size: SIZE, hashes: proof, checkpoint: nth(log.checkpoints, 0), ...shown });
}

describe("@sigstore/verify", () => {
  test("accepts our inclusion proof, checkpoint and key", () => {
    expect(keyDigest().readUInt32BE(0)).toBe(LOG_SIGNER.key.id);
    expect(formatNoteKey(LOG_SIGNER.key)).toContain(keyDigest().toString("hex", 0, 4));
    expect(accepted({})).toBe(true);
  });
  test("refuses the proof with any hash changed, added or left out, or for another index", () => {
    for (let place = 0; place < proof.length; place += 1) {
      expect(accepted({ hashes: proof.with(place, leafHash("x")) })).toBe(false);
      expect(accepted({ hashes: proof.toSpliced(place, 1) })).toBe(false);
    }
    expect(accepted({ hashes: [...proof, leafHash("x")] })).toBe(false);
    for (const index of [0, AT - 1, AT + 1, SIZE - 1, SIZE]) expect(accepted({ index })).toBe(false);
  });
  test("refuses the checkpoint with its size, its root, a line of heads or its signature changed, and another key's", () => {
    const note = nth(log.checkpoints, 0);
    for (const checkpoint of [
      note.replace(`\n${SIZE}\n`, "\n62\n"),
      note.replace(/\n([A-Za-z0-9+/])(\S{42}=)\n/, (_, first: string, rest: string) => `\n${first === "A" ? "B" : "A"}${rest}\n`),
      note.replace("bailiwick-heads/1 ", "bailiwick-heads/1 1"),
      note.replace(/(.{20})$/m, (end) => end.toUpperCase()),
    ]) {
      expect(checkpoint).not.toBe(note);
      expect(accepted({ checkpoint })).toBe(false);
    }
    expect(accepted({ logKey: signer(ORIGIN, "note", "other").key.handle })).toBe(false);
  });
  test("refuses another record in the place of the one that is proven", () => {
    expect(accepted({ entry: SIGSTORE_ENTRY.replace("0.0.1", "0.0.2") })).toBe(false);
    expect(accepted({ entry: record(AT) })).toBe(false);
  });
});
