import type { LogOutage } from "../../../domain/audit.ts";
import type { WireEntry } from "./wire-entry.ts";

/** Of one log; open while it cannot be written. */
export interface Breaker {
  open: OpenBreaker | undefined;
}

/** The breaker is open: entries fail at once, and one in a while tries. */
export interface OpenBreaker {
  readonly since: Date;
  readonly why: string;
  /** On the clock of `performance.now()`. */
  readonly probeAt: number;
  readonly refused: number;
  readonly agents: readonly string[];
}

/** While the log is down, entries fail at once and one in this time tries. */
const PROBE_EVERY_MS = 500;
/** Agents named in messages and in the record of the outage. */
const MAX_AGENTS = 20;

/** Whether a batch may be sent. Of the lanes of a log one tries in a while, so that one of them records the outage. */
export function mayTry(breaker: Breaker, clock: number): boolean {
  if (breaker.open === undefined) return true;
  if (clock < breaker.open.probeAt) return false;
  breaker.open = { ...breaker.open, probeAt: clock + PROBE_EVERY_MS };
  return true;
}

/** Opens the breaker, or keeps it open, after a failure. */
export function tripped(
  breaker: OpenBreaker | undefined,
  failure: { readonly why: string; readonly at: Date; readonly clock: number },
): OpenBreaker {
  return {
    since: breaker?.since ?? failure.at,
    why: failure.why,
    probeAt: failure.clock + PROBE_EVERY_MS,
    refused: breaker?.refused ?? 0,
    agents: breaker?.agents ?? [],
  };
}

/** Counts entries that were refused. */
export function withRefused(breaker: OpenBreaker, entries: readonly WireEntry[]): OpenBreaker {
  const agents = new Set(breaker.agents);
  for (const { columns } of entries) if (columns.agent !== null && agents.size < MAX_AGENTS) agents.add(columns.agent);
  return { ...breaker, refused: breaker.refused + entries.length, agents: [...agents] };
}

export function outageOf(tenant: string, { since, why, refused, agents }: OpenBreaker): LogOutage {
  return { tenant, since, why, refused, agents };
}
