export { canonicalize, type Canonical } from "./canonicalize.ts";
export { type Checkpoint, formatCheckpoint, parseCheckpointText } from "./checkpoint/checkpoint.ts";
export { type KeyChange, keyChangeRecord, parseKeyChange } from "./checkpoint/key-change.ts";
export { openCheckpoint, type OpenedCheckpoint } from "./checkpoint/open.ts";
export { type LogKey, type LogPolicy, logPolicy } from "./checkpoint/policy.ts";
export { formatPolicyText, type KeyWithUrl, parsePolicyText, policyOfLog, type TrustPolicy } from "./checkpoint/policy-text.ts";
export { type Quorum } from "./checkpoint/quorum.ts";
export { commit, commitText, digest, sha256 } from "./digest.ts";
export { type ExportFault, type ExportFaultCode, type ExportOptions, type ExportProven, type ExportVerdict } from "./export/types.ts";
export { exportVerifier, type ExportVerifier, verifyExport } from "./export/verify-export.ts";
export { type FolderBase, formatBase } from "./folder/base.ts";
export { formatCheckpointLine, originOfFolder } from "./folder/checkpoints.ts";
export { type DisclosedFacts, formatFactsLine } from "./folder/facts.ts";
export { BASE_FILE, CHECKPOINT_FILE, CHECKPOINTS_FILE, FACTS_FILE, POLICY_FILE } from "./folder/paths.ts";
export { checkpointsIn } from "./folder/second-place.ts";
export { type FolderProven, type FolderVerdict, type LogFolder } from "./folder/types.ts";
export { verifyFolder } from "./folder/verify-folder.ts";
export {
  byRunAndAgent,
  formatHeadsLine,
  type HeadsCommitment,
  headsOf,
  type SequenceHead,
  type SequenceKey,
  type SequencesOf,
} from "./heads/head.ts";
export { headFromProof, type HeadProof } from "./heads/map-proof.ts";
export { headsMap, type HeadsMap } from "./heads/map.ts";
export { LedgerError, type LedgerErrorCode } from "./ledger-error.ts";
export { formatNoteKey, noteKey, type NoteKey, type NoteKeyType, parseNoteKey } from "./note/key.ts";
export { openNote, type OpenedNote, type VerifiedSignature } from "./note/open.ts";
export { cosignCheckpoint, type NoteSigner, signNote, type SignFunction } from "./note/sign.ts";
export { formatSignedNote, type NoteSignature, parseSignedNote, type SignedNote } from "./note/signed-note.ts";
export { formatSequenceProof, openSequenceProof, type ProvenSequence, type SequenceProof } from "./proof/sequence-proof.ts";
export { originOfProof } from "./proof/origin.ts";
export {
  formatTlogProof,
  openTlogProof,
  parseTlogProof,
  type ProvenRecord,
  TLOG_PROOF_HEADER,
  type TlogProof,
} from "./proof/tlog-proof.ts";
export { entryBundlePath, newTiles, parseTilePath, TILE_WIDTH, type TileAddress, tilePath, tilesOfRanges } from "./tiles/address.ts";
export { MAX_ENTRY_BYTES, readEntryBundle, writeEntryBundle } from "./tiles/entry-bundle.ts";
export { extendTiles, type WrittenTile } from "./tiles/extend.ts";
export { leafHashesOfTiles, readTile, sourceOfTiles, writeTile } from "./tiles/hash-tile.ts";
export { type ConsistencyClaim, consistencyRanges, proveConsistency, verifyConsistency } from "./tree/consistency.ts";
export { EMPTY_FRONTIER, type Frontier, growTree, type TreeGrowth } from "./tree/growth.ts";
export { emptyRoot, type Hash, leafHash, nodeHash } from "./tree/hash.ts";
export { type InclusionClaim, inclusionRanges, type LeafPlace, proveInclusion, verifyInclusion } from "./tree/inclusion.ts";
export { type Range } from "./tree/shape.ts";
export { type HashSource, rootOf, sourceOfLeaves } from "./tree/source.ts";
export { proveSubtree, type SubtreeClaim, verifySubtree, verifySubtreeInclusion } from "./tree/subtree.ts";
