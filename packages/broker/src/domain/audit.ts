import { type JsonObject, WHILE_RUNNING_MS } from "@bailiwick/policy";
import type { LogFigures } from "./log-figures.ts";

/**
 * `lookup`: the broker reads a record to decide or to show a diff. `intent`: durable before the effect. `outcome`: after it.
 * `refusal`, `hold`: nothing was sent. `admin`: people and the broker itself (answers, revocations, keys, policy versions, sessions, reads of the
 * log). `key`: a change of the log's own signing keys.
 */
export type RecordKind = "lookup" | "intent" | "outcome" | "refusal" | "hold" | "admin" | "key";

/** What goes into the log. */
export interface LogEntry {
  readonly kind: Exclude<RecordKind, "key">;
  readonly callId: string;
  /** Stands in the log for good: names of agents, tools and rules, figures, digests. Never a secret, an argument, or what a person is called. */
  readonly body: RecordBody;
  /**
   * People the record names, by the member they stand under. The log holds a pseudonym of each. The first one is the subject: the facts are
   * sealed under their key, and erasing them makes the facts unreadable.
   */
  readonly people?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** The record acted on. The log holds its type, and a tag by which it is found again but from which its id cannot be guessed. */
  readonly resource?: ResourceName | undefined;
  /** In people's words; the log holds a tag of it. */
  readonly task?: string | undefined;
  /** Lie sealed beside the record and can be erased; the log holds a salted commitment to each member. */
  readonly facts?: JsonObject | undefined;
  /** Digests that are committed to and not kept: whoever has the value can show later that it is the one. */
  readonly commits?: Readonly<Record<string, string>> | undefined;
}

export interface ResourceName {
  readonly type: string;
  readonly id: string;
}

/** Members a body may carry; the store derives its query columns from exactly these names. */
export interface RecordBody extends JsonObject {
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
}

/** A record as it was written. */
export interface StoredRecord {
  readonly tenant: string;
  /** Its place in the log, from 0 on: the leaf's index in the tree. */
  readonly index: number;
  readonly kind: RecordKind;
  readonly callId: string;
  readonly at: string;
  /** The leaf: canonical JSON. */
  readonly text: string;
  /** Names behind the pseudonyms in the text; who was erased is absent. Empty where the reader did not ask for names. */
  readonly people: Readonly<Record<string, string>>;
  /** From `read`: what the store finds it by that does not say what it says. A query then passes it over, although its text is the one written. */
  readonly misfiled?: string | undefined;
}

/** A counter to draw from in the intent's transaction. */
export interface Reservation {
  readonly key: string;
  readonly max: number;
  /** Windows stand side by side from 1970 on, in UTC; one of `CALENDAR_MONTH_MS` is the calendar's month. 0: a lease. */
  readonly windowMs: number;
  readonly amount: number;
}

/** Whether it is held while the call runs, and given back with the record that ends the call, rather than drawn from a window. */
export function isLease({ windowMs }: Pick<Reservation, "windowMs">): boolean {
  return windowMs === WHILE_RUNNING_MS;
}

export type IntendOutcome =
  | { readonly ok: true; readonly index: number }
  | {
      readonly ok: false;
      readonly why: "over_limit";
      readonly key: string;
      readonly used: number;
      readonly max: number;
      readonly retryAfterMs: number;
    }
  /** `approval_gone`: the yes it stands on was used, withdrawn or is over. `elevation_over`: the same of a right for a time. */
  | { readonly ok: false; readonly why: "session_not_live" | "proof_replayed" | "approval_gone" | "elevation_over" };

/** Rights that people gave and a call stands on: taken, or looked at, in the intent's own transaction. */
export interface GivenRights {
  /** Id of an approval: used once. */
  readonly approval?: string | undefined;
  /** Id of a yes to several calls: one of its uses is taken. */
  readonly bounded?: string | undefined;
  /** Ids of elevations, all of which must be in force. */
  readonly elevations?: readonly string[] | undefined;
}

/**
 * Which records; all conditions hold. Conditions on who, what and why choose records that begin a call (and `admin`), those on `status` and
 * `code` records that end one.
 */
export interface RecordQuery {
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
  readonly session?: string | undefined;
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly tool?: string | undefined;
  readonly action?: string | undefined;
  readonly resource?: ResourceName | undefined;
  readonly verdict?: string | undefined;
  /** `unknown` lists calls whose broker was gone before it could say how they ended. */
  readonly status?: string | undefined;
  readonly code?: string | undefined;
  /** A person who answered the call's approval. */
  readonly approver?: string | undefined;
  /** Id of a rule that determined the decision, or of an elevation that the call stands on. */
  readonly rule?: string | undefined;
  readonly callId?: string | undefined;
  readonly kind?: RecordKind | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
  /** Only records with a smaller index. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/**
 * Which calls. A call is chosen by the record that begins it (an intent, a refusal, a hold; a read beside the call path), or that records a
 * person's answer when `approver` is given; with `code`, or a `status` other than `succeeded`, by the record that ends it so far.
 */
export type CallQuery = Omit<RecordQuery, "callId" | "kind">;

/** A call and the record it was chosen by. */
export interface CallPlace {
  readonly callId: string;
  readonly index: number;
}

/** Calls of one look at the log. */
export interface CallPlaces {
  readonly places: readonly CallPlace[];
  /** Where to look on; undefined when nothing is left. A look is bounded, so a page may hold fewer calls than were asked for. */
  readonly next: number | undefined;
}

/** A call whose intent is durable and whose outcome is not. */
export interface CallInFlight {
  readonly callId: string;
  readonly agent: string;
  readonly environment: string;
  readonly workflow: string;
  readonly session: string;
  readonly broker: string;
}

/** A log that cannot be written: who is blocked, and since when. */
export interface LogOutage {
  readonly tenant: string;
  readonly since: Date;
  readonly why: string;
  /** Records that were refused since then. */
  readonly refused: number;
  /** Agents whose calls were refused, the first few. */
  readonly agents: readonly string[];
}

/** The narrow port of the audit log: one log per tenant. */
export interface AuditLog {
  /**
   * Appends an intent and takes its reservations in one durable transaction. The same transaction checks that the session is live.
   * When it may not proceed, `instead` is appended, so that a refusal for a limit is as durable as an intent.
   * @throws Fault `log_unavailable` when the record could not be made durable: nothing may run then.
   */
  intend(
    tenant: string,
    entry: LogEntry,
    options: {
      readonly session: string;
      readonly reservations: readonly Reservation[];
      /** The sender's proof that pays for the effect: taken in the same transaction, once over all brokers. */
      readonly proof?: { readonly id: string; readonly untilMs: number } | undefined;
      readonly rights?: GivenRights | undefined;
      readonly instead: (why: Exclude<IntendOutcome, { ok: true }>) => LogEntry;
    },
  ): Promise<IntendOutcome>;
  /** Resolves when the record is durable. @throws Fault `log_unavailable`. */
  append(tenant: string, entry: LogEntry): Promise<{ readonly index: number }>;
  /** Gives back what an intent took when the call never reached the tool. */
  release(tenant: string, reservations: readonly Reservation[], takenAt: Date): Promise<void>;
  /** Newest first, with names. */
  query(tenant: string, query: RecordQuery): Promise<readonly StoredRecord[]>;
  /** Calls, each once, newest first by the record it was chosen by; `before` is the last page's `next`. */
  calls(tenant: string, query: CallQuery): Promise<CallPlaces>;
  /**
   * Calls that were ended, held or refused from index `from` on, in the order of the log; `next` is the index to go on from. Without `from`,
   * none: only where the log ends now.
   */
  ended(tenant: string, query: Omit<CallQuery, "before">, from: number | undefined): Promise<CallPlaces & { readonly next: number }>;
  /** The days up to `now` in figures. A look counts what was appended since the one before, and of a large log only so much at once. */
  figures(tenant: string, now: Date): Promise<LogFigures>;
  /** All records of these calls in the order of the log, with names. */
  recordsOf(tenant: string, callIds: readonly string[]): Promise<readonly StoredRecord[]>;
  /** What lies beside the records of a call, later ones over earlier; undefined when there is nothing, or it was erased. */
  facts(tenant: string, callId: string): Promise<JsonObject | undefined>;
  /** In the order of the log, from index `from` (inclusive); without names. */
  read(tenant: string, from: number, limit: number): Promise<readonly StoredRecord[]>;
  /** How many records the log has. */
  size(tenant: string): Promise<number>;
  /** Calls that have begun on any broker and have no end yet. */
  inFlight(tenant: string): Promise<readonly CallInFlight[]>;
  /** Appends an `outcome` with status `unknown` for every intent whose broker is gone. Returns how many. */
  surfaceUnknown(tenant: string, at: Date): Promise<number>;
  /** Logs that this broker cannot write now. */
  outages(): readonly LogOutage[];
}
