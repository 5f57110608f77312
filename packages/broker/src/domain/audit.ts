import type { JsonObject } from "@bailiwick/policy";

/**
 * `lookup`: the broker reads a record to decide or to show a diff. `intent`: durable before the effect. `outcome`: after it.
 * `refusal`, `hold`: nothing was sent. `admin`: people and the broker itself (answers, revocations, keys, policy versions, sessions).
 */
export type RecordKind = "lookup" | "intent" | "outcome" | "refusal" | "hold" | "admin";

/** What goes into the log. `body` is chained and never holds a secret or a raw argument; `facts` lie beside it, erasable, committed to by a salted digest. */
export interface LogEntry {
  readonly kind: RecordKind;
  readonly callId: string;
  readonly body: RecordBody;
  readonly facts?: JsonObject | undefined;
}

/** Fields every body may carry; the store derives its query columns from exactly these names. */
export interface RecordBody extends JsonObject {
  readonly at: string;
}

export interface StoredRecord {
  readonly tenant: string;
  readonly seq: number;
  readonly kind: RecordKind;
  readonly callId: string;
  readonly at: string;
  /** Canonical text that was hashed. */
  readonly body: string;
  readonly prev: string;
  readonly hash: string;
}

/** A counter to draw from in the intent's transaction. */
export interface Reservation {
  readonly key: string;
  readonly max: number;
  readonly windowMs: number;
  readonly amount: number;
}

export type IntendOutcome =
  | { readonly ok: true; readonly seq: number; readonly hash: string }
  | {
      readonly ok: false;
      readonly why: "over_limit";
      readonly key: string;
      readonly used: number;
      readonly max: number;
      readonly retryAfterMs: number;
    }
  | { readonly ok: false; readonly why: "session_not_live" | "proof_replayed" };

export interface CallQuery {
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
  readonly session?: string | undefined;
  readonly task?: string | undefined;
  readonly tool?: string | undefined;
  readonly action?: string | undefined;
  readonly verdict?: string | undefined;
  /** `unknown` lists intents without an outcome whose broker is gone. */
  readonly status?: string | undefined;
  readonly callId?: string | undefined;
  readonly kind?: RecordKind | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
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

/** The narrow port of the audit log: one log per tenant. */
export interface AuditLog {
  /**
   * Appends an intent and takes its reservations in one durable transaction. The same transaction checks that the session is live.
   * When it may not proceed, `instead` is appended in the same transaction, so that a refusal for a limit is as durable as an intent.
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
      readonly instead: (why: Exclude<IntendOutcome, { ok: true }>) => LogEntry;
    },
  ): Promise<IntendOutcome>;
  /** Resolves when the record is durable. @throws Fault `log_unavailable`. */
  append(tenant: string, entry: LogEntry): Promise<{ readonly seq: number; readonly hash: string }>;
  /** Gives back what an intent took when the call never reached the tool. */
  release(tenant: string, reservations: readonly Reservation[], takenAt: Date): Promise<void>;
  query(tenant: string, query: CallQuery): Promise<readonly StoredRecord[]>;
  facts(tenant: string, callId: string): Promise<JsonObject | undefined>;
  /** In order of seq, from `after` (exclusive). */
  read(tenant: string, after: number, limit: number): Promise<readonly StoredRecord[]>;
  /** Calls that have begun on any broker and have no end yet. */
  inFlight(tenant: string): Promise<readonly CallInFlight[]>;
  /** Appends an `outcome` with status `unknown` for every intent whose broker is gone. Returns how many. */
  surfaceUnknown(tenant: string, at: Date): Promise<number>;
}
