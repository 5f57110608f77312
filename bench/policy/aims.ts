import { JSON_EACH_CALL, LOADED, SESSION } from "./bailiwick.ts";
import { CEDAR_WASM } from "./cedar-wasm.ts";
import type { SizeResult } from "./decisions.ts";
import { ROWS } from "./folder.ts";
import type { Summary } from "./measure.ts";
import type { ReloadCost } from "./memory.ts";
import type { RowTimes } from "./rows.ts";

/** One thing the run has to show. */
export interface Aim {
  readonly line: string;
  readonly holds: boolean;
}

export interface Measured {
  readonly results: readonly SizeResult[];
  readonly rows: readonly RowTimes[];
  readonly reloads: ReloadCost;
}

const MIN_FASTER_LOADED = 400;
const MIN_FASTER_JSON = 60;
const MAX_GROWTH_WITH_SIZE = 3;
const MAX_SESSION_US = 1.5;
const MAX_ROWS_MS = 20;
/** What a process that keeps nothing still differs by from one footprint to the next: compiled code, and pages the allocator holds. */
const MAX_HEAP_GROWTH_KB = 512;
const MAX_RESIDENT_GROWTH_MB = 16;

const COMPARED_AT = 100;
const SMALLEST = 10;
const LARGEST = 10_000;

export const AIM_TEXT = [
  `at ${COMPARED_AT} policies at least ${MIN_FASTER_LOADED} times as fast as stateful cedar-wasm with entities loaded`,
  `and ${MIN_FASTER_JSON} times with entities from JSON on each call`,
  `a decision at ${LARGEST} policies costs less than ${MAX_GROWTH_WITH_SIZE} times one at ${SMALLEST}`,
  `a session-compiled one less than ${MAX_SESSION_US} us (p50)`,
  `${ROWS} rows are filtered in less than ${MAX_ROWS_MS} ms`,
  `1000 reloads leave nothing behind`,
].join(", ");

/** Every aim against what was measured. */
export function judge(measured: Measured): readonly Aim[] {
  return [
    faster(measured, LOADED, MIN_FASTER_LOADED),
    faster(measured, JSON_EACH_CALL, MIN_FASTER_JSON),
    growthWithSize(measured),
    session(measured),
    ...measured.rows.filter((row) => row.onlyRows).map(rowsAim),
    reloading(measured.reloads),
  ];
}

function faster(measured: Measured, name: string, atLeast: number): Aim {
  const times = costOf(measured, COMPARED_AT, CEDAR_WASM) / costOf(measured, COMPARED_AT, name);
  return aim(
    `${name}: ${times.toFixed(0)} times as fast as stateful cedar-wasm at ${COMPARED_AT} policies (aim: ${atLeast})`,
    times >= atLeast,
  );
}

function growthWithSize(measured: Measured): Aim {
  const times = costOf(measured, LARGEST, LOADED) / costOf(measured, SMALLEST, LOADED);
  return aim(
    `${LOADED}: a decision at ${LARGEST} policies costs ${times.toFixed(2)} times one at ${SMALLEST} (aim: less than ${MAX_GROWTH_WITH_SIZE})`,
    times < MAX_GROWTH_WITH_SIZE,
  );
}

function session({ results }: Measured): Aim {
  const slowest = Math.max(...results.map((result) => summaryOf(result, SESSION).p50Us));
  return aim(`${SESSION}: p50 ${slowest.toFixed(2)} us at its slowest size (aim: less than ${MAX_SESSION_US})`, slowest < MAX_SESSION_US);
}

function rowsAim({ how, cpuMs }: RowTimes): Aim {
  return aim(`${ROWS} rows, ${how}: ${cpuMs.toFixed(1)} ms of CPU time (aim: less than ${MAX_ROWS_MS})`, cpuMs < MAX_ROWS_MS);
}

function reloading({ footprints }: ReloadCost): Aim {
  const [, early, late] = footprints;
  if (early === undefined || late === undefined) return aim("reloads were not measured", false);
  const heapKb = (late.at.heap + late.at.external - early.at.heap - early.at.external) / 1_024;
  const residentMb = (late.at.resident - early.at.resident) / 1_024 / 1_024;
  return aim(
    `from reload ${early.reloads} to ${late.reloads} the heap grew by ${heapKb.toFixed(0)} KB and resident memory by ${residentMb.toFixed(1)} MB (aim: at most ${MAX_HEAP_GROWTH_KB} KB and ${MAX_RESIDENT_GROWTH_MB} MB)`,
    heapKb <= MAX_HEAP_GROWTH_KB && residentMb <= MAX_RESIDENT_GROWTH_MB,
  );
}

function aim(line: string, holds: boolean): Aim {
  return { line: `${holds ? "holds" : "missed"}: ${line}`, holds };
}

function costOf({ results }: Measured, size: number, name: string): number {
  return summaryOf(
    results.find((result) => result.size === size),
    name,
  ).costUs;
}

function summaryOf(result: SizeResult | undefined, name: string): Summary {
  const summary = result?.summaries.find((one) => one.contender === name);
  if (summary === undefined) throw new Error(`\`${name}\` was not measured at every size an aim speaks of`);
  return summary;
}
