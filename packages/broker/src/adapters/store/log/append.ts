import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import type { WireEntry } from "./wire-entry.ts";

/** What became of one entry of a batch. */
export type AppendResult =
  | { readonly ok: true; readonly index: number }
  | { readonly ok: false; readonly why: "session_not_live" | "proof_replayed" }
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
    z.object({ place: z.number(), why: z.literal(["session_not_live", "proof_replayed", "subject_gone"]) }),
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
    text: `select bailiwick.append_records($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) as answer`,
    values: [batch.tenant, batch.writer, batch.number, conditionsText(batch.entries), ...columnsOf(batch.entries)],
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
  const conditions = conditionsText(entries);
  if (conditions === null) return [];
  const { rows } = await db.query({ text: "select bailiwick.admit($1, $2) as answer", values: [tenant, conditions] });
  return refusedSchema.parse(answerOf(rows));
}

/** What the database says of refused entries, in the caller's own words. */
export function refusalOf(entry: WireEntry, refusal: Refused[number]): Exclude<AppendResult, { ok: true }> {
  if (refusal.why !== "over_limit") return { ok: false, why: refusal.why };
  const { key, used, max, retryAfterMs } = refusal;
  return { ok: false, why: "over_limit", key: entry.limitKeys?.get(key) ?? key, used, max, retryAfterMs };
}

function conditionsText(entries: readonly WireEntry[]): string | null {
  const conditions = entries.flatMap(({ conditions: own }, place) => (own === undefined ? [] : [{ place, ...own }]));
  return conditions.length === 0 ? null : JSON.stringify(conditions);
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
    Buffer.concat(entries.flatMap(({ facts }) => facts ?? [])),
    entries.map(({ facts }) => facts?.byteLength ?? 0),
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
