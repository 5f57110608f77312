import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { toSignedEntity, type TrustMaterial, VerificationError, Verifier } from "@sigstore/verify";
import { beforeAll, describe, expect, test } from "vitest";
import { canonicalize, formatNoteKey, type Hash, leafHash, proveInclusion, sourceOfLeaves } from "../src/index.ts";
import { signer } from "./support/keys.ts";
import { LOG_SIGNER, nth, ORIGIN, record, type WrittenLog, writtenLog } from "./support/log.ts";

// Sigstore's public API verifies a signature over an artifact together with the log entry about it. So one record of our log is such an
// entry; tree, proof, checkpoint and key are ours, and their verification is Sigstore's. Records of other forms it does not take.

const SIZE = 61;
const AT = 37;
const ARTIFACT = Buffer.from("what was signed");
const author = generateKeyPairSync("ec", { namedCurve: "P-256" });
const SIGNATURE = sign("sha256", ARTIFACT, author.privateKey);
const ENTRY = canonicalize({
  apiVersion: "0.0.1",
  kind: "hashedrekord",
  spec: {
    data: { hash: { algorithm: "sha256", value: createHash("sha256").update(ARTIFACT).digest("hex") } },
    signature: { content: SIGNATURE.toString("base64"), publicKey: { content: "" } },
  },
});
let log: WrittenLog;
let proof: readonly Hash[];

beforeAll(async () => {
  const records = Array.from({ length: SIZE }, (_, index) => (index === AT ? ENTRY : record(index)));
  log = await writtenLog(records, [SIZE]);
  proof = proveInclusion(sourceOfLeaves(log.leaves), { index: AT, size: SIZE });
});

interface Shown {
  readonly entry?: string;
  readonly index?: number;
  readonly hashes?: readonly Hash[];
  readonly checkpoint?: string;
  readonly logKey?: KeyObject;
}

function accepted({
  entry = ENTRY,
  index = AT,
  hashes = proof,
  checkpoint = nth(log.checkpoints, 0),
  logKey = LOG_SIGNER.key.handle,
}: Shown): boolean {
  const logID = keyDigest();
  const always = { start: new Date(0), end: new Date(8.64e15) };
  const trust: TrustMaterial = {
    certificateAuthorities: [],
    timestampAuthorities: [],
    ctlogs: [],
    tlogs: [{ logID, baseURL: `https://${ORIGIN}`, publicKey: logKey, validFor: always }],
    publicKey: () => ({ publicKey: createPublicKey(author.privateKey), validFor: () => true }),
  };
  const tlogEntry = {
    logIndex: String(index),
    logId: { keyId: logID },
    kindVersion: { kind: "hashedrekord", version: "0.0.1" },
    integratedTime: "0",
    inclusionPromise: undefined,
    inclusionProof: {
      logIndex: String(index),
      rootHash: Buffer.alloc(0),
      treeSize: String(SIZE),
      hashes: hashes.map((hash) => Buffer.from(hash)),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: Buffer.from(entry, "utf8"),
  };
  const bundle = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    content: {
      $case: "messageSignature" as const,
      messageSignature: { messageDigest: { algorithm: 1, digest: createHash("sha256").update(ARTIFACT).digest() }, signature: SIGNATURE },
    },
    verificationMaterial: {
      content: { $case: "publicKey" as const, publicKey: { hint: "author" } },
      tlogEntries: [tlogEntry],
      timestampVerificationData: undefined,
    },
  };
  try {
    new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 0 }).verify(toSignedEntity(bundle, ARTIFACT));
    return true;
  } catch (error) {
    if (error instanceof VerificationError) return false;
    throw error;
  }
}

/** Sigstore knows a log by a digest whose first four bytes are the id in the checkpoint's signature: the digest that our id is cut from. */
function keyDigest(): Buffer {
  const { name, publicKey, id } = LOG_SIGNER.key;
  const digest = createHash("sha256").update(`${name}\n`).update(Uint8Array.of(1)).update(publicKey).digest();
  expect(digest.readUInt32BE(0)).toBe(id);
  expect(formatNoteKey(LOG_SIGNER.key)).toContain(digest.toString("hex", 0, 4));
  return digest;
}

describe("@sigstore/verify", () => {
  test("accepts our inclusion proof, checkpoint and key", () => {
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
      note.replace(/\n([A-Za-z0-9])(\S{42}=)\n/, (_, first: string, rest: string) => `\n${first === "A" ? "B" : "A"}${rest}\n`),
      note.replace("bailiwick-heads/1 ", "bailiwick-heads/1 1"),
      note.replace(/(.{20})$/m, (end) => end.toUpperCase()),
    ]) {
      expect(checkpoint).not.toBe(note);
      expect(accepted({ checkpoint })).toBe(false);
    }
    expect(accepted({ logKey: signer(ORIGIN, "note", "other").key.handle })).toBe(false);
  });
  test("refuses another record in the place of the one that is proven", () => {
    expect(accepted({ entry: ENTRY.replace("0.0.1", "0.0.2") })).toBe(false);
    expect(accepted({ entry: record(AT) })).toBe(false);
  });
});
