import type { RunMemory, Seen, Sightings } from "../../call/origins.ts";

/** Values remembered over all runs; the run that was quiet longest is forgotten first. */
const MAX_VALUES = 200_000;
/** Of one run; later ones are not remembered, so that one run cannot push out the others. */
const MAX_VALUES_OF_RUN = 10_000;

/** Answers that wait to be looked through; with more, the look is taken at once, so that they do not pile up. */
const MAX_WAITING = 64;

/** In this process only: another broker has its own. What is forgotten reads as never seen, which people are warned of, not reassured by. */
export function runMemory(): RunMemory {
  const runs = new Map<string, Map<string, Seen>>();
  const waiting: { readonly key: string; readonly look: () => Sightings }[] = [];
  let values = 0;
  const forgetOldest = (): void => {
    for (const [key, known] of runs) {
      if (values <= MAX_VALUES || runs.size === 1) return;
      runs.delete(key);
      values -= known.size;
    }
  };
  const remember = (key: string, sightings: Sightings): void => {
    const known = runs.get(key) ?? new Map<string, Seen>();
    for (const { values: found, seen } of sightings) {
      for (const value of found) {
        if (known.size >= MAX_VALUES_OF_RUN) break;
        if (known.has(value)) continue;
        known.set(value, seen);
        values += 1;
      }
    }
    if (known.size === 0) return;
    // To the end of the line.
    runs.delete(key);
    runs.set(key, known);
    forgetOldest();
  };
  // In the order in which they came: the first sight of a value counts.
  const lookThrough = (): void => {
    for (const { key, look } of waiting.splice(0)) remember(key, look());
  };
  return {
    note: (tenant, run, look) => {
      if (waiting.length === 0) setImmediate(lookThrough);
      waiting.push({ key: keyOf(tenant, run), look });
      if (waiting.length > MAX_WAITING) lookThrough();
    },
    find: (tenant, run, value) => {
      lookThrough();
      return runs.get(keyOf(tenant, run))?.get(value);
    },
  };
}

function keyOf(tenant: string, run: string): string {
  return `${tenant}\0${run}`;
}
