import { BROKER } from "./domain/admin-record.ts";
import type { AuditLog } from "./domain/audit.ts";
import type { Elevation, ElevationStore } from "./domain/elevation.ts";
import { elevationRecord } from "./domain/elevation-record.ts";

/** What ended longer ago while no broker ran is not said any more; the yes of back then says until when it was. */
const SINCE_MS = 7 * 24 * 60 * 60_000;
/** Records of one elevation: an ask, a few answers, an end. */
const MAX_RECORDS = 50;

export interface ElevationEndsDeps {
  readonly elevations: Pick<ElevationStore, "ended">;
  readonly log: Pick<AuditLog, "append" | "query">;
  now(): Date;
}

/** Ends that this broker knows to be in the log, by tenant, so that it does not ask the log about each of them at every look. */
export type KnownEnds = Map<string, ReadonlySet<string>>;

/**
 * Says in a tenant's log which rights ended by time, and which questions nobody answered, each once over all brokers: whether it was said the log
 * itself tells. Nothing depends on it, as every decision looks at the time. Returns how many were said.
 * @throws Fault `log_unavailable` | `store_unavailable`.
 */
export async function sayEnds({ elevations, log, now }: ElevationEndsDeps, tenant: string, known: KnownEnds): Promise<number> {
  let said = 0;
  const before = known.get(tenant);
  const seen = new Set<string>();
  await elevations.ended(tenant, SINCE_MS, async (elevation) => {
    const isKnown = before?.has(elevation.id) === true || (await isSaid(log, elevation));
    if (isKnown) return void seen.add(elevation.id);
    const { given } = elevation;
    const body = given === undefined ? { answered: false } : { answered: true, until: given.until.toISOString() };
    await log.append(tenant, elevationRecord(elevation, { at: now(), event: "elevation.end", by: BROKER, body }));
    seen.add(elevation.id);
    said += 1;
  });
  // Only what comes again is kept. None at all: another broker was at it.
  if (seen.size > 0) known.set(tenant, seen);
  return said;
}

async function isSaid(log: ElevationEndsDeps["log"], { tenant, id }: Elevation): Promise<boolean> {
  const records = await log.query(tenant, { callId: id, kind: "admin", limit: MAX_RECORDS });
  return records.some(({ text }) => {
    const leaf: unknown = JSON.parse(text);
    return typeof leaf === "object" && leaf !== null && "event" in leaf && leaf.event === "elevation.end";
  });
}
