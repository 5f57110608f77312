import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, BenchReport, Table } from "./bench.ts";
import { median, quantile, seededRandom, shuffled } from "./statistics.ts";
import { bailiwickStore, bareFile, type Contender } from "./store/contenders.ts";

interface Measured {
  readonly contender: string;
  readonly callers: number;
  readonly callsPerS: number;
  readonly intentP50Ms: number;
  readonly intentP99Ms: number;
  /** CPU of this process; the database's own is not in it. */
  readonly cpuUs: number;
}

const LOADS = [
  { callers: 1, calls: 400 },
  { callers: 16, calls: 2_400 },
  { callers: 64, calls: 4_800 },
] as const;
const FULL_ROUNDS = 7;
const QUICK_ROUNDS = 2;
const QUICK_SHARE = 0.25;
const SEED = 20_261_123;
/** The aim: beyond this the database would be the reason to look for another store. */
const MAX_SLOWER = 12;

/** What it costs to make an intent durable before a call and its outcome after it. */
export const store: Bench = {
  name: "store",
  about: "a durable intent before and a durable outcome after each call: the store against a bare file with fdatasync on the same disk",
  aim: `calls per second at 64 callers are at least 1/${MAX_SLOWER} of what a bare chained file with group commit reaches`,
  async run({ quick, progress }): Promise<BenchReport> {
    const folder = await mkdtemp(join(tmpdir(), "bailiwick-bench-"));
    const contenders = [await bailiwickStore(join(folder, "data")), await bareFile(folder)];
    const random = seededRandom(SEED);
    const measured: Measured[] = [];
    try {
      for (const contender of contenders) await batch(contender, { callers: 16, calls: 1_000 }, "warm");
      for (let round = 0; round < (quick ? QUICK_ROUNDS : FULL_ROUNDS); round++) {
        const runs = LOADS.flatMap((load) => contenders.map((contender) => ({ load, contender })));
        for (const { load, contender } of shuffled(runs, random)) {
          const calls = quick ? Math.ceil(load.calls * QUICK_SHARE) : load.calls;
          measured.push(await batch(contender, { callers: load.callers, calls }, `r${round}`));
        }
        progress(`round ${round + 1} done`);
      }
      return report(measured);
    } finally {
      for (const contender of contenders) await contender.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function batch(contender: Contender, load: { readonly callers: number; readonly calls: number }, name: string): Promise<Measured> {
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < load.calls) {
      const callId = `call_${name}_${load.callers}_${next++}`;
      const before = performance.now();
      await contender.intend(callId);
      latencies.push(performance.now() - before);
      await contender.end(callId);
    }
  };
  await Promise.all(Array.from({ length: load.callers }, caller));
  const seconds = (performance.now() - started) / 1_000;
  const used = process.cpuUsage(cpu);
  return {
    contender: contender.name,
    callers: load.callers,
    callsPerS: load.calls / seconds,
    intentP50Ms: median(latencies),
    intentP99Ms: quantile(latencies, 0.99),
    cpuUs: (used.user + used.system) / load.calls,
  };
}

function report(measured: readonly Measured[]): BenchReport {
  const slower = LOADS.map(({ callers }) => speedOf(measured, "bare file", callers) / speedOf(measured, "bailiwick store", callers));
  const ours = LOADS.map(({ callers }) => `${speedOf(measured, "bailiwick store", callers).toFixed(0)} at ${callers}`);
  return {
    tables: LOADS.map(({ callers }) => tableOf(measured, callers)),
    headline: `calls/s with durable intent and outcome: ${ours.join(", ")} callers; a bare file is ${slower.map((ratio) => ratio.toFixed(1)).join(", ")} times as fast`,
    holds: (slower.at(-1) ?? Number.POSITIVE_INFINITY) <= MAX_SLOWER,
  };
}

function tableOf(measured: readonly Measured[], callers: number): Table {
  const names = [...new Set(measured.map((one) => one.contender))];
  return {
    title: `${callers} caller${callers === 1 ? "" : "s"}: medians of the rounds (best)`,
    rows: names.map((contender) => {
      const rounds = measured.filter((one) => one.contender === contender && one.callers === callers);
      return {
        contender,
        "calls/s": median(rounds.map((one) => one.callsPerS)),
        "best calls/s": Math.max(...rounds.map((one) => one.callsPerS)),
        "intent p50 ms": median(rounds.map((one) => one.intentP50Ms)),
        "intent p99 ms": median(rounds.map((one) => one.intentP99Ms)),
        "own CPU us/call": median(rounds.map((one) => one.cpuUs)),
      };
    }),
  };
}

function speedOf(measured: readonly Measured[], contender: string, callers: number): number {
  return median(measured.filter((one) => one.contender === contender && one.callers === callers).map((one) => one.callsPerS));
}
