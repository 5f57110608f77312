import { LedgerError } from "../ledger-error.ts";
import { type OpenedCheckpoint, openCheckpoint } from "../checkpoint/open.ts";
import type { LogPolicy } from "../checkpoint/policy.ts";
import { decodeBase64, decodeDecimal, encodeBase64, malformed } from "../strict-text.ts";
import { type Hash, isHash, leafHash } from "../tree/hash.ts";
import { verifyInclusion } from "../tree/inclusion.ts";
import { isCount } from "../tree/shape.ts";

/** A record's proof in one file, `.tlog-proof` (C2SP tlog-proof@v1). Nothing in it is verified. */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Hash[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Opaque and unauthenticated by the format. Our log puts the record itself here, which the leaf hash then authenticates. */
  readonly extra: Uint8Array | undefined;
}

/** A record that is in the log, and the checkpoint that covers it. */
export interface ProvenRecord {
  readonly record: Uint8Array;
  readonly index: number;
  readonly checkpoint: OpenedCheckpoint;
}

/** Writes the file (C2SP tlog-proof, "Format"). @throws LedgerError `malformed` */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  if (!isCount(index) || !hashes.every(isHash) || extra?.byteLength === 0 || checkpoint === "")
    return malformed(
      "the proof cannot be written",
      "it has an index, hashes of 32 bytes, a checkpoint, and extra data of at least a byte or none",
    );
  const extraLine = extra === undefined ? "" : `extra ${encodeBase64(extra)}\n`;
  return `${TLOG_PROOF_HEADER}\n${extraLine}index ${index}\n${hashes.map((hash) => `${encodeBase64(hash)}\n`).join("")}\n${checkpoint}`;
}

/** Reads the file without believing it (C2SP tlog-proof, "Format"). @throws LedgerError `malformed` */
export function parseTlogProof(text: string): TlogProof {
  const split = text.indexOf("\n\n");
  const [header, ...lines] = text.slice(0, Math.max(split, 0)).split("\n");
  const extraText = lines[0]?.startsWith("extra ") === true ? lines.shift()?.slice("extra ".length) : undefined;
  const [indexLine = "", ...hashLines] = lines;
  const extra = extraText === undefined ? undefined : decodeBase64(extraText);
  const index = indexLine.startsWith("index ") ? decodeDecimal(indexLine.slice("index ".length)) : undefined;
  const hashes = hashLines.map(decodeBase64).filter((hash) => hash !== undefined && isHash(hash));
  const spoiled = extraText !== undefined && (extra === undefined || extra.byteLength === 0);
  if (header !== TLOG_PROOF_HEADER || index === undefined || spoiled || hashes.length !== hashLines.length || hashes.length > MAX_HASHES)
    return malformed(
      "the file is not a tlog-proof",
      `it begins with \`${TLOG_PROOF_HEADER}\`, then optional extra data, the index, hashes, and after an empty line a checkpoint`,
    );
  return { index, hashes, checkpoint: text.slice(split + 2), extra };
}

/**
 * Verifies a proof file offline: the checkpoint by the policy, and that the record is the leaf it says. `record` is what is looked for; without
 * it the record in the file is proven, and returned.
 * @throws LedgerError as `openCheckpoint`; `malformed`; `not_included`
 */
export function openTlogProof(text: string, policy: LogPolicy, record?: string | Uint8Array): ProvenRecord {
  const proof = parseTlogProof(text);
  if (typeof record === "string" && !record.isWellFormed())
    return malformed("the record holds a lone surrogate", "pass it as it was written");
  const entry = typeof record === "string" ? Buffer.from(record, "utf8") : (record ?? proof.extra);
  if (entry === undefined) return malformed("the proof holds no record", "pass the record that it is about");
  const checkpoint = openCheckpoint(proof.checkpoint, policy);
  const place = { index: proof.index, size: checkpoint.size, leaf: leafHash(entry), root: checkpoint.root };
  if (!verifyInclusion(place, proof.hashes))
    throw new LedgerError(
      "not_included",
      `the record is not record ${proof.index} of the log at size ${checkpoint.size}: it was changed, or the proof is of another`,
    );
  return { record: entry, index: proof.index, checkpoint };
}

/** The first line of such a file. */
export const TLOG_PROOF_HEADER = "c2sp.org/tlog-proof@v1";
/** No tree of 2^53 leaves has a longer path. */
const MAX_HASHES = 53;
