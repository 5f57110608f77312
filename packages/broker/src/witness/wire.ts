import { hash } from "node:crypto";
import { LedgerError } from "@bailiwick/ledger";

/** More lines than a tree of 2^63 leaves needs (C2SP tlog-witness, "add-checkpoint"). */
const MAX_PROOF_LINES = 63;
/** Proof lines take less than 3 kB, a checkpoint with all its cosignatures some more. */
export const MAX_REQUEST_BYTES = 64 * 1024;
/** What a 409 is sent as (C2SP tlog-witness, "add-checkpoint"). */
export const SIZE_TYPE = "text/x.tlog.size";

/** What a log asks a witness for (C2SP tlog-witness, "add-checkpoint"). */
export interface AddCheckpoint {
  /** Size of the checkpoint that the proof begins at: the last one the witness cosigned, as the log believes. */
  readonly old: number;
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint. */
  readonly note: string;
}

/** The body of a request. */
export function formatAddCheckpoint({ old, proof, note }: AddCheckpoint): string {
  const hashes = proof.map((one) => `${Buffer.from(one).toString("base64")}\n`);
  return `old ${old}\n${hashes.join("")}\n${note}`;
}

/** Reads the body of a request; of the checkpoint nothing is looked at yet. @throws LedgerError `malformed` */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf("\n\n");
  if (end < 0) return malformed("the request has no empty line before its checkpoint");
  const [first = "", ...lines] = body.slice(0, end).split("\n");
  const old = first.startsWith("old ") ? parseSize(first.slice("old ".length)) : undefined;
  if (old === undefined) return malformed("the request does not begin with a line such as `old 20852014`");
  if (lines.length > MAX_PROOF_LINES) return malformed(`the proof has ${lines.length} lines; no tree needs more than ${MAX_PROOF_LINES}`);
  return { old, proof: lines.map(parseHash), note: body.slice(end + 2) };
}

/** The body of a 409: a size and a line feed. Undefined when it is none. */
export function parseHeldSize(body: string): number | undefined {
  return body.endsWith("\n") ? parseSize(body.slice(0, -1)) : undefined;
}

/** Where a witness shows what it holds of a log, below its URL (C2SP tlog-witness, "Monitor Retrieval Mechanism"). */
export function heldPath(origin: string): string {
  return `${originHash(origin)}/checkpoint`;
}

/** SHA-256 of a log's origin in lower-case hex: its name in paths. */
export function originHash(origin: string): string {
  return hash("sha256", origin, "hex");
}

function parseSize(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/u.test(text)) return undefined;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : undefined;
}

function parseHash(line: string): Uint8Array {
  const bytes = Buffer.from(line, "base64");
  // Node skips what it does not know; a second spelling of a hash is refused.
  return bytes.byteLength === HASH_BYTES && bytes.toString("base64") === line
    ? bytes
    : malformed("a line of the proof is no hash in base64");
}

function malformed(what: string): never {
  throw new LedgerError("malformed", `${what}: send it as C2SP tlog-witness says`);
}

const HASH_BYTES = 32;
