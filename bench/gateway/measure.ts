import type { Contender } from "./contenders.ts";
import { cpuSeconds } from "./cpu.ts";
import { openLine, runBatch } from "./load.ts";
import type { Line } from "./load.ts";
import { median, quantile, seededRandom, shuffled } from "../statistics.ts";

export interface Plan {
  readonly rounds: number;
  /** Callers at once, and how many calls one batch makes. */
  readonly loads: readonly { readonly callers: number; readonly calls: number }[];
  readonly warmUpCalls: number;
  readonly seed: number;
}

/** One contender under one load, over all rounds. Times in milliseconds, CPU in microseconds a call. */
export interface Measured {
  readonly contender: string;
  readonly callers: number;
  readonly p50Ms: number;
  readonly p50BestMs: number;
  readonly p99Ms: number;
  readonly callsPerSecond: number;
  readonly callsPerSecondBest: number;
  readonly cpuUs: number;
  readonly cpuBestUs: number;
  readonly storeCpuUs: number;
  readonly toolCpuUs: number;
}

interface Sample {
  readonly p50: number;
  readonly p99: number;
  readonly rate: number;
  readonly cpuUs: number;
  readonly storeCpuUs: number;
  readonly toolCpuUs: number;
}

/** Runs every contender under every load; each round in another order, one batch at a time, so that a busy moment hits all alike. */
export async function measure(
  contenders: readonly Contender[],
  plan: Plan,
  progress: (line: string) => void,
): Promise<readonly Measured[]> {
  const random = seededRandom(plan.seed);
  const connections = Math.max(...plan.loads.map((load) => load.callers));
  const lines = new Map<Contender, Line>();
  const samples = new Map<string, Sample[]>();
  try {
    for (const contender of contenders) {
      const line = await openLine(contender.url, { tool: contender.tool, connections, headers: contender.headers });
      lines.set(contender, line);
      await runBatch(line, { callers: 16, calls: plan.warmUpCalls });
    }
    for (let round = 1; round <= plan.rounds; round += 1) {
      progress(`round ${round} of ${plan.rounds}`);
      const batches = contenders.flatMap((contender) => plan.loads.map((load) => ({ contender, load })));
      for (const { contender, load } of shuffled(batches, random)) {
        const line = lines.get(contender);
        if (line === undefined) continue;
        const key = keyOf(contender, load.callers);
        samples.set(key, [...(samples.get(key) ?? []), await sample(contender, line, load)]);
      }
    }
  } finally {
    for (const line of lines.values()) await line.close();
  }
  return plan.loads.flatMap(({ callers }) =>
    contenders.map((contender) => summary(contender, callers, samples.get(keyOf(contender, callers)) ?? [])),
  );
}

async function sample(contender: Contender, line: Line, load: { readonly callers: number; readonly calls: number }): Promise<Sample> {
  const store = contender.storePids();
  const tools = contender.toolPids();
  const sum = (pids: readonly number[]): number => pids.reduce((total, pid) => total + cpuSeconds(pid), 0);
  const used = (): readonly number[] => [sum(contender.pid === undefined ? [] : [contender.pid]), sum(store), sum(tools)];
  const before = used();
  const batch = await runBatch(line, load);
  const [own = 0, storeCpu = 0, toolCpu = 0] = used().map((seconds, index) => (1e6 * (seconds - (before[index] ?? 0))) / load.calls);
  return {
    p50: quantile(batch.latenciesMs, 0.5),
    p99: quantile(batch.latenciesMs, 0.99),
    rate: load.calls / batch.seconds,
    cpuUs: own,
    storeCpuUs: storeCpu,
    toolCpuUs: toolCpu,
  };
}

function summary(contender: Contender, callers: number, samples: readonly Sample[]): Measured {
  const of = (pick: (one: Sample) => number): readonly number[] => samples.map(pick);
  return {
    contender: contender.name,
    callers,
    p50Ms: median(of((one) => one.p50)),
    p50BestMs: quantile(
      of((one) => one.p50),
      0.1,
    ),
    p99Ms: median(of((one) => one.p99)),
    callsPerSecond: median(of((one) => one.rate)),
    callsPerSecondBest: quantile(
      of((one) => one.rate),
      0.9,
    ),
    cpuUs: median(of((one) => one.cpuUs)),
    cpuBestUs: quantile(
      of((one) => one.cpuUs),
      0.1,
    ),
    storeCpuUs: median(of((one) => one.storeCpuUs)),
    toolCpuUs: median(of((one) => one.toolCpuUs)),
  };
}

function keyOf(contender: Contender, callers: number): string {
  return `${contender.name} ${callers}`;
}
