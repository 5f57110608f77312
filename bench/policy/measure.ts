import { median, quantile } from "../statistics.ts";
import type { Contender, InProcess, Remote } from "./contender.ts";

/** One contender's turn in one round. */
export interface Turn {
  readonly calls: number;
  readonly seconds: number;
  /** CPU time of the asking thread, with its part of garbage collection: other threads mark what other contenders hold. */
  readonly cpuSeconds: number;
  /** One number for each batch of calls: microseconds of a call in it. */
  readonly samplesUs: readonly number[];
}

export interface Summary {
  readonly contender: string;
  readonly loadMs: number;
  readonly calls: number;
  readonly perSecond: number;
  /** What one decision costs: CPU time of the thread in process, which a busy machine changes less than the clock; wall clock where a server answers. */
  readonly costUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/**
 * Asks the questions in their order, over and over, for about `budgetMs`.
 * @throws Error when a verdict changed under load.
 */
export async function takeTurn(contender: Contender, verdicts: readonly boolean[], budgetMs: number): Promise<Turn> {
  const cpu = process.threadCpuUsage();
  const timed = contender.kind === "in process" ? inProcess(contender, verdicts, budgetMs) : await remote(contender, verdicts, budgetMs);
  const { user, system } = process.threadCpuUsage(cpu);
  return { ...timed, cpuSeconds: (user + system) / 1e6 };
}

type Timed = Omit<Turn, "cpuSeconds">;

function inProcess(contender: InProcess, verdicts: readonly boolean[], budgetMs: number): Timed {
  const { batch } = contender;
  const samplesUs: number[] = [];
  const started = performance.now();
  let [question, wrong, before] = [0, 0, started];
  do {
    for (let call = 0; call < batch; call++) {
      if (contender.decide(question) !== verdicts[question]) wrong += 1;
      question = question + 1 === verdicts.length ? 0 : question + 1;
    }
    const after = performance.now();
    samplesUs.push(((after - before) * 1_000) / batch);
    before = after;
  } while (before - started < budgetMs);
  if (wrong > 0) throw new Error(`${contender.name} changed ${wrong} verdicts while it was timed`);
  return { calls: samplesUs.length * batch, seconds: (before - started) / 1_000, samplesUs };
}

async function remote(contender: Remote, verdicts: readonly boolean[], budgetMs: number): Promise<Timed> {
  const samplesUs: number[] = [];
  const started = performance.now();
  let [next, wrong] = [0, 0];
  const caller = async (): Promise<void> => {
    while (performance.now() - started < budgetMs) {
      const question = next++ % verdicts.length;
      const before = performance.now();
      if ((await contender.decide(question)) !== verdicts[question]) wrong += 1;
      samplesUs.push((performance.now() - before) * 1_000);
    }
  };
  await Promise.all(Array.from({ length: contender.callers }, caller));
  if (wrong > 0) throw new Error(`${contender.name} changed ${wrong} verdicts while it was timed`);
  return { calls: samplesUs.length, seconds: (performance.now() - started) / 1_000, samplesUs };
}

/** The medians of the rounds' rates and costs, and the quantiles of all samples. */
export function summarize(contender: Contender, turns: readonly Turn[]): Summary {
  const perSecond = median(turns.map((turn) => turn.calls / turn.seconds));
  const cpuUs = median(turns.map((turn) => (turn.cpuSeconds * 1e6) / turn.calls));
  const samples = turns.flatMap((turn) => turn.samplesUs);
  return {
    contender: contender.name,
    loadMs: contender.loadMs,
    calls: turns.reduce((sum, turn) => sum + turn.calls, 0),
    perSecond,
    costUs: contender.kind === "in process" ? cpuUs : 1e6 / perSecond,
    p50Us: median(samples),
    p99Us: quantile(samples, 0.99),
  };
}
