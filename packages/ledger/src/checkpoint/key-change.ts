import { canonicalize } from "../canonicalize.ts";
import { LedgerError } from "../ledger-error.ts";
import { formatNoteKey, type NoteKey, parseNoteKey } from "../note/key.ts";
import { covers, type LogKey } from "./policy.ts";

/**
 * A record of the log about the log's own keys. `introduce`: the key may sign checkpoints that cover this record, once an older key has signed
 * one. `retire`: the key may not sign checkpoints that cover this record.
 */
export interface KeyChange {
  readonly change: "introduce" | "retire";
  readonly key: NoteKey;
}

/** The text of the record: canonical JSON with `logKey` as its only member. */
export function keyChangeRecord({ change, key }: KeyChange): string {
  return canonicalize({ logKey: { change, key: formatNoteKey(key) } });
}

/** What a record says about keys; undefined for every other record. @throws LedgerError `malformed` when it begins like one and is none. */
export function parseKeyChange(text: string): KeyChange | undefined {
  if (!text.startsWith(BEGINNING)) return undefined;
  const [, change, key] = /^\{"logKey":\{"change":"(introduce|retire)","key":"([^"\\]+)"\}\}$/.exec(text) ?? [];
  if ((change !== "introduce" && change !== "retire") || key === undefined)
    throw new LedgerError(
      "malformed",
      "a record begins like a change of the log's keys and is none: only `keyChangeRecord` writes such records",
    );
  return { change, key: parseNoteKey(key) };
}

/**
 * The log's keys after a change at an index. `vouched` are keys that a checkpoint under an older key covers. A key is retired only while another
 * vouched one goes on (the overlap), so the log is never without a key that its history leads to.
 * @throws LedgerError `key_out_of_range`
 */
export function afterKeyChange(keys: readonly TrackedKey[], { change, key }: KeyChange, index: number): readonly TrackedKey[] {
  const known = keys.find((one) => Buffer.compare(one.key.publicKey, key.publicKey) === 0);
  switch (change) {
    case "introduce":
      // A verifier that pinned the key from an earlier export reads its introduction again.
      if (known?.pinned === true) return keys;
      if (known !== undefined) throw outOfRange(`record ${index} introduces a key that the log had already`, "a new key has to be new");
      return [...keys, { key, from: index + 1, until: undefined, vouched: false, pinned: false }];
    case "retire": {
      if (known?.pinned === true && known.until === index) return keys;
      if (known === undefined || known.until !== undefined)
        throw outOfRange(`record ${index} retires a key that is not in use`, "compare the keys in use");
      const overlap = keys.some((one) => one !== known && one.vouched && covers(one, index + 1));
      if (!overlap)
        throw outOfRange(`record ${index} retires the only key a checkpoint vouches for`, "introduce the next key a checkpoint earlier");
      return keys.map((one) => (one === known ? { ...one, until: index } : one));
    }
  }
}

/** A key and whether the log's history already leads to it. */
export interface TrackedKey extends LogKey {
  readonly vouched: boolean;
  /** Whether it is the verifier's own, not from the log. */
  readonly pinned: boolean;
}

function outOfRange(what: string, next: string): LedgerError {
  return new LedgerError("key_out_of_range", `${what}: ${next}`);
}

const BEGINNING = '{"logKey":';
