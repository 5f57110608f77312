import type { Frontier, Hash, LogKey, NoteKey, SequenceHead, SequenceKey, TileAddress } from "@bailiwick/ledger";

/** A signed head of one log (C2SP tlog-checkpoint). */
export interface SignedCheckpoint {
  readonly size: number;
  readonly at: Date;
  /** The signed note, with the cosignatures known so far. */
  readonly note: string;
}

/** Where a log begins whose older records are gone. */
export interface LogBase {
  readonly frontier: Frontier;
  readonly heads: readonly SequenceHead[];
}

/** Proof over the logs: what an auditor, a mirror and a witness ask for. Nothing here has to be believed. */
export interface LogEvidence {
  /** The log's unique name, such as `bailiwick.example/log/acme`. */
  origin(tenant: string): string;
  /** The keys of the log, the first first; undefined while nothing was ever written. */
  keys(tenant: string): Promise<readonly LogKey[]>;
  /** Witnesses whose cosignatures are asked for, and how many are needed. */
  witnesses(): { readonly keys: readonly NoteKey[]; readonly quorum: number };
  newest(tenant: string): Promise<SignedCheckpoint | undefined>;
  /** Those beyond a size, smallest first. */
  checkpoints(tenant: string, beyond: number, limit: number): Promise<readonly SignedCheckpoint[]>;
  /** Signs a checkpoint over everything written so far, unless there is one. @throws Fault `proof_unavailable` while the log is empty. */
  settle(tenant: string): Promise<SignedCheckpoint>;
  /** A hash tile as of the newest checkpoint (C2SP tlog-tiles, "Merkle Tree"); undefined when the log does not have it. */
  tile(tenant: string, address: TileAddress): Promise<Uint8Array | undefined>;
  /** An entry bundle as of the newest checkpoint; `width` 1 to 256. Undefined when the log does not have it or its records were retired. */
  entries(tenant: string, bundle: number, width: number): Promise<Uint8Array | undefined>;
  /** That the log of the second size grew out of the one of the first (RFC 6962 section 2.1.2); both at most the newest checkpoint's. */
  proveGrowth(tenant: string, from: number, to: number): Promise<readonly Hash[]>;
  /** Where the records begin; undefined when none were retired. */
  base(tenant: string): Promise<LogBase | undefined>;
  /** One record, proven under the newest checkpoint that covers it (C2SP tlog-proof). Undefined when there is none. */
  proveRecord(tenant: string, index: number): Promise<string | undefined>;
  /** All records of a run or an agent up to the newest checkpoint (docs/spec/log-proofs.md, "Proof of a sequence"). @throws Fault `proof_unavailable`. */
  proveSequence(tenant: string, sequence: SequenceKey): Promise<string>;
  /** Adds what witnesses answered to a checkpoint. */
  cosigned(tenant: string, size: number, lines: readonly string[]): Promise<void>;
  /** Gives the log a new signing key; the old one signs until a checkpoint covers the change. Returns the new key. */
  rotateKey(tenant: string): Promise<NoteKey>;
}
