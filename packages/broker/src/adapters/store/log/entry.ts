import { canonicalize, commitText } from "@bailiwick/ledger";
import type { LogEntry, Reservation } from "../../../domain/audit.ts";
import { Fault } from "../../../domain/fault.ts";
import { randomBytes } from "../../system/random.ts";

/** An entry as `append_records` takes it. `body` and `facts` are canonical texts. */
export interface WireEntry {
  readonly kind: LogEntry["kind"];
  readonly callId: string;
  readonly body: string;
  readonly facts?: string;
  readonly salt?: string;
  readonly session?: string;
  readonly reservations?: readonly Reservation[];
  /** `until` in milliseconds since 1970. */
  readonly proof?: { readonly id: string; readonly until: number };
}

/** The leaf limit of C2SP tlog-tiles, so that the log can become a Merkle tree as it is. */
export const MAX_BODY_BYTES = 65_535;
/** Facts beyond this are replaced by their size: a call's arguments are bounded at the edge well below it. */
const MAX_FACTS_BYTES = 8 * 1024 * 1024;
const MAX_CALL_ID_BYTES = 200;
const SALT_BYTES = 32;

/**
 * Writes an entry the way it will be hashed and stored, and commits to its facts.
 * @throws Fault `log_unavailable` when it cannot be a record: too large, nested too deep, or no usable call id.
 */
export function wireEntry(
  entry: LogEntry,
  options: {
    readonly session?: string;
    readonly reservations?: readonly Reservation[];
    readonly proof?: { readonly id: string; readonly untilMs: number } | undefined;
  } = {},
): WireEntry {
  if (!/^[\x20-\x7e]+$/.test(entry.callId) || entry.callId.length > MAX_CALL_ID_BYTES) {
    throw new Fault("log_unavailable", `a call id must be 1 to ${MAX_CALL_ID_BYTES} printable characters; the record was not written`);
  }
  const facts = entry.facts === undefined ? undefined : sealFacts(entry.facts);
  const body = storable(canonicalText(facts === undefined ? entry.body : { ...entry.body, factsCommitment: facts.commitment }));
  if (Buffer.byteLength(body) > MAX_BODY_BYTES) {
    throw new Fault(
      "log_unavailable",
      `the record of call \`${entry.callId}\` is larger than ${MAX_BODY_BYTES} bytes and was not written; put what is large into its facts`,
    );
  }
  return {
    kind: entry.kind,
    callId: entry.callId,
    body,
    ...(facts === undefined ? {} : { facts: facts.text, salt: facts.salt }),
    ...(options.session === undefined ? {} : { session: wellFormed(options.session).replaceAll("\0", "\ufffd") }),
    ...(options.reservations === undefined || options.reservations.length === 0
      ? {}
      : { reservations: options.reservations.map(wireReservation) }),
    ...(options.proof === undefined ? {} : { proof: { id: options.proof.id, until: Math.trunc(options.proof.untilMs) } }),
  };
}

/** The counter's key as the database can hold it; the same for taking and giving back. */
export function wireReservation({ key, max, windowMs, amount }: Reservation): Reservation {
  return { key: wellFormed(key).replaceAll("\0", "\ufffd"), max, windowMs: Math.max(1, Math.trunc(windowMs)), amount };
}

function sealFacts(facts: object): { readonly text: string; readonly salt: string; readonly commitment: string } {
  const whole = canonicalText(facts);
  const text = Buffer.byteLength(whole) > MAX_FACTS_BYTES ? canonicalize({ omitted: "too large", bytes: Buffer.byteLength(whole) }) : whole;
  const salt = randomBytes(SALT_BYTES);
  return { text, salt: Buffer.from(salt).toString("hex"), commitment: commitText(text, salt) };
}

/** Text an agent chose may hold lone surrogates, which have no canonical form; a record of the attempt must still be written. */
function canonicalText(value: object): string {
  try {
    return canonicalize(value);
  } catch (cause) {
    try {
      return canonicalize(repair(value));
    } catch {
      throw new Fault("log_unavailable", "the record cannot be written as JSON (nested too deep, or not JSON); the call was stopped", {
        cause,
      });
    }
  }
}

function repair(value: unknown): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (Array.isArray(value)) return value.map(repair);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [wellFormed(key), repair(member)]));
}

function wellFormed(text: string): string {
  return text.toWellFormed();
}

/** PostgreSQL's jsonb, from which the query columns are taken, cannot hold U+0000. */
function storable(text: string): string {
  return text.includes("\\u0000") ? text.replaceAll(/(?<!\\)((?:\\\\)*)\\u0000/g, "$1\ufffd") : text;
}
