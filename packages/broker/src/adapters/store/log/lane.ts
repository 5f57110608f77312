import { setImmediate as nextTick, setTimeout as sleep } from "node:timers/promises";
import { DatabaseError } from "pg";
import { Fault } from "../../../domain/fault.ts";
import { errorState } from "../connections.ts";
import type { Queryable } from "../queryable.ts";
import { describe } from "../unavailable.ts";
import { type Breaker, mayTry, outageOf, tripped, withRefused } from "./breaker.ts";
import { admitBatch, appendBatch, type AppendResult, type Batch, refusalOf, settleBatch } from "./append.ts";
import type { LogOutage } from "../../../domain/audit.ts";
import type { WireEntry } from "./wire-entry.ts";

/** One way into a tenant's log. One batch is under way at a time; what comes meanwhile goes in the next. */
export interface Lane {
  /** Resolves when the entry is durable, or was refused. @throws Fault `log_unavailable`. */
  write(entry: WireEntry): Promise<AppendResult>;
  readonly state: {
    readonly waiting: number;
    /** A batch of it is under way. */
    readonly busy: boolean;
    /** It has a batch whose fate is not known. */
    readonly uncertain: boolean;
  };
}

export interface LaneOptions {
  readonly tenant: string;
  /** Names this lane in the database; no other one, in any process, has it. */
  readonly writer: string;
  /** Shared by the lanes of one log: what one finds out holds for all. */
  readonly breaker: Breaker;
  /** Asked before a batch of so many entries is sent; resolves when it may be. Returns what to call when it is done. */
  readonly turn: (entries: () => number) => Promise<() => void>;
  readonly db: Queryable;
  /** The database of sessions and limits, where the log has one of its own. */
  readonly admitting?: Queryable | undefined;
  readonly now: () => Date;
  /** Told how many records became durable. */
  readonly appended: (records: number) => void;
  /** What is written first once the log can be written again. */
  readonly recovered: (outage: LogOutage) => WireEntry;
  /** Entries whose callers were told that they failed, and which turned out to be in the log after all. */
  readonly foundLater: (entries: readonly WireEntry[]) => readonly WireEntry[];
}

/** A batch this large costs about as much in the database as in the network; a larger one would only make callers wait. */
const MAX_BATCH_ENTRIES = 256;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Callers go on in groups of this size: while the first group's next entries are written, the others' are still being made. */
const GROUP = 32;
/** More waiting entries mean that the database has stood still for seconds: refusing is better than growing. */
const MAX_QUEUED_ENTRIES = 10_000;
/** How long callers wait for the answer about a batch whose connection was lost; a restart of the server takes less. */
const SETTLE_TIMEOUT_MS = 5_000;
const SETTLE_RETRY_MS = 50;

interface Queued {
  readonly entry: WireEntry;
  readonly settle: (result: AppendResult) => void;
  readonly fail: (fault: Fault) => void;
}

interface State {
  readonly options: LaneOptions;
  readonly queue: Queued[];
  draining: boolean;
  sending: boolean;
  batches: number;
  /** A batch whose fate is not known yet: nothing is written before it is. */
  uncertain: Batch | undefined;
  /** Ends of calls that were found in the log after all, and are not written yet. */
  owedEnds: readonly WireEntry[];
  /** Ids of rule sets that this process has written. */
  readonly ruleSets: Set<string>;
}

export function logLane(options: LaneOptions): Lane {
  const state: State = {
    options,
    queue: [],
    draining: false,
    sending: false,
    batches: 0,
    uncertain: undefined,
    owedEnds: [],
    ruleSets: new Set(),
  };
  return {
    get state() {
      return { waiting: state.queue.length, busy: state.sending, uncertain: state.uncertain !== undefined || state.owedEnds.length > 0 };
    },
    write: (entry) =>
      new Promise((settle, fail) => {
        if (state.queue.length >= MAX_QUEUED_ENTRIES) {
          fail(
            new Fault(
              "log_unavailable",
              `${MAX_QUEUED_ENTRIES} records of tenant \`${options.tenant}\` already wait for the log; nothing more runs until they are written`,
            ),
          );
          return;
        }
        state.queue.push({ entry, settle, fail });
        if (!state.draining) void drain(state);
      }),
  };
}

async function drain(state: State): Promise<void> {
  state.draining = true;
  while (state.queue.length > 0) {
    // What other callers hand in during this turn of the event loop goes into the same batch.
    await nextTick();
    const done = await state.options.turn(() => state.queue.length);
    state.sending = true;
    const batch = takeBatch(state.queue);
    await send(state, batch);
    state.sending = false;
    done();
  }
  state.draining = false;
}

async function send(state: State, batch: readonly Queued[]): Promise<void> {
  if (!mayTry(state.options.breaker, performance.now())) {
    refuse(state, batch);
    return;
  }
  await deliver(state, batch);
}

function takeBatch(queue: Queued[]): readonly Queued[] {
  let bytes = 0;
  let count = 0;
  for (const { entry } of queue) {
    bytes += entry.leaf.length + (entry.facts?.length ?? 0);
    if (count > 0 && (count >= MAX_BATCH_ENTRIES || bytes > MAX_BATCH_BYTES)) break;
    count += 1;
  }
  return queue.splice(0, count);
}

async function deliver(state: State, queued: readonly Queued[]): Promise<void> {
  let waiting = queued;
  try {
    await settleUncertain(state);
    await writeRuleSets(state, queued);
    waiting = await admitted(state, queued);
    const { breaker, tenant } = state.options;
    const before = breaker.open === undefined ? [] : [state.options.recovered(outageOf(tenant, breaker.open))];
    const results = await appendSurely(state, [...before, ...waiting.map(({ entry }) => entry)]);
    breaker.open = undefined;
    state.options.appended(results.filter(({ ok }) => ok).length);
    await settleInGroups(waiting, results.slice(before.length));
  } catch (error) {
    if (isBadEntry(error)) return apart(state, waiting);
    const { breaker } = state.options;
    breaker.open = tripped(breaker.open, { why: describe(error), at: state.options.now(), clock: performance.now() });
    refuse(state, waiting, error);
  }
}

/** Callers that all go on at once would keep this thread busy while the database waits, and then wait for it together. */
async function settleInGroups(waiting: readonly Queued[], results: readonly AppendResult[]): Promise<void> {
  for (let from = 0; from < waiting.length; from += GROUP) {
    for (const [place, one] of waiting.slice(from, from + GROUP).entries()) {
      const result = results[from + place];
      if (result !== undefined) one.settle(result);
    }
    if (from + GROUP >= waiting.length) return;
    // One turn for the entries to be made, one for another lane to send them.
    await nextTick();
    await nextTick();
  }
}

/** Where sessions and limits are in another database, asks there first. What was taken for an entry that then fails stays taken. */
async function admitted(state: State, queued: readonly Queued[]): Promise<readonly Queued[]> {
  const { admitting, tenant } = state.options;
  if (admitting === undefined || queued.length === 0) return queued;
  const refusals = await admitBatch(
    admitting,
    tenant,
    queued.map(({ entry }) => entry),
  );
  for (const refusal of refusals) {
    const one = queued[refusal.place];
    if (one !== undefined) one.settle(refusalOf(one.entry, refusal));
  }
  const gone = new Set(refusals.map(({ place }) => place));
  return queued.filter((_, place) => !gone.has(place)).map((one) => ({ ...one, entry: { ...one.entry, conditions: undefined } }));
}

async function writeRuleSets({ options, ruleSets }: State, queued: readonly Queued[]): Promise<void> {
  for (const { columns } of queued.map(({ entry }) => entry)) {
    if (columns.ruleSet === null || ruleSets.has(columns.ruleSet)) continue;
    await options.db.query({ text: "select bailiwick.add_rule_set($1, $2, $3)", values: [options.tenant, columns.ruleSet, columns.rules] });
    ruleSets.add(columns.ruleSet);
  }
}

/** One entry that the database cannot hold must not stop its neighbours: halve until it stands alone. */
async function apart(state: State, queued: readonly Queued[]): Promise<void> {
  const [only] = queued;
  if (queued.length === 1 && only !== undefined) {
    only.fail(
      new Fault(
        "log_unavailable",
        `the record of call \`${only.entry.callId}\` cannot be stored and was not written; report this with the call id`,
      ),
    );
    return;
  }
  const half = queued.length >> 1;
  await deliver(state, queued.slice(0, half));
  await deliver(state, queued.slice(half));
}

/** Appends exactly once: a batch whose answer was lost is looked up, and sent again only when it can no longer arrive. */
async function appendSurely(state: State, entries: readonly WireEntry[]): Promise<readonly AppendResult[]> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const batch: Batch = { tenant: state.options.tenant, writer: state.options.writer, number: ++state.batches, entries };
    try {
      return await appendBatch(state.options.db, batch);
    } catch (error) {
      if (!isUncertain(error)) throw error;
      state.uncertain = batch;
      const results = await settleBefore(state, batch, deadline);
      state.uncertain = undefined;
      if (results !== undefined) return results;
      if (performance.now() > deadline) throw error;
    }
  }
}

async function settleBefore(state: State, batch: Batch, deadline: number): Promise<readonly AppendResult[] | undefined> {
  for (;;) {
    try {
      return await settleBatch(state.options.db, batch);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(SETTLE_RETRY_MS);
    }
  }
}

/** Finds out about a batch that was given up on. What is in the log after all gets an end, because nothing was sent for it. */
async function settleUncertain(state: State): Promise<void> {
  const batch = state.uncertain;
  if (batch !== undefined) {
    const results = await settleBatch(state.options.db, batch);
    state.uncertain = undefined;
    const written = batch.entries.filter((_, place) => results?.[place]?.ok === true);
    // Owed ends may have been that batch themselves.
    state.owedEnds = [...state.owedEnds.filter((end) => !written.includes(end)), ...state.options.foundLater(written)];
  }
  if (state.owedEnds.length === 0) return;
  await appendSurely(state, state.owedEnds);
  state.owedEnds = [];
}

/**
 * Whether the database may have committed although it did not say so. A plain SQL error means that it rolled back; one that ended the session
 * does not, whatever its code: a write-ahead log that is full where the commit was to be written ends the server with a code of its own.
 */
function isUncertain(error: unknown): boolean {
  const code = errorState(error);
  // What is no SQLSTATE comes from the line, such as EPIPE; of the classes of SQLSTATEs none begins with E.
  if (code === undefined || !/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)) return true;
  if (error instanceof DatabaseError && (error.severity === "FATAL" || error.severity === "PANIC")) return true;
  return code.startsWith("08") || code.startsWith("57P") || code.startsWith("XX") || code.startsWith("58");
}

/** Classes 22 and 23: the data itself is at fault. 54: too complex. */
function isBadEntry(error: unknown): boolean {
  return /^(?:22|23|54)[0-9A-Z]{3}$/.test(errorState(error) ?? "");
}

function refuse(state: State, queued: readonly Queued[], cause?: unknown): void {
  const entries = queued.map(({ entry }) => entry);
  const { breaker } = state.options;
  if (breaker.open !== undefined) breaker.open = withRefused(breaker.open, entries);
  const { since, why } = breaker.open ?? { since: state.options.now(), why: "unexpected failure" };
  const fault = new Fault(
    "log_unavailable",
    `the log of tenant \`${state.options.tenant}\` cannot be written since ${since.toISOString()} (${why}), and nothing runs unrecorded; check that PostgreSQL runs and has free disk space, then try again`,
    { cause },
  );
  for (const { fail } of queued) fail(fault);
}
