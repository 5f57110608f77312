import { setImmediate as nextTick, setTimeout as sleep } from "node:timers/promises";
import { DatabaseError } from "pg";
import { Fault } from "../../../domain/fault.ts";
import { errorState } from "../connections.ts";
import type { Queryable } from "../queryable.ts";
import { describe } from "../unavailable.ts";
import { type OpenBreaker, outageOf, tripped, withRefused } from "./breaker.ts";
import { admitBatch, appendBatch, type AppendResult, type Batch, refusalOf, settleBatch } from "./append.ts";
import type { LogOutage } from "../../../domain/audit.ts";
import type { WireEntry } from "./wire-entry.ts";

/** The writer of one tenant's log in this process. One batch is under way at a time; what comes meanwhile goes in the next. */
export interface LogWriter {
  /** Resolves when the entry is durable, or was refused. @throws Fault `log_unavailable`. */
  write(entry: WireEntry): Promise<AppendResult>;
  /** Who is blocked, and since when; undefined when the log can be written, as far as known. */
  outage(): LogOutage | undefined;
}

export interface WriterOptions {
  readonly tenant: string;
  /** Names this writer in the database; no other writer, in any process, has it. */
  readonly writer: string;
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
/** More waiting entries mean that the database has stood still for seconds: refusing is better than growing. */
const MAX_QUEUED_ENTRIES = 20_000;
/** How long callers wait for the answer about a batch whose connection was lost; a restart of the server takes less. */
const SETTLE_TIMEOUT_MS = 5_000;
const SETTLE_RETRY_MS = 50;

interface Queued {
  readonly entry: WireEntry;
  readonly settle: (result: AppendResult) => void;
  readonly fail: (fault: Fault) => void;
}

interface State {
  readonly options: WriterOptions;
  readonly queue: Queued[];
  draining: boolean;
  batches: number;
  /** A batch whose fate is not known yet: nothing is written before it is. */
  uncertain: Batch | undefined;
  down: OpenBreaker | undefined;
  /** Ids of rule sets that this process has written. */
  readonly ruleSets: Set<string>;
}

export function logWriter(options: WriterOptions): LogWriter {
  const state: State = { options, queue: [], draining: false, batches: 0, uncertain: undefined, down: undefined, ruleSets: new Set() };
  return {
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
    outage: () => (state.down === undefined ? undefined : outageOf(options.tenant, state.down)),
  };
}

async function drain(state: State): Promise<void> {
  state.draining = true;
  while (state.queue.length > 0) {
    // What other callers hand in during this turn of the event loop goes into the same batch.
    await nextTick();
    const batch = takeBatch(state.queue);
    if (state.down !== undefined && performance.now() < state.down.probeAt) {
      refuse(state, batch);
      continue;
    }
    await deliver(state, batch);
  }
  state.draining = false;
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
    const before = state.down === undefined ? [] : [state.options.recovered(outageOf(state.options.tenant, state.down))];
    const results = await appendSurely(state, [...before, ...waiting.map(({ entry }) => entry)]);
    state.down = undefined;
    state.options.appended(results.filter(({ ok }) => ok).length);
    results.slice(before.length).forEach((result, place) => waiting[place]?.settle(result));
  } catch (error) {
    if (isBadEntry(error)) return apart(state, waiting);
    state.down = tripped(state.down, { why: describe(error), at: state.options.now(), clock: performance.now() });
    refuse(state, waiting, error);
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
  return queued.filter((_, place) => !gone.has(place)).map(({ entry: { conditions: _, ...entry }, ...one }) => ({ ...one, entry }));
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
  if (batch === undefined) return;
  const results = await settleBatch(state.options.db, batch);
  state.uncertain = undefined;
  if (results === undefined) return;
  const written = batch.entries.filter((_, place) => results[place]?.ok === true);
  const ends = state.options.foundLater(written);
  if (ends.length > 0) await appendSurely(state, ends);
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
  if (state.down !== undefined) state.down = withRefused(state.down, entries);
  const { since, why } = state.down ?? { since: state.options.now(), why: "unexpected failure" };
  const fault = new Fault(
    "log_unavailable",
    `the log of tenant \`${state.options.tenant}\` cannot be written since ${since.toISOString()} (${why}), and nothing runs unrecorded; check that PostgreSQL runs and has free disk space, then try again`,
    { cause },
  );
  for (const { fail } of queued) fail(fault);
}
