import { LedgerError } from "../ledger-error.ts";
import { equalBytes } from "../strict-text.ts";
import { type Hash, isHash } from "../tree/hash.ts";
import { parseHeadLine, pathOf, type SequenceHead, type SequenceKey } from "./head.ts";
import { EMPTY_SUBTREE, headHash, mapNodeHash, MAX_DEPTH_OF_MAP, turnsRight } from "./map-hash.ts";

/** What stands where a sequence's path ends, and the hashes beside the way up from there, lowest first. */
export interface HeadProof {
  /** The head that stands there: the sequence's own, or another's when it has none; undefined when nothing does. */
  readonly line: string | undefined;
  readonly siblings: readonly Hash[];
}

/**
 * The head of a sequence under a commitment's root, or undefined when it is proven that there is none. For one root and one sequence at most one
 * answer can be proven, whoever built the map: a place on a path holds a head, nothing, or an inner node, and their hashes cannot be exchanged.
 * @throws LedgerError `malformed`, `not_included`
 */
export function headFromProof(root: Hash, key: SequenceKey, { line, siblings }: HeadProof): SequenceHead | undefined {
  const path = pathOf(key);
  const head = line === undefined ? undefined : parseHeadLine(line);
  const shown = siblings.length <= MAX_DEPTH_OF_MAP && siblings.every(isHash) && equalBytes(rootAlong(path, line, siblings), root);
  if (!shown) throw notShown("does not lead to the checkpoint's root of heads");
  if (head === undefined) return undefined;
  if (head.kind === key.kind && head.name === key.name) return head;
  // Another head proves absence only if it stands on this very path: the sequence would have pushed it further down.
  const other = pathOf(head);
  if (siblings.some((_, depth) => turnsRight(other, depth) !== turnsRight(path, depth)))
    throw notShown("shows a head that stands elsewhere");
  return undefined;
}

function rootAlong(path: Hash, line: string | undefined, siblings: readonly Hash[]): Hash {
  const depth = siblings.length - 1;
  const start = line === undefined ? EMPTY_SUBTREE : headHash(line);
  return siblings.reduce(
    (own, sibling, at) => (turnsRight(path, depth - at) ? mapNodeHash(sibling, own) : mapNodeHash(own, sibling)),
    start,
  );
}

function notShown(what: string): LedgerError {
  return new LedgerError("not_included", `the proof of the sequence ${what}: ask the log for one of this checkpoint`);
}
