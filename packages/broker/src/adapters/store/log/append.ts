import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import type { WireEntry } from "./entry.ts";

/** What became of one entry of a batch. */
export type AppendResult =
  | { readonly ok: true; readonly seq: number; readonly hash: string }
  | { readonly ok: false; readonly why: "session_not_live" | "proof_replayed" }
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

const answerSchema = z.object({
  first: z.number(),
  hashes: z.array(z.string()),
  refused: z.array(
    z.discriminatedUnion("why", [
      z.object({ place: z.number(), why: z.literal(["session_not_live", "proof_replayed"]) }),
      z.object({
        place: z.number(),
        why: z.literal("over_limit"),
        key: z.string(),
        used: z.number(),
        max: z.number(),
        retryAfterMs: z.number(),
      }),
    ]),
  ),
});

/** Appends a batch in one round trip; its entries' results are in their order. Throws what the driver throws. */
export async function appendBatch(db: Queryable, batch: Batch): Promise<readonly AppendResult[]> {
  const { rows } = await db.query({
    name: "append_records",
    text: "select bailiwick.append_records($1, $2, $3, $4) as answer",
    values: [batch.tenant, batch.writer, batch.number, JSON.stringify(batch.entries)],
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

function answerOf(rows: readonly unknown[]): unknown {
  const row = rows[0];
  return typeof row === "object" && row !== null && "answer" in row ? row.answer : undefined;
}

function results(batch: Batch, answer: unknown): readonly AppendResult[] {
  const { first, hashes, refused } = answerSchema.parse(answer);
  const byPlace = new Map(refused.map((each) => [each.place, each]));
  let appended = 0;
  return batch.entries.map((_, place) => {
    const refusal = byPlace.get(place);
    if (refusal !== undefined) {
      return refusal.why !== "over_limit"
        ? { ok: false, why: refusal.why }
        : { ok: false, why: refusal.why, key: refusal.key, used: refusal.used, max: refusal.max, retryAfterMs: refusal.retryAfterMs };
    }
    const hash = hashes[appended];
    if (hash === undefined) throw new Error("the log answered for fewer records than it was given");
    return { ok: true, seq: first + appended++, hash };
  });
}
