import { readFileSync } from "node:fs";
import { vi } from "vitest";
import type { AuditLog, StoredRecord } from "../../src/domain/audit.ts";
import type { CursorLease, CursorStore, ExportStatus } from "../../src/domain/export.ts";
import type { ExportTarget } from "../../src/config/exports-schema.ts";
import { type ExportPorts, type RunningExports, startExports } from "../../src/adapters/export/start-exports.ts";
import { DECIDED, SOURCE, stored } from "./samples.ts";

const PEM = new URL("../smtp-tool/", import.meta.url);
/** Key and certificate of `localhost`, made for tests and used nowhere else. */
export const TLS = {
  cert: readFileSync(new URL("localhost.cert.pem", PEM), "utf8"),
  key: readFileSync(new URL("localhost.key.pem", PEM), "utf8"),
  /** Path of the certificate, as `ca` names it. */
  ca: new URL("localhost.cert.pem", PEM).pathname,
};

/** Waits until this holds. The time is no claim: it only ends a test that would hang, on a machine however busy. */
export function eventually<T>(holds: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(holds, { timeout: 20_000, interval: 10 });
}

/** A log that grows when a test says so. */
export interface GrowingLog extends Pick<AuditLog, "read"> {
  grow(count: number): void;
  /** Takes records away, as retention does. */
  retire(below: number): void;
  readonly records: StoredRecord[];
}

export function growingLog(count: number): GrowingLog {
  const records: StoredRecord[] = [];
  let base = 0;
  const grow = (more: number): void => {
    for (let each = 0; each < more; each++) records.push(stored(records.length, "intent", { ...DECIDED, call: `call_${records.length}` }));
  };
  grow(count);
  return {
    records,
    grow,
    retire: (below) => (base = below),
    read: async (_, from, limit) => records.filter(({ index }) => index >= base && index >= from).slice(0, limit),
  };
}

/** Cursors as the port promises them, for brokers of one process. A test may fail a save, as a crash in between does. */
export interface MemoryCursors extends CursorStore {
  readonly saved: Map<string, number>;
  failNextSave: boolean;
  /** Breaks the connection that holds a lease. */
  loseLease(name: string): void;
  readonly holders: Map<string, AbortController>;
}

export function memoryCursors(): MemoryCursors {
  const saved = new Map<string, number>();
  const holders = new Map<string, AbortController>();
  const store: MemoryCursors = {
    saved,
    holders,
    failNextSave: false,
    load: async (name) => saved.get(name) ?? 0,
    save: async (name, next) => {
      if (store.failNextSave) {
        store.failNextSave = false;
        throw new Error("the connection is gone");
      }
      saved.set(name, Math.max(next, saved.get(name) ?? 0));
    },
    lease: async (name): Promise<CursorLease | undefined> => {
      if (holders.has(name)) return undefined;
      const holder = new AbortController();
      holders.set(name, holder);
      return {
        lost: holder.signal,
        release: async () => {
          if (holders.get(name) === holder) holders.delete(name);
        },
      };
    },
    loseLease: (name) => {
      holders.get(name)?.abort();
      holders.delete(name);
    },
  };
  return store;
}

/** Pauses that last until a test ends them. */
export interface HandPause {
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** How long the pauses under way want to be, in milliseconds. */
  readonly asked: () => readonly number[];
  /** Ends those under way. */
  pass(): void;
}

export function handPause(): HandPause {
  const waiting = new Map<() => void, number>();
  return {
    asked: () => [...waiting.values()],
    pass: () => {
      for (const end of waiting.keys()) end();
    },
    pause: (ms, signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          waiting.delete(end);
          signal.removeEventListener("abort", end);
          resolve();
        };
        if (signal.aborted) return resolve();
        waiting.set(end, ms);
        signal.addEventListener("abort", end);
        return undefined;
      }),
  };
}

export interface Started extends RunningExports {
  readonly hand: HandPause;
  readonly faults: readonly ExportStatus[];
}

export function start(
  log: GrowingLog,
  cursors: CursorStore,
  targets: readonly ExportTarget[],
  more: Partial<Pick<ExportPorts, "environment" | "now">> = {},
): Started {
  const hand = handPause();
  const faults: ExportStatus[] = [];
  const running = startExports({
    log,
    cursors,
    targets,
    source: SOURCE,
    size: async () => log.records.length,
    now: () => new Date("2026-11-26T18:00:00.000Z"),
    environment: () => undefined,
    pause: hand.pause,
    onFault: (status) => void faults.push(status),
    ...more,
  });
  return { ...running, hand, faults };
}
