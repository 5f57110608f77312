import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { toSignedEntity, type TrustMaterial, VerificationError, Verifier } from "@sigstore/verify";
import { canonicalize, type Hash } from "../../src/index.ts";
import { LOG_SIGNER, ORIGIN } from "./log.ts";

// Sigstore's public API verifies a signature over an artifact together with the log entry about it. So one record of our log is such an
// entry; tree, proof, checkpoint and key are ours, and their verification is Sigstore's. Records of other forms it does not take.

const ARTIFACT = Buffer.from("what was signed");
const author = generateKeyPairSync("ec", { namedCurve: "P-256" });
const SIGNATURE = sign("sha256", ARTIFACT, author.privateKey);

/** A record that Sigstore takes. */
export const SIGSTORE_ENTRY = canonicalize({
  apiVersion: "0.0.1",
  kind: "hashedrekord",
  spec: {
    data: { hash: { algorithm: "sha256", value: createHash("sha256").update(ARTIFACT).digest("hex") } },
    signature: { content: SIGNATURE.toString("base64"), publicKey: { content: "" } },
  },
});

/** What Sigstore is shown. */
export interface Shown {
  readonly entry: string;
  readonly index: number;
  readonly size: number;
  readonly hashes: readonly Hash[];
  readonly checkpoint: string;
  readonly logKey?: KeyObject;
}

/** Whether Sigstore accepts the entry as one of the log. */
export function sigstoreAccepts({ entry, index, size, hashes, checkpoint, logKey = LOG_SIGNER.key.handle }: Shown): boolean {
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
      treeSize: String(size),
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
export function keyDigest(): Buffer {
  const { name, publicKey } = LOG_SIGNER.key;
  return createHash("sha256").update(`${name}\n`).update(Uint8Array.of(1)).update(publicKey).digest();
}
