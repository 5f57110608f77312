import type { RepeatMemory } from "../../call/repeats.ts";

/** Remembered at most, of each kind; what came first is forgotten first. */
const MAX_CALLS = 100_000;
const MAX_RUNS = 10_000;
/** Refused calls of one run; a run that is refused more different ones is no loop. */
const MAX_CALLS_OF_RUN = 200;

interface Refused {
  times: number;
  lastMs: number;
}

/** In this process only: another broker counts for itself. */
export function repeatMemory(): RepeatMemory {
  const seen = new Map<string, number>();
  const large = new Map<string, number>();
  const runs = new Map<string, Map<string, Refused>>();
  const counted = (run: string, call: string, now: Date, pauseMs: number): Refused | undefined => {
    const known = runs.get(run)?.get(call);
    return known !== undefined && now.getTime() - known.lastMs < pauseMs ? known : undefined;
  };
  return {
    seenBefore: (key, now, windowMs) => {
      const before = seen.get(key);
      keep(seen, key, now.getTime(), MAX_CALLS);
      return before !== undefined && now.getTime() - before < windowMs;
    },
    refused: (run, call, now, pauseMs) => {
      const times = (counted(run, call, now, pauseMs)?.times ?? 0) + 1;
      const calls = runs.get(run) ?? new Map<string, Refused>();
      keep(calls, call, { times, lastMs: now.getTime() }, MAX_CALLS_OF_RUN);
      keep(runs, run, calls, MAX_RUNS);
      return times;
    },
    refusals: (run, call, now, pauseMs) => counted(run, call, now, pauseMs)?.times ?? 0,
    hasRefusals: (run) => runs.has(run),
    noteLarge: (key, records) => keep(large, key, records, MAX_RUNS),
    largeBefore: (key) => large.get(key),
  };
}

/** Puts it at the end of the line, and lets go of the first when there are too many. */
function keep<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const first of map.keys()) {
    map.delete(first);
    return;
  }
}
