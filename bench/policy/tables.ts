import type { Table } from "../bench.ts";
import { LOADED } from "./bailiwick.ts";
import { CEDAR_WASM } from "./cedar-wasm.ts";
import { CERBOS_LOADS_WITHIN_MS } from "./cerbos.ts";
import type { SizeResult } from "./decisions.ts";
import { ROWS } from "./folder.ts";
import type { Footprint, LoadCost, ReloadCost } from "./memory.ts";
import type { RowTimes } from "./rows.ts";
import type { SessionTimes } from "./sessions.ts";

/** What stands behind a name, since no two contenders do quite the same for a verdict. The workload is what all of them can say. */
export function contenderTable(): Table {
  const rows = [
    ["bailiwick", "all of Cedar; names the policies that decided and those that failed", "loaded: request and entities read beforehand"],
    ["bailiwick, JSON", "the same from the JSON objects that cedar-wasm gets", "-"],
    [
      "bailiwick, session-compiled",
      "the same; policies reduced to agent and action beforehand",
      "record and context read beforehand, or not where it says so",
    ],
    ["cedar-wasm", "all of Cedar; names the policies that decided and those that failed", "policies parsed beforehand"],
    ["casl", "verdict only; no context: arguments are a part of the subject", "an ability for each agent and all subjects made beforehand"],
    ["casbin", "verdict only, enforceSync", "request objects made beforehand"],
    ["cerbos", "verdict only; another process on the same cores; arguments are a part of the resource", "gRPC messages made beforehand"],
  ];
  return {
    title: "what each does for a verdict (ten entities and ten values of context a request, no schema)",
    rows: rows.map(([contender = "", answers = "", beforehand = ""]) => ({ contender, answers, "not timed": beforehand })),
  };
}

/** Speed at one size. */
export function decisionTable({ size, questions, allowed, summaries, withCerbos }: SizeResult): Table {
  const costs = new Map(summaries.map(({ contender, costUs }) => [contender, costUs]));
  const ratio = (from: string, to: string): number => (costs.get(from) ?? Number.NaN) / (costs.get(to) ?? Number.NaN);
  const left = withCerbos ? "" : `; cerbos did not load this many within ${CERBOS_LOADS_WITHIN_MS / 1_000} s`;
  return {
    title: `${size} policies, ${questions} questions (${allowed} allowed)${left}; cost is CPU time of the asking thread, for cerbos wall clock`,
    rows: summaries.map(({ contender, loadMs, calls, perSecond, costUs, p50Us, p99Us }) => ({
      contender,
      "load ms": loadMs,
      decisions: calls,
      "decisions/s": perSecond,
      "p50 us": p50Us,
      "p99 us": p99Us,
      "cost us": costUs,
      "x cost of bailiwick": ratio(contender, LOADED),
      "x speed of cedar-wasm": ratio(CEDAR_WASM, contender),
    })),
  };
}

/** Policy folders as the broker asks them. */
export function sessionTable(sessions: readonly SessionTimes[]): Table {
  return {
    title: "a policy folder asked for the same caller over and over, other arguments and records each time (batches of 20)",
    rows: sessions.map(({ action, decisions, p50Us, p99Us }) => ({ action, decisions, "p50 us": p50Us, "p99 us": p99Us })),
  };
}

export function rowTable(rows: readonly RowTimes[]): Table {
  return {
    title: `${ROWS} rows of one result filtered by tenant, a row condition and a row deny`,
    rows: rows.map(({ how, visible, p50Ms, cpuMs }) => ({ how, visible, "p50 ms": p50Ms, "CPU ms": cpuMs })),
  };
}

export function memoryTables(load: LoadCost, reloads: ReloadCost): readonly Table[] {
  const grown = (after: Footprint, before: Footprint): Readonly<Record<string, number>> => ({
    "heap MB": megabytes(after.heap - before.heap),
    "external MB": megabytes(after.external - before.external),
    "resident MB": megabytes(after.resident - before.resident),
  });
  return [
    {
      title: "loading Cedar texts once, in a process of its own: growth after a garbage collection",
      rows: [{ policies: String(load.policies), "load ms": load.loadMs, ...grown(load.after, load.before) }],
    },
    {
      title: `reloading ${reloads.policies} policies with other texts each time (${reloads.reloadMs.toFixed(1)} ms each), in a process of its own with a young generation of fixed size: memory after a garbage collection`,
      rows: reloads.footprints.map(({ reloads: count, at }) => ({
        "after reloads": String(count),
        "heap MB": megabytes(at.heap),
        "external MB": megabytes(at.external),
        "resident MB": megabytes(at.resident),
      })),
    },
  ];
}

function megabytes(bytes: number): number {
  return bytes / 1_024 / 1_024;
}
