import type { NoteKey } from "../note/key.ts";
import { equalBytes } from "../strict-text.ts";
import { isCount } from "../tree/shape.ts";
import { canBeMet, membersOf, type Quorum } from "./quorum.ts";

/** A key of the log, and the sizes of checkpoints it may sign. */
export interface LogKey {
  readonly key: NoteKey;
  /** Smallest size; 0 for the log's first key. */
  readonly from: number;
  /** Largest size; undefined while the key is in use. */
  readonly until: number | undefined;
}

/** Whom a verifier believes about one log. Comes from the log's operator by another way than the log. */
export interface LogPolicy {
  readonly origin: string;
  readonly keys: readonly LogKey[];
  readonly witnesses: readonly NoteKey[];
  /** Which of them must have cosigned. */
  readonly quorum: Quorum;
  /** Only `logPolicy` makes one, so no policy goes unchecked. */
  readonly [CHECKED]: true;
}

const CHECKED: unique symbol = Symbol("checked");

/**
 * A policy that can be kept; a number as quorum is that many of the witnesses. @throws RangeError when it could never be met or would count one signer twice: no key, a quorum beyond the
 * witnesses, one public key in two roles, a witness key that is not for cosignatures.
 */
export function logPolicy(policy: {
  origin: string;
  keys: readonly (LogKey | NoteKey)[];
  witnesses?: readonly NoteKey[];
  quorum?: number | Quorum;
}): LogPolicy {
  const { origin, witnesses = [] } = policy;
  const quorum = typeof policy.quorum === "object" ? policy.quorum : { needed: policy.quorum ?? 0, of: witnesses };
  const keys = policy.keys.map((one) => ("handle" in one ? { key: one, from: 0, until: undefined } : one));
  if (keys.length === 0) throw new RangeError("a log without a key cannot be verified; get one from its operator");
  if (keys.some(({ key }) => key.type !== "note")) throw new RangeError("a key of the log has to be a note key, not one for cosignatures");
  if (keys.some(({ from, until = from }) => !isCount(from) || !isCount(until) || until < from))
    throw new RangeError("the sizes a key may sign go from a size to one that is not smaller");
  if (witnesses.some((key) => key.type !== "cosignature")) throw new RangeError("a key of a witness has to be one for cosignatures");
  if (!canBeMet(quorum)) throw new RangeError(`a quorum of ${quorum.needed} cannot be met by ${quorum.of.length} witnesses`);
  const counted = membersOf(quorum);
  if (counted.some((key) => !witnesses.some(({ publicKey }) => equalBytes(publicKey, key.publicKey))))
    throw new RangeError("the quorum counts a witness that is not among the witnesses");
  if (new Set(counted).size !== counted.length) throw new RangeError("the quorum counts a witness twice");
  // One holder under two names would be counted as two.
  const holders = [...keys.map(({ key }) => key), ...witnesses].map(({ publicKey }) => Buffer.from(publicKey).toString("hex"));
  if (new Set(holders).size !== holders.length) throw new RangeError("one public key stands twice among the log's and the witnesses' keys");
  return { origin, keys, witnesses, quorum, [CHECKED]: true };
}

/** Whether a key may sign a checkpoint of that size. */
export function covers({ from, until }: LogKey, size: number): boolean {
  return size >= from && (until === undefined || size <= until);
}
