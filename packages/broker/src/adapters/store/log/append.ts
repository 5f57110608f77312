import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import type { Reservation } from "../../../domain/audit.ts";
import type { WireEntry } from "./wire-entry.ts";

/** What became of one entry of a batch. */
export type AppendResult =
  | { readonly ok: true; readonly index: number }
  | { readonly ok: false; readonly why: "session_not_live" | "proof_replayed" | "approval_gone" | "elevation_over" }
  /** Somebody it names was erased since it was made: it is to be made again. */
  | { readonly ok: false; readonly why: "subject_gone" }
  | {
      readonly ok: false;
      readonly why: "over_limit";
      readonly key: string;
      readonly used: number;
      readonly max: number;
      readonly retryAfterMs: number;
    };

export interface Batch {
  readonly tenant: string;
  readonly writer: string;
  readonly number: number;
  readonly entries: readonly WireEntry[];
}

const refusedSchema = z.array(
  z.discriminatedUnion("why", [
    z.object({
      place: z.number(),
      why: z.literal(["session_not_live", "proof_replayed", "approval_gone", "elevation_over", "subject_gone"]),
    }),
    z.object({
      place: z.number(),
      why: z.literal("over_limit"),
      key: z.string(),
      used: z.number(),
      max: z.number(),
      retryAfterMs: z.number(),
    }),
  ]),
);
export type Refused = z.output<typeof refusedSchema>;

const answerSchema = z.object({ first: z.number(), appended: z.number(), refused: refusedSchema });

/** Appends a batch in one round trip; its entries' results are in their order. Throws what the driver throws. */
export async function appendBatch(db: Queryable, batch: Batch): Promise<readonly AppendResult[]> {
  const { rows } = await db.query({
    name: "append_records",
    text: APPEND,
    values: [
      batch.tenant,
      batch.writer,
      batch.number,
      ...conditionsOf(batch.entries),
      ...columnsOf(batch.entries),
      ...factsOf(batch.entries),
      ...callsOf(batch.entries),
      leasesOf(batch.entries),
    ],
  });
  return results(batch, answerOf(rows));
}

/** The results of a batch whose answer was lost; undefined when it was not committed, and then it never will be. */
export async function settleBatch(db: Queryable, batch: Batch): Promise<readonly AppendResult[] | undefined> {
  const { rows } = await db.query({
    text: "select bailiwick.settle_batch($1, $2, $3) as answer",
    values: [batch.tenant, batch.writer, batch.number],
  });
  const answer = answerOf(rows);
  return answer === null ? undefined : results(batch, answer);
}

/** Where the log is a database of its own: takes what a batch's entries need from the database of sessions and limits. */
export async function admitBatch(db: Queryable, tenant: string, entries: readonly WireEntry[]): Promise<Refused> {
  const [asks, conditions] = conditionsOf(entries);
  if (asks === null) return [];
  const { rows } = await db.query({ text: "select bailiwick.admit($1, $2, $3) as answer", values: [tenant, asks, conditions] });
  return refusedSchema.parse(answerOf(rows));
}

/** What the database says of refused entries, in the caller's own words. */
export function refusalOf(entry: WireEntry, refusal: Refused[number]): Exclude<AppendResult, { ok: true }> {
  if (refusal.why !== "over_limit") return { ok: false, why: refusal.why };
  const { key, used, max, retryAfterMs } = refusal;
  return { ok: false, why: "over_limit", key: entry.limitKeys?.get(key) ?? key, used, max, retryAfterMs };
}

const PARAMETERS = 28;
const APPEND = `select bailiwick.append_records(${Array.from({ length: PARAMETERS }, (_, place) => `$${place + 1}`).join(", ")}) as answer`;

/** What all entries ask for together, and what each does: the second is read only where the first is not all there. */
function conditionsOf(entries: readonly WireEntry[]): readonly [string | null, string | null] {
  const conditions = entries.flatMap(({ conditions: own }, place) => (own === undefined ? [] : [{ place, ...own }]));
  if (conditions.length === 0) return [null, null];
  const distinct = (values: readonly string[]): readonly string[] => [...new Set(values)];
  const asks = {
    subjects: distinct(conditions.flatMap(({ subjects }) => subjects ?? [])),
    sessions: distinct(conditions.flatMap(({ session }) => session ?? [])),
    // Of two entries with one proof only one can go: their number then does not fit, and each is looked at.
    proofs: conditions.flatMap(({ proof }) => proof ?? []),
    sums: sumsOf(conditions.flatMap(({ reservations }) => reservations ?? [])),
    // What people gave is few and is looked at one by one.
    rights: conditions.some(({ approval, bounded, elevations }) => (approval ?? bounded ?? elevations) !== undefined),
  };
  return [JSON.stringify(asks), JSON.stringify(conditions)];
}

/** Reservations added up by counter, in the order of counters. */
function sumsOf(reservations: readonly Reservation[]): readonly (Reservation & { readonly least: number })[] {
  const sums = new Map<string, Reservation & { readonly least: number }>();
  for (const { key, windowMs, amount, max } of reservations) {
    const name = `${key}\n${windowMs}`;
    const sum = sums.get(name) ?? { key, windowMs, amount: 0, max, least: amount };
    sums.set(name, { ...sum, amount: sum.amount + amount, max: Math.min(sum.max, max), least: Math.min(sum.least, amount) });
  }
  return [...sums].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, sum]) => sum);
}

function factsOf(entries: readonly WireEntry[]): readonly [Buffer | null, readonly number[] | null] {
  let end = 0;
  const ends = entries.map(({ facts }) => (end += facts?.byteLength ?? 0));
  return end === 0 ? [null, null] : [Buffer.concat(entries.flatMap(({ facts }) => facts ?? [])), ends];
}

/** What entries hold while their calls run. */
function leasesOf(entries: readonly WireEntry[]): string | null {
  const leases = entries.flatMap(({ leases: own }, place) => (own === undefined ? [] : [{ place, leases: own }]));
  return leases.length === 0 ? null : JSON.stringify(leases);
}

const ENDS = new Set<WireEntry["kind"]>(["outcome", "refusal", "hold"]);

/** Places, from 1 on, of entries that begin a call which this batch does not end, and of those that end one. */
function callsOf(entries: readonly WireEntry[]): readonly [readonly number[] | null, readonly number[] | null] {
  const beginning: number[] = [];
  const ending: number[] = [];
  const ended = new Set<string>();
  for (let place = entries.length; place >= 1; place -= 1) {
    const entry = entries[place - 1];
    if (entry === undefined) continue;
    if (ENDS.has(entry.kind)) {
      ending.push(place);
      ended.add(entry.callId);
    } else if ((entry.kind === "intent" || entry.kind === "lookup") && !ended.has(entry.callId)) beginning.push(place);
  }
  return [beginning.length === 0 ? null : beginning, ending.length === 0 ? null : ending];
}

/** A line an entry: canonical JSON has no line feed, and `columnText` leaves none in a column. */
function columnsOf(entries: readonly WireEntry[]): readonly unknown[] {
  const column = (pick: (columns: WireEntry["columns"]) => string | null): string =>
    entries.map(({ columns }) => pick(columns) ?? "").join("\n");
  return [
    entries.map(({ kind }) => kind).join("\n"),
    entries.map(({ callId }) => callId).join("\n"),
    column(({ at }) => at),
    entries.map(({ leaf }) => leaf).join("\n"),
    column(({ agent }) => agent),
    column(({ subject }) => subject),
    column(({ session }) => session),
    column(({ run }) => run),
    column(({ task }) => task),
    column(({ tool }) => tool),
    column(({ action }) => action),
    column(({ resource }) => resource),
    column(({ verdict }) => verdict),
    column(({ status }) => status),
    column(({ code }) => code),
    column(({ approver }) => approver),
    column(({ ruleSet }) => ruleSet),
    column(({ broker }) => broker),
  ];
}

function answerOf(rows: readonly unknown[]): unknown {
  const row = rows[0];
  return typeof row === "object" && row !== null && "answer" in row ? row.answer : undefined;
}

function results(batch: Batch, answer: unknown): readonly AppendResult[] {
  const { first, appended, refused } = answerSchema.parse(answer);
  if (appended + refused.length !== batch.entries.length) throw new Error("the log answered for fewer records than it was given");
  const byPlace = new Map(refused.map((each) => [each.place, each]));
  let next = first;
  return batch.entries.map((entry, place) => {
    const refusal = byPlace.get(place);
    return refusal === undefined ? { ok: true, index: next++ } : refusalOf(entry, refusal);
  });
}
