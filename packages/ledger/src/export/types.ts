import type { LogKey, LogPolicy } from "../checkpoint/policy.ts";
import type { HeadsCommitment, SequenceHead, SequencesOf } from "../heads/head.ts";
import type { LedgerErrorCode } from "../ledger-error.ts";
import type { VerifiedSignature } from "../note/open.ts";
import type { Frontier } from "../tree/growth.ts";
import type { Hash } from "../tree/hash.ts";

/** What an export is verified against. */
export interface ExportOptions {
  readonly policy: LogPolicy;
  /** Signed checkpoints in any order: those of the export, and those kept in a second place. Each is checked. */
  readonly checkpoints: Iterable<string>;
  /** Leaf hashes of the export's level-0 tiles. Not believed; with them the first bad record is named exactly, without them its checkpoint. */
  readonly leafHashAt?: ((index: number) => Hash | undefined) | undefined;
  /** Which sequences a record counts in; default: its `run` and `agent`. */
  readonly sequencesOf?: SequencesOf | undefined;
  /** Records after the last checkpoint are refused, as nothing vouches for them; `true` lets a log pass that is written to meanwhile. One checkpoint is needed in any case. */
  readonly allowUncovered?: boolean | undefined;
  /** Where the export begins when older records are gone. Not believed: the first checkpoint decides. Default: at record 0. */
  readonly from?: { readonly frontier: Frontier; readonly heads: Iterable<SequenceHead> } | undefined;
}

/**
 * What is wrong with an export. Beside the codes of `LedgerError`, which concern its checkpoints: a record was `changed`, `inserted`,
 * `duplicated`, `moved` or is `missing`; `truncated` the end is cut off; `rewritten` records and tiles agree with each other and not with the
 * checkpoint; `fork` two checkpoints of one size say different things; `heads` a checkpoint counts a sequence wrongly; `hash_tile` a tile does
 * not fit the records; `not_canonical` a record has a second spelling; `uncovered` no checkpoint covers the record; `facts` a fact shown beside
 * a record is not the one the record commits to.
 */
export type ExportFaultCode =
  | LedgerErrorCode
  | "changed"
  | "inserted"
  | "duplicated"
  | "moved"
  | "missing"
  | "truncated"
  | "rewritten"
  | "fork"
  | "heads"
  | "hash_tile"
  | "not_canonical"
  | "uncovered"
  | "facts";

/** The first bad record lies at `at` or after it, before `until`; it is `at` itself when `until` is `at` + 1. All before `at` are proven. */
export interface ExportFault {
  readonly ok: false;
  readonly code: ExportFaultCode;
  readonly at: number;
  readonly until: number;
  readonly why: string;
}

/** An export all of whose records and checkpoints fit. */
export interface ExportProven {
  readonly ok: true;
  /** Records, from 0 on. */
  readonly size: number;
  readonly root: Hash;
  /** How many of them a checkpoint covers. */
  readonly covered: number;
  /** Different checkpoints that were verified, and those that lie before the export's beginning and were not. */
  readonly checkpoints: number;
  readonly skipped: number;
  /** What the last checkpoint commits to; undefined when it does not. */
  readonly heads: HeadsCommitment | undefined;
  /** Witnesses' signatures of the last checkpoint, each witness once. */
  readonly cosignatures: readonly VerifiedSignature[];
  /** The log's keys as its history leaves them: what to pin for the next export. */
  readonly keys: readonly LogKey[];
  /** Where the next export can begin. */
  readonly frontier: Frontier;
}

export type ExportVerdict = ExportProven | ExportFault;
