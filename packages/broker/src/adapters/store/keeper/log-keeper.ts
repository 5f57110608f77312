import type { Checkpointer } from "./checkpointer.ts";

/** Signs checkpoints in time: at most a second after a record was written, and sooner when many are. */
export interface LogKeeper {
  /** Told of records that this process appended. */
  touched(tenant: string, records: number): void;
  /** Looks for records that another broker left unsigned. */
  sweep(tenants: readonly string[]): void;
  close(): Promise<void>;
}

/** A checkpoint comes at the latest this long after a record, beside the time it takes to sign it. */
const LATEST_MS = 900;
/** With this many records waiting it comes sooner. */
const MANY_RECORDS = 256;
/** Under a steady load checkpoints come no faster. */
const APART_MS = 250;

interface Waiting {
  records: number;
  timer: NodeJS.Timeout | undefined;
  signing: Promise<void> | undefined;
  signedAt: number;
}

export interface KeeperDeps {
  readonly checkpointer: Pick<Checkpointer, "sign">;
  readonly complain: (tenant: string, error: unknown) => void;
}

export function logKeeper({ checkpointer, complain }: KeeperDeps): LogKeeper {
  const logs = new Map<string, Waiting>();
  let closed = false;
  const of = (tenant: string): Waiting => {
    const known = logs.get(tenant);
    if (known !== undefined) return known;
    const made: Waiting = { records: 0, timer: undefined, signing: undefined, signedAt: -APART_MS };
    logs.set(tenant, made);
    return made;
  };
  const schedule = (tenant: string, log: Waiting): void => {
    if (closed || log.signing !== undefined || log.records === 0) return;
    const soon = log.records >= MANY_RECORDS;
    if (log.timer !== undefined && !soon) return;
    clearTimeout(log.timer);
    const wait = soon ? Math.max(0, log.signedAt + APART_MS - performance.now()) : LATEST_MS;
    log.timer = setTimeout(() => void sign(tenant, log), wait);
    log.timer.unref();
  };
  const sign = (tenant: string, log: Waiting): Promise<void> => {
    clearTimeout(log.timer);
    log.timer = undefined;
    log.records = 0;
    log.signing = checkpointer
      .sign(tenant, { wait: false })
      .then(
        () => undefined,
        (error: unknown) => {
          // They are still waiting: the next attempt comes in its time.
          log.records += 1;
          complain(tenant, error);
        },
      )
      .finally(() => {
        log.signing = undefined;
        log.signedAt = performance.now();
        schedule(tenant, log);
      });
    return log.signing;
  };
  return {
    touched: (tenant, records) => {
      const log = of(tenant);
      const before = log.records;
      log.records += records;
      // Rescheduling at every batch of a busy log would put the signing off for ever.
      if (before === 0 || (before < MANY_RECORDS && log.records >= MANY_RECORDS)) schedule(tenant, log);
    },
    sweep: (tenants) => {
      for (const tenant of tenants) {
        const log = of(tenant);
        if (log.signing === undefined && log.timer === undefined) void sign(tenant, log);
      }
    },
    close: async () => {
      closed = true;
      for (const log of logs.values()) clearTimeout(log.timer);
      await Promise.all([...logs.values()].flatMap((log) => log.signing ?? []));
    },
  };
}
