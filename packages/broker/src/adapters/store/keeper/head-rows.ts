import { headsMap, type HeadsMap, type SequenceHead, type SequenceKey } from "@bailiwick/ledger";
import { z } from "zod";
import type { Queryable } from "../queryable.ts";

const rowsSchema = z.array(z.object({ kind: z.string(), name: z.string(), count: z.number(), last_index: z.number() }));

/** The heads of all sequences as the newest checkpoint counts them. */
export async function readHeads(db: Queryable, tenant: string): Promise<HeadsMap> {
  const { rows } = await db.query({
    text: "select kind, name, count, last_index from bailiwick.sequence_heads where tenant_id = $1",
    values: [tenant],
  });
  const heads = headsMap();
  for (const { kind, name, count, last_index: lastIndex } of rowsSchema.parse(rows)) heads.restore({ kind, name, count, lastIndex });
  return heads;
}

export async function writeHeads(db: Queryable, tenant: string, heads: HeadsMap, changed: Iterable<SequenceKey>): Promise<void> {
  const own = [...changed].map((key) => heads.get(key)).filter((head): head is SequenceHead => head !== undefined);
  await db.query({
    text: `insert into bailiwick.sequence_heads (tenant_id, kind, name, count, last_index)
           select $1, kind, name, count, last_index from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) as h (kind, name, count, last_index)
           on conflict (tenant_id, kind, name) do update set count = excluded.count, last_index = excluded.last_index`,
    values: [
      tenant,
      own.map(({ kind }) => kind),
      own.map(({ name }) => name),
      own.map(({ count }) => count),
      own.map(({ lastIndex }) => lastIndex),
    ],
  });
}
