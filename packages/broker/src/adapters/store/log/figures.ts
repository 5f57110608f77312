import type { Kysely, Transaction } from "kysely";
import type { AuditLog } from "../../../domain/audit.ts";
import { FIGURE_DAYS, type LogFigures } from "../../../domain/log-figures.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import type { Tables } from "../tables.ts";
import { inTenant } from "../tenant-scope.ts";
import { countRecords, delaysIn, logBounds } from "./figures-rows.ts";
import { type LogTally, newTally } from "./figures-tally.ts";
import { boundsOf } from "./query.ts";

const DAY_MS = 86_400_000;
/** Records that are counted at once: `aCount` by one statement, some hundred milliseconds; `aLook` by one look at a log that was not counted yet. */
const RECORDS: CountedAtOnce = { aCount: 50_000, aLook: 100_000 };

interface CountedAtOnce {
  readonly aCount: number;
  readonly aLook: number;
}

/** What was counted of a log: the records of one range of indexes, each once. */
interface Counted {
  from: number;
  to: number;
  readonly tally: LogTally;
}

/**
 * The part of the log's port that counts. Records never change, so that each is counted once for as long as this process runs, and a look costs
 * what was appended since the one before.
 */
export function figuresReader({ logDb }: { readonly logDb: Kysely<Tables> }, atOnce = RECORDS): Pick<AuditLog, "figures"> {
  const known = new Map<string, Counted>();
  // Two looks at once would count the same records twice.
  const inTurn = oneAtATime();
  return {
    figures: (tenant, now) => inTurn(tenant, () => inTenant(logDb, tenant, (scoped) => look(scoped, { known, atOnce }, tenant, now))),
  };
}

interface Counting {
  readonly known: Map<string, Counted>;
  readonly atOnce: CountedAtOnce;
}

async function look(scoped: Transaction<Tables>, { known, atOnce }: Counting, tenant: string, now: Date): Promise<LogFigures> {
  const first = new Date((Math.floor(now.getTime() / DAY_MS) - (FIGURE_DAYS - 1)) * DAY_MS);
  const { base, size, begins } = await logBounds(scoped, tenant);
  const { low } = await boundsOf(scoped, tenant, { from: first });
  const oldest = Math.max(base, low ?? 0);
  const counted = known.get(tenant) ?? { from: size, to: size, tally: newTally() };
  const count = async (from: number, to: number): Promise<number> => {
    counted.tally.add(await countRecords(scoped, tenant, from, to), await delaysIn(scoped, tenant, from, to), to - from);
    return to - from;
  };
  let left = atOnce.aLook;
  while (counted.to < size && left > 0) {
    const to = Math.min(size, counted.to + atOnce.aCount);
    left -= await count(counted.to, to);
    counted.to = to;
  }
  while (counted.from > oldest && left > 0) {
    const from = Math.max(oldest, counted.from - atOnce.aCount);
    left -= await count(from, counted.from);
    counted.from = from;
  }
  counted.tally.forget(first);
  known.set(tenant, counted);
  return { ...counted.tally.figures(), complete: counted.to >= size && counted.from <= oldest, begins: begins ?? undefined };
}
