import type { RunMemory, Seen } from "../../call/origins.ts";

/** Values remembered over all runs; the run that was quiet longest is forgotten first. */
const MAX_VALUES = 200_000;
/** Of one run; later ones are not remembered, so that one run cannot push out the others. */
const MAX_VALUES_OF_RUN = 10_000;

/** In this process only: another broker has its own. What is forgotten reads as never seen, which people are warned of, not reassured by. */
export function runMemory(): RunMemory {
  const runs = new Map<string, Map<string, Seen>>();
  let values = 0;
  const forgetOldest = (): void => {
    for (const [key, known] of runs) {
      if (values <= MAX_VALUES || runs.size === 1) return;
      runs.delete(key);
      values -= known.size;
    }
  };
  return {
    note: (tenant, run, found, seen) => {
      const key = keyOf(tenant, run);
      const known = runs.get(key) ?? new Map<string, Seen>();
      for (const value of found) {
        if (known.size >= MAX_VALUES_OF_RUN) break;
        if (known.has(value)) continue;
        known.set(value, seen);
        values += 1;
      }
      if (known.size === 0) return;
      // To the end of the line.
      runs.delete(key);
      runs.set(key, known);
      forgetOldest();
    },
    find: (tenant, run, value) => runs.get(keyOf(tenant, run))?.get(value),
  };
}

function keyOf(tenant: string, run: string): string {
  return `${tenant}\0${run}`;
}
