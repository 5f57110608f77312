import { sha256 } from "./digest.ts";

/** What a record of one tenant's log shows to a verifier. `body` is the canonical text that was hashed. */
export interface ChainRecord {
  readonly tenant: string;
  readonly seq: number;
  readonly kind: string;
  readonly callId: string;
  readonly body: string;
  readonly prev: string;
  readonly hash: string;
}

/** The end of a chain. Kept in a second place it shows later that the tail was not cut. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export type Verdict =
  | { readonly ok: true; readonly count: number; readonly head: ChainHead | undefined }
  | { readonly ok: false; readonly at: number; readonly why: string };

export interface VerifyOptions {
  /** The head to go on from; default: the beginning of the log. */
  readonly from?: ChainHead | undefined;
  /** A head kept elsewhere, at or after `from`; a chain that does not contain it was cut or rewritten. */
  readonly head?: ChainHead | undefined;
}

export interface ChainVerifier {
  /** Returns false at the first bad record; later ones are not looked at. */
  push(record: ChainRecord): boolean;
  verdict(): Verdict;
}

/** What the first record of a tenant's log points back to; two tenants' logs cannot be exchanged. */
export function genesis(tenant: string): string {
  return sha256(`bailiwick.log.v1\n${tenant}`);
}

/**
 * The hash of a record: SHA-256 over `bailiwick.record.v1`, prev, seq, kind, callId and body, one a line, as 64 hex digits.
 * `body` comes last and is canonical JSON, and the parts before it hold no line feed, so no two records share a text.
 */
export function recordHash(record: Pick<ChainRecord, "prev" | "seq" | "kind" | "callId" | "body">): string {
  return sha256(`bailiwick.record.v1\n${record.prev}\n${record.seq}\n${record.kind}\n${record.callId}\n${record.body}`);
}

/**
 * Checks a tenant's log in order of seq. `at` is the seq of the first record that is not what was written there.
 * A tail that was cut is invisible in what is left: pass `head`, kept in a second place, to find that too.
 */
export function verifyChain(records: Iterable<ChainRecord>, options: VerifyOptions = {}): Verdict {
  const verifier = chainVerifier(options);
  for (const record of records) {
    if (!verifier.push(record)) break;
  }
  return verifier.verdict();
}

/** The same, a record at a time, for logs that are read in pages. */
export function chainVerifier(options: VerifyOptions = {}): ChainVerifier {
  let last = options.from;
  let tenant: string | undefined;
  let count = 0;
  let bad: { readonly ok: false; readonly at: number; readonly why: string } | undefined;
  return {
    push(record) {
      if (bad !== undefined) return false;
      tenant ??= record.tenant;
      const seq = (last?.seq ?? 0) + 1;
      const why = faultOf(record, { seq, tenant, prev: last?.hash ?? genesis(tenant), head: options.head });
      if (why !== undefined) {
        bad = { ok: false, at: seq, why };
        return false;
      }
      last = { seq, hash: record.hash };
      count += 1;
      return true;
    },
    verdict() {
      if (bad !== undefined) return bad;
      const end = last?.seq ?? 0;
      if (options.head !== undefined && options.head.seq > end) {
        return {
          ok: false,
          at: end + 1,
          why: `the log ends at ${end}, but its head was once ${options.head.seq}: the records after ${end} were cut off`,
        };
      }
      return { ok: true, count, head: last };
    },
  };
}

interface Expected {
  readonly seq: number;
  readonly tenant: string;
  readonly prev: string;
  readonly head: ChainHead | undefined;
}

function faultOf(record: ChainRecord, expected: Expected): string | undefined {
  if (record.tenant !== expected.tenant) return `the record belongs to tenant \`${record.tenant}\`, the log to \`${expected.tenant}\``;
  if (record.seq !== expected.seq) return `record ${expected.seq} is missing or out of place: record ${record.seq} stands there`;
  if (record.prev !== expected.prev)
    return `record ${record.seq} does not follow the one before it: a record was changed, removed or put in`;
  if (record.callId.includes("\n") || record.kind.includes("\n")) return `record ${record.seq} holds a line feed in its kind or call id`;
  if (record.hash !== recordHash(record)) return `record ${record.seq} was changed after it was written: its hash does not fit its text`;
  if (expected.head?.seq === record.seq && expected.head.hash !== record.hash) {
    return `record ${record.seq} differs from the head kept elsewhere: the log was rewritten up to here`;
  }
  return undefined;
}
