import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { PolicyTask, Progress } from "./policy-worker.ts";

const USAGE = `usage: npm run fuzz -- policy [--cases 1000000] [--seed N] [--workers 2]

Puts generated policies, entities and requests to the compiled policy engine, to the reference evaluator and to the official library of
Cedar, and compares decisions, reasons and erroring policies. Exit 0 when all agree, 1 when not (with the least case that shows it),
2 on wrong usage. The same seed makes the same cases.
`;

const PROGRESS_INTERVAL_MS = 5_000;

async function main(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { cases, seed, workers } = options;
  const counts = new Map<number, number>();
  const differences: string[] = [];
  const total = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
  const started = performance.now();
  const report = setInterval(() => {
    const rate = Math.round(total() / ((performance.now() - started) / 1000));
    process.stderr.write(`${total()} of ${cases} cases, ${rate} a second, ${differences.length} differences\n`);
  }, PROGRESS_INTERVAL_MS);
  await Promise.all(
    Array.from({ length: workers }, async (_, index) => {
      const task: PolicyTask = { cases: Math.ceil(cases / workers), seed: seed + index, step: workers };
      await runWorker(task, (progress) => {
        counts.set(index, progress.cases);
        for (const found of progress.differences) differences.push(found);
      });
    }),
  ).finally(() => {
    clearInterval(report);
  });
  for (const difference of differences) process.stdout.write(`${difference}\n\n`);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`fuzz policy: ${total()} cases from seed ${seed} in ${seconds} s, ${differences.length} differences\n`);
  return differences.length === 0 ? 0 : 1;
}

function parse(argv: readonly string[]): { readonly cases: number; readonly seed: number; readonly workers: number } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        cases: { type: "string", default: "1000000" },
        seed: { type: "string", default: String(Date.now() % 2 ** 32) },
        workers: { type: "string", default: "2" },
      },
    });
    const numbers = [values.cases, values.seed, values.workers].map(Number);
    const [cases = 0, seed = 0, workers = 0] = numbers;
    const valid = positionals.join(" ") === "policy" && numbers.every((each) => Number.isSafeInteger(each) && each >= 0) && workers > 0;
    return valid ? { cases, seed, workers } : undefined;
  } catch {
    return undefined;
  }
}

function runWorker(task: PolicyTask, onProgress: (progress: Progress) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("policy-worker.ts", import.meta.url), { workerData: task });
    worker.on("message", onProgress);
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with exit code ${code}`));
    });
  });
}

// Last, because what it uses is initialised above.
process.exitCode = await main(process.argv.slice(2)).catch((fault: unknown) => {
  process.stderr.write(`the run could not be finished: ${fault instanceof Error ? fault.message : String(fault)}\n`);
  return 3;
});
