import type { ExportTarget } from "../../config/exports-schema.ts";
import type { ExportStatus } from "../../domain/export.ts";

/** How one export stands, and the bell that ends its rest. */
export interface Progress {
  status(): ExportStatus;
  /** The next record to deliver. */
  at(next: number): void;
  /** How many records the log has. */
  newest(size: number): void;
  fine(): void;
  elsewhere(next: number, size: number): void;
  failed(state: "retrying" | "stopped", why: string): void;
  wake(): void;
  /** Rests as `rest` does, unless it is woken; a bell that rang before counts. */
  restUntilWoken(rest: (signal: AbortSignal) => Promise<void>, ended: AbortSignal): Promise<void>;
}

export function progressOf(target: ExportTarget, now: () => Date, onFault: (status: ExportStatus) => void): Progress {
  let state: ExportStatus["state"] = "starting";
  let next = target.from ?? 0;
  let newest = -1;
  let failure: { readonly message: string; readonly since: Date } | undefined;
  let bell = new AbortController();

  const status = (): ExportStatus => ({
    name: target.name,
    tenant: target.tenant,
    format: target.format,
    state,
    next,
    newest,
    lagRecords: Math.max(0, newest + 1 - next),
    ...(failure === undefined ? {} : { lastError: failure.message, since: failure.since }),
  });
  return {
    status,
    at: (index) => (next = index),
    newest: (size) => (newest = size - 1),
    fine: () => {
      state = "delivering";
      failure = undefined;
    },
    elsewhere: (index, size) => {
      state = "elsewhere";
      failure = undefined;
      next = index;
      newest = size - 1;
    },
    failed: (how, message) => {
      const again = failure?.message === message && state === how;
      state = how;
      failure = { message, since: failure?.since ?? now() };
      if (!again) onFault(status());
    },
    wake: () => bell.abort(),
    restUntilWoken: async (rest, ended) => {
      await rest(AbortSignal.any([ended, bell.signal]));
      if (bell.signal.aborted) bell = new AbortController();
    },
  };
}
