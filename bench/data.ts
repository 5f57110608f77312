import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, BenchReport, Table } from "./bench.ts";
import { BY_TOOL, DIRECT, QUERIES, queryTimes } from "./data/queries.ts";
import { BY_CASL, BY_POLICY, filterTimes, MASKS_EACH, maskTimes } from "./data/records.ts";
import { mails, SCANNER, scanTimes } from "./data/scanning.ts";
import type { Timed } from "./data/turns.ts";
import { ROWS } from "./policy/folder.ts";

const FULL_ROUNDS = 21;
const QUICK_ROUNDS = 3;
const SCANNED_BYTES = 1_000_000;
/** As risk.md has it: one megabyte within a second. */
const MAX_SCAN_MS = 1_000;
/** A condition that fails hides its record, and fields are treated: casl does neither. */
const MAX_TIMES_OF_CASL = 3;
/** Parsing, checking and rewriting, an estimate of the cost, and a transaction with settings of its own: five trips instead of one. */
const MAX_ADDED_MS = 10;

/** What it costs that data is shown as the policy says. */
export const data: Bench = {
  name: "data",
  about:
    "rows filtered, fields masked, texts scanned for personal data, and a query over the postgres tool: each against code written by hand in the same run",
  aim: `${ROWS} rows filtered in at most ${MAX_TIMES_OF_CASL} times the time of casl, 1 MB scanned within ${MAX_SCAN_MS} ms, a query at most ${MAX_ADDED_MS} ms slower than over a direct connection`,
  async run({ quick, progress }): Promise<BenchReport> {
    const rounds = quick ? QUICK_ROUNDS : FULL_ROUNDS;
    const rows = await filterTimes(rounds);
    const masks = await maskTimes(rounds);
    progress("rows and masks are measured");
    const text = mails(SCANNED_BYTES);
    const scans = await scanTimes(text, rounds);
    progress("scans are measured");
    const folder = await mkdtemp(join(tmpdir(), "bailiwick-bench-"));
    try {
      return report({ rows, masks, scans, queries: await queryTimes(join(folder, "data"), rounds) });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Measured {
  readonly rows: readonly Timed[];
  readonly masks: readonly Timed[];
  readonly scans: readonly Timed[];
  readonly queries: readonly Timed[];
}

function report({ rows, masks, scans, queries }: Measured): BenchReport {
  const slower = msOf(rows, BY_POLICY) / msOf(rows, BY_CASL);
  const scanMs = msOf(scans, SCANNER);
  const addedMs = (msOf(queries, BY_TOOL) - msOf(queries, DIRECT)) / QUERIES;
  const lines = [
    aim(`${ROWS} rows in ${slower.toFixed(2)} times the time of casl (aim: at most ${MAX_TIMES_OF_CASL})`, slower <= MAX_TIMES_OF_CASL),
    aim(`1 MB scanned in ${scanMs.toFixed(0)} ms (aim: at most ${MAX_SCAN_MS})`, scanMs <= MAX_SCAN_MS),
    aim(
      `a query costs ${addedMs.toFixed(2)} ms more than over a direct connection (aim: at most ${MAX_ADDED_MS})`,
      addedMs <= MAX_ADDED_MS,
    ),
  ];
  return {
    tables: [
      tableOf(`${ROWS} records of one result filtered by tenant, a row condition and a row deny`, rows, { unit: "rows/s", amount: ROWS }),
      tableOf(`${MASKS_EACH} fields masked on each of ${ROWS} records`, masks, { unit: "masks/s", amount: ROWS * MASKS_EACH }),
      tableOf("1 MB of mails searched for personal data and secrets", scans, { unit: "MB/s", amount: SCANNED_BYTES / 1_000_000 }),
      tableOf(`${QUERIES} queries of 20 records, one after the other`, queries, { unit: "queries/s", amount: QUERIES }),
    ],
    headline: lines.map(({ line }) => line).join("\n"),
    holds: lines.every(({ holds }) => holds),
  };
}

function aim(line: string, holds: boolean): { readonly line: string; readonly holds: boolean } {
  return { line: `${holds ? "holds" : "missed"}: ${line}`, holds };
}

function tableOf(title: string, times: readonly Timed[], { unit, amount }: { readonly unit: string; readonly amount: number }): Table {
  const [first] = times;
  return {
    title: `${title}: medians of the rounds`,
    rows: times.map(({ name, ms }) => ({ way: name, ms, [unit]: (amount / ms) * 1_000, "x of bailiwick's time": ms / (first?.ms ?? ms) })),
  };
}

function msOf(times: readonly Timed[], name: string): number {
  return times.find((one) => one.name === name)?.ms ?? Number.NaN;
}
