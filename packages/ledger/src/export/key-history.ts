import { afterKeyChange, type KeyChange, parseKeyChange, type TrackedKey } from "../checkpoint/key-change.ts";
import { openSigned, type OpenedCheckpoint } from "../checkpoint/open.ts";
import type { LogKey, LogPolicy } from "../checkpoint/policy.ts";
import { LedgerError } from "../ledger-error.ts";

/** The log's keys, followed through its records. */
export interface KeyHistory {
  /** Notes what a record says about keys; it counts from the next checkpoint on that fits. */
  read(index: number, text: string): void;
  /** Verifies a checkpoint with the keys as they were at the last one. */
  openBefore(note: string): OpenedCheckpoint;
  /** Counts what was read since; the root has fitted. @throws KeyFault */
  apply(): void;
  /** Verifies a checkpoint with the present keys. */
  open(note: string): OpenedCheckpoint;
  /** After a checkpoint was accepted: keys that it covers are trusted from now on. */
  vouch(): void;
  policy(): LogPolicy;
  keys(): readonly LogKey[];
}

/** A record about keys that cannot be followed. */
export class KeyFault extends LedgerError {
  readonly index: number;

  constructor(index: number, error: LedgerError) {
    super(error.code, error.message);
    this.index = index;
  }
}

/** Follows introductions and retirements of keys, starting with those of the policy. A key vouches only once a checkpoint under an older one covered it. */
export function keyHistory(start: LogPolicy): KeyHistory {
  let keys: readonly TrackedKey[] = start.keys.map((key) => ({ ...key, vouched: true, pinned: true }));
  let staged: { readonly index: number; readonly change: KeyChange | LedgerError }[] = [];
  const policy = (): LogPolicy => ({ ...start, keys: keys.filter(({ vouched }) => vouched) });
  return {
    read(index, text) {
      const change = readChange(text);
      if (change !== undefined) staged.push({ index, change });
    },
    openBefore: (note) => openSigned(note, policy()),
    apply() {
      for (const { index, change } of staged) {
        try {
          if (change instanceof LedgerError) throw change;
          keys = afterKeyChange(keys, change, index);
        } catch (error) {
          throw error instanceof LedgerError ? new KeyFault(index, error) : error;
        }
      }
      staged = [];
    },
    open: (note) => openSigned(note, policy()),
    vouch() {
      if (keys.some(({ vouched }) => !vouched)) keys = keys.map((key) => ({ ...key, vouched: true }));
    },
    policy,
    keys: () => keys.filter(({ vouched }) => vouched).map(({ key, from, until }) => ({ key, from, until })),
  };
}

function readChange(text: string): KeyChange | LedgerError | undefined {
  try {
    return parseKeyChange(text);
  } catch (error) {
    if (error instanceof LedgerError) return error;
    throw error;
  }
}
