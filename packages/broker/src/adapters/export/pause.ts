import { setTimeout as sleep } from "node:timers/promises";

/** Resolves after so long, or when the signal is aborted. Keeps no process alive. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Aborting is how a pause is cut short: no failure.
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
