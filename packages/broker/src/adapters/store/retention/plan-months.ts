import { TILE_WIDTH } from "@bailiwick/ledger";
import { z } from "zod";
import type { RetirementPlan } from "../../../domain/erasure.ts";
import type { Queryable } from "../queryable.ts";

/** A plan, and where the months that stay begin: the records from `to` up to `end` are moved there. */
export interface MonthsPlan extends RetirementPlan {
  readonly last: number;
  readonly end: number;
}

const logRows = z.array(z.object({ size: z.number(), period: z.number(), base: z.number() }));
const periodRows = z.array(z.object({ period: z.number() }));
const edgeRows = z.tuple([z.object({ last: z.number().nullable(), next: z.number().nullable() })]);

/** The months of a log that ended before a moment; undefined when there are none. The tenant of the transaction is set. */
export async function planMonths(db: Queryable, tenant: string, before: Date, now: Date): Promise<MonthsPlan | undefined> {
  const [log] = logRows.parse(
    (await db.query({ text: "select size, period, base from bailiwick.logs where tenant_id = $1", values: [tenant] })).rows,
  );
  if (log === undefined) return undefined;
  const found = await db.query({ text: "select period from bailiwick.periods_of($1) as period", values: [tenant] });
  const over = periodRows
    .parse(found.rows)
    .map(({ period }) => period)
    .filter((period) => period < log.period && period < periodAt(now) && endOf(period) <= before)
    .toSorted((left, right) => left - right);
  // Two brokers at a month's end may have written into both months in turn: such months go together.
  for (let count = over.length; count > 0; count -= 1) {
    const last = over[count - 1] ?? 0;
    const end = await endOfMonths(db, tenant, last, log.size);
    if (end === undefined) continue;
    return { months: over.slice(0, count), last, end, from: log.base, to: Math.floor(end / TILE_WIDTH) * TILE_WIDTH };
  }
  return undefined;
}

/** Index of the first record after these months; undefined when some of theirs come later. */
async function endOfMonths(db: Queryable, tenant: string, last: number, size: number): Promise<number | undefined> {
  const { rows } = await db.query({
    text: `select (select max(index) from bailiwick.records where tenant_id = $1 and period <= $2) as last,
                  (select min(index) from bailiwick.records where tenant_id = $1 and period > $2) as next`,
    values: [tenant, last],
  });
  const [edge] = edgeRows.parse(rows);
  const end = edge.next ?? size;
  return (edge.last ?? -1) < end ? end : undefined;
}

function periodAt(moment: Date): number {
  return moment.getUTCFullYear() * 100 + moment.getUTCMonth() + 1;
}

/** The first moment after a month, UTC. */
function endOf(period: number): Date {
  return new Date(Date.UTC(Math.trunc(period / 100), period % 100, 1));
}
