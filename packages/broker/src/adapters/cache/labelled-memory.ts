import type { LabelledMemory } from "../../call/labelled.ts";

/** Runs that are remembered; the one that was quiet longest is forgotten first. */
const MAX_RUNS = 1_000;
/** Values of one label in one run; the oldest is forgotten first. */
const MAX_VALUES = 2_000;

export function labelledMemory(): LabelledMemory {
  const runs = new Map<string, Set<string>>();
  return {
    note: (tenant, run, label, values) => {
      const key = keyOf(tenant, run, label);
      const known = runs.get(key) ?? new Set<string>();
      for (const value of values) {
        known.delete(value);
        known.add(value);
        const [oldest] = known;
        if (known.size > MAX_VALUES && oldest !== undefined) known.delete(oldest);
      }
      // To the end of the line.
      runs.delete(key);
      runs.set(key, known);
      const [quietest] = runs.keys();
      if (runs.size > MAX_RUNS && quietest !== undefined) runs.delete(quietest);
    },
    seen: (tenant, run, label) => [...(runs.get(keyOf(tenant, run, label)) ?? [])],
  };
}

function keyOf(tenant: string, run: string, label: string): string {
  return `${tenant}\0${run}\0${label}`;
}
