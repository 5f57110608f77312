import { parentPort, workerData } from "node:worker_threads";
import { runDifferential } from "../../packages/policy/test/cedar/differential.ts";

/** A worker's share of the worlds. */
export interface PolicyTask {
  readonly cases: number;
  readonly seed: number;
  readonly step: number;
}

export interface Progress {
  /** Cases so far. */
  readonly cases: number;
  /** Differences since the last message, each with the case that shows it. */
  readonly differences: readonly string[];
}

// unsafe: what tools/fuzz/run.ts gives
const task = workerData as PolicyTask;
let sent = 0;
const tally = runDifferential({
  ...task,
  onWorld: (cases, differences) => {
    const progress: Progress = { cases, differences: differences.slice(sent) };
    sent = differences.length;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker of Node, not a window
    parentPort?.postMessage(progress);
  },
});
if (tally.refusals.length > 0) throw new Error(`the official library refused generated cases, as ${tally.refusals[0]}`);
