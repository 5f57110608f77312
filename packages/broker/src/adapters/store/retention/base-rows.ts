import type { SequenceHead } from "@bailiwick/ledger";
import { z } from "zod";
import type { LogBase } from "../../../domain/evidence.ts";
import type { Queryable } from "../queryable.ts";

const baseRows = z.array(z.object({ size: z.number(), nodes: z.array(z.instanceof(Buffer)) }));
const headRows = z.array(z.object({ kind: z.string(), name: z.string(), count: z.number(), last_index: z.number() }));
/** Heads written with one statement. */
const PAGE = 10_000;

/** Where the records of a log begin; undefined when none were retired. The tenant of the transaction is set. */
export async function readBase(db: Queryable, tenant: string): Promise<LogBase | undefined> {
  const found = await db.query({ text: "select size, nodes from bailiwick.log_bases where tenant_id = $1 and size > 0", values: [tenant] });
  const [base] = baseRows.parse(found.rows);
  if (base === undefined) return undefined;
  const { rows } = await db.query({
    text: "select kind, name, count, last_index from bailiwick.base_heads where tenant_id = $1 order by kind, name",
    values: [tenant],
  });
  const heads = headRows.parse(rows).map(({ kind, name, count, last_index: lastIndex }) => ({ kind, name, count, lastIndex }));
  return { frontier: { size: base.size, nodes: base.nodes }, heads };
}

/** Moves the base; of the heads only those that changed are needed. */
export async function writeBase(db: Queryable, tenant: string, { frontier, heads }: LogBase): Promise<void> {
  await db.query({
    text: `insert into bailiwick.log_bases (tenant_id, size, nodes) values ($1, $2, $3)
           on conflict (tenant_id) do update set size = excluded.size, nodes = excluded.nodes`,
    values: [tenant, frontier.size, frontier.nodes.map((node) => Buffer.from(node))],
  });
  for (let from = 0; from < heads.length; from += PAGE) await writeHeads(db, tenant, heads.slice(from, from + PAGE));
}

async function writeHeads(db: Queryable, tenant: string, heads: readonly SequenceHead[]): Promise<void> {
  await db.query({
    text: `insert into bailiwick.base_heads (tenant_id, kind, name, count, last_index)
           select $1, kind, name, count, last_index from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) as h (kind, name, count, last_index)
           on conflict (tenant_id, kind, name) do update set count = excluded.count, last_index = excluded.last_index`,
    values: [
      tenant,
      heads.map(({ kind }) => kind),
      heads.map(({ name }) => name),
      heads.map(({ count }) => count),
      heads.map(({ lastIndex }) => lastIndex),
    ],
  });
}
