import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, BACKOFF_RESET_MS } from "./limits.ts";

/** When a lost server may be started again. Times are milliseconds of one monotonic clock. */
export interface Backoff {
  waitMs(now: number): number;
  alive(now: number): void;
  failed(now: number): void;
}

export function createBackoff(): Backoff {
  let failures = 0;
  let aliveSince: number | undefined;
  let nextAt = 0;
  return {
    waitMs: (now) => Math.max(0, nextAt - now),
    alive(now) {
      aliveSince = now;
    },
    failed(now) {
      if (aliveSince !== undefined && now - aliveSince >= BACKOFF_RESET_MS) failures = 0;
      aliveSince = undefined;
      nextAt = now + Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
      failures += 1;
    },
  };
}
