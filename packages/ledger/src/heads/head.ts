import { canonicalize } from "../canonicalize.ts";
import { decodeBase64, decodeDecimal, encodeBase64, malformed } from "../strict-text.ts";
import { type Hash, isHash, sha256Bytes } from "../tree/hash.ts";
import { isCount } from "../tree/shape.ts";

/** A sequence of records within a log: all of one run, or all of one agent. */
export interface SequenceKey {
  /** `run`, `agent`, or what else the log counts by. */
  readonly kind: string;
  readonly name: string;
}

/** How many records a sequence has, and the index of the last of them in the log. */
export interface SequenceHead extends SequenceKey {
  readonly count: number;
  readonly lastIndex: number;
}

/** What a checkpoint says about all sequences: their number, and the root of the map of their heads. */
export interface HeadsCommitment {
  readonly count: number;
  readonly root: Hash;
}

/** The sequences a record belongs to; it is counted in each of them. `record` is the parsed JSON. */
export type SequencesOf = (record: unknown) => readonly SequenceKey[];

/** By the record's members `run` and `agent`, where they are texts. */
export const byRunAndAgent: SequencesOf = (record) => {
  if (typeof record !== "object" || record === null) return [];
  const keys: SequenceKey[] = [];
  if ("run" in record && typeof record.run === "string") keys.push({ kind: "run", name: record.run });
  if ("agent" in record && typeof record.agent === "string") keys.push({ kind: "agent", name: record.agent });
  return keys;
};

/** A head as it is hashed: canonical JSON (RFC 8785) of kind, name, count and last index, so no name can pose as another head. */
export function headLine({ kind, name, count, lastIndex }: SequenceHead): string {
  return canonicalize([kind, name, count, lastIndex]);
}

/** @throws LedgerError `malformed` for anything that `headLine` would not write. */
export function parseHeadLine(line: string): SequenceHead {
  const value = parsed(line);
  if (Array.isArray(value) && value.length === 4) {
    const [kind, name, count, lastIndex]: readonly unknown[] = value;
    if (typeof kind === "string" && typeof name === "string" && typeof count === "number" && typeof lastIndex === "number") {
      const head = { kind, name, count, lastIndex };
      if (isCount(count) && isCount(lastIndex) && headLine(head) === line) return head;
    }
  }
  return malformed("the line is not the head of a sequence", 'it looks like `["run","r-1",3,17]`');
}

/** Where a sequence stands in the map: SHA-256 over the canonical form of kind and name. */
export function pathOf({ kind, name }: SequenceKey): Hash {
  return sha256Bytes(canonicalize([kind, name]));
}

/** The extension line of a checkpoint that holds the commitment (C2SP tlog-checkpoint, "Note text", item 4). */
export function formatHeadsLine({ count, root }: HeadsCommitment): string {
  return `${LABEL} ${count} ${encodeBase64(root)}`;
}

/** The commitment in a checkpoint's extension lines; undefined when there is none. @throws LedgerError `malformed`, also for a second one. */
export function headsOf(extensions: readonly string[]): HeadsCommitment | undefined {
  const [line, second] = extensions.filter((one) => one.startsWith(`${LABEL} `));
  if (line === undefined) return undefined;
  const [, size, base64, ...more] = line.split(" ");
  const count = size === undefined ? undefined : decodeDecimal(size);
  const root = base64 === undefined ? undefined : decodeBase64(base64);
  if (second !== undefined || count === undefined || root === undefined || !isHash(root) || more.length > 0)
    return malformed("the checkpoint's line of heads is none", `there is one, and it is \`${LABEL}\`, a number and a hash`);
  return { count, root };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LABEL = "bailiwick-heads/1";
