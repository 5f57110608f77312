import type { LogOutage } from "../../../domain/audit.ts";
import type { AppendResult } from "./append.ts";
import { type Breaker, outageOf } from "./breaker.ts";
import { type Lane, type LaneOptions, logLane } from "./lane.ts";
import type { WireEntry } from "./wire-entry.ts";

/** The writer of one tenant's log in this process. */
export interface LogWriter {
  /** Resolves when the entry is durable, or was refused. @throws Fault `log_unavailable`. */
  write(entry: WireEntry): Promise<AppendResult>;
  /** Who is blocked, and since when; undefined when the log can be written, as far as known. */
  outage(): LogOutage | undefined;
}

/** With two, entries are made here while others are written there; the log's own lock lets one batch in at a time anyway. */
const LANES = 2;
/** What a batch costs beside its entries is worth paying a second time for so many; fewer wait and go together. */
const WORTH_A_BATCH = 32;

export function logWriter(options: Omit<LaneOptions, "breaker" | "turn">): LogWriter {
  const breaker: Breaker = { open: undefined };
  const { turn, look } = turns();
  const lanes = Array.from({ length: LANES }, (_, lane) => logLane({ ...options, writer: `${options.writer} ${lane}`, breaker, turn }));
  return {
    write: (entry) => {
      const lane = laneFor(lanes);
      const written = lane.write(entry);
      if (lane.state.waiting === WORTH_A_BATCH) look();
      return written;
    },
    outage: () => (breaker.open === undefined ? undefined : outageOf(options.tenant, breaker.open)),
  };
}

/** A small batch is not sent while another is under way. */
function turns(): { readonly turn: LaneOptions["turn"]; readonly look: () => void } {
  const road = { underWay: 0 };
  let waiting: (() => void)[] = [];
  const look = (): void => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  const turn: LaneOptions["turn"] = async (entries) => {
    while (road.underWay > 0 && entries() < WORTH_A_BATCH) await new Promise<void>((resolve) => waiting.push(resolve));
    road.underWay += 1;
    return () => {
      road.underWay -= 1;
      look();
    };
  };
  return { turn, look };
}

/**
 * A lane with a batch of unknown fate finds out with its next one. Else entries gather in the lane that waits for its turn, or in one that has
 * nothing to do; where all are under way, in the shorter queue.
 */
function laneFor(lanes: readonly Lane[]): Lane {
  const [first, ...others] = lanes;
  if (first === undefined) throw new Error("a log has at least one lane");
  const free = lanes.filter(({ state }) => !state.busy);
  const chosen = free.find(({ state }) => state.uncertain) ?? free.find(({ state }) => state.waiting > 0) ?? free[0];
  return chosen ?? others.reduce((best, lane) => (lane.state.waiting < best.state.waiting ? lane : best), first);
}
