import type { ExportTarget } from "../../config/exports-schema.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { CursorLease, CursorStore, ExportStatus } from "../../domain/export.ts";
import { UnreadableRecord } from "../../insight/export/exported-record.ts";
import type { ExportSource } from "../../insight/export/source.ts";
import { batchesOf, MissingRecords } from "./batches.ts";
import { DeliveryFault, type Destination, reasonOf } from "./destination.ts";
import { openDestination } from "./open-destination.ts";
import { pause } from "./pause.ts";
import { type Progress, progressOf } from "./progress.ts";

/** Records of one read of the log. */
const PAGE = 500;
/** How often the log is looked at when nobody says that it grew. */
const POLL_MS = 1_000;
/** How often a broker that does not deliver tries to: after this the work of one that died goes on. */
const LEASE_RETRY_MS = 5_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** After a refusal: soon enough to go on by itself once it was corrected, seldom enough not to be a nuisance. */
const SLOW_RETRY_MS = 600_000;

export interface ExportPorts {
  readonly log: Pick<AuditLog, "read">;
  /** How many records the log of a tenant has. */
  readonly size: (tenant: string) => Promise<number>;
  readonly cursors: CursorStore;
  readonly targets: readonly ExportTarget[];
  readonly source: ExportSource;
  readonly now: () => Date;
  readonly environment: (name: string) => string | undefined;
  /** Resolves after so long, or when the signal is aborted. Default: a timer. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A fault that people should read in the broker's own log, once each time it begins. */
  readonly onFault: (status: ExportStatus) => void;
}

export interface RunningExports {
  status(): readonly ExportStatus[];
  /** The log of a tenant has grown: its exports look at it now. */
  wake(tenant: string): void;
  /** Ends what is under way, and gives the leases back. */
  stop(): Promise<void>;
}

/**
 * Delivers the log to other systems: in order, at least once, never leaving a record out. The cursor is saved after the destination has taken a
 * batch, so that after a crash in between the batch comes again, under the same ids.
 * @throws ExportTargetError when a target cannot begin.
 */
export function startExports(ports: ExportPorts): RunningExports {
  const stopping = new AbortController();
  const running = ports.targets.map((target) => {
    const destination = openDestination(target, ports);
    const progress = progressOf(target, ports.now, ports.onFault);
    return { target, progress, ended: run({ ports, target, destination, progress, stopping: stopping.signal }) };
  });
  return {
    status: () => running.map(({ progress }) => progress.status()),
    wake: (tenant) => {
      for (const { target, progress } of running) if (target.tenant === tenant) progress.wake();
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(running.map(({ ended }) => ended));
    },
  };
}

interface Run {
  readonly ports: ExportPorts;
  readonly target: ExportTarget;
  readonly destination: Destination;
  readonly progress: Progress;
  readonly stopping: AbortSignal;
}

async function run(its: Run): Promise<void> {
  const { ports, target, progress, stopping } = its;
  while (!stopping.aborted) {
    try {
      const lease = await ports.cursors.lease(cursorName(target));
      if (lease === undefined) {
        progress.elsewhere(await ports.cursors.load(cursorName(target)), await ports.size(target.tenant));
        await rest(its, LEASE_RETRY_MS, stopping);
        continue;
      }
      await whileLeased(its, lease);
    } catch (error) {
      // The store, not the destination; the lease is somebody's again when it is back.
      progress.failed("retrying", `the store of cursors cannot be used: ${reasonOf(error)}`);
      await rest(its, LEASE_RETRY_MS, stopping);
    }
  }
}

function cursorName({ tenant, name }: ExportTarget): string {
  return `${tenant}/${name}`;
}

async function whileLeased(its: Run, lease: CursorLease): Promise<void> {
  const { ports, target, progress } = its;
  const ended = AbortSignal.any([its.stopping, lease.lost]);
  try {
    progress.at(Math.max(await ports.cursors.load(cursorName(target)), target.from ?? 0));
    let failures = 0;
    while (!ended.aborted) {
      try {
        progress.newest(await ports.size(target.tenant));
        const more = await deliverPage(its, ended);
        progress.fine();
        failures = 0;
        if (!more && !ended.aborted) await progress.restUntilWoken((signal) => rest(its, POLL_MS, signal), ended);
      } catch (error) {
        const state = isFinal(error) ? "stopped" : "retrying";
        progress.failed(state, error instanceof Error ? error.message : String(error));
        const waitMs = state === "stopped" ? SLOW_RETRY_MS : Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS);
        failures += 1;
        await rest(its, waitMs, ended);
      }
    }
  } finally {
    await lease.release();
  }
}

/** Returns whether there may be more to deliver. */
async function deliverPage({ ports, target, destination, progress }: Run, ended: AbortSignal): Promise<boolean> {
  const next = progress.status().next;
  const records = await ports.log.read(target.tenant, next, PAGE);
  for (const batch of batchesOf(records, { next, format: target.format, wants: destination.wants, source: ports.source })) {
    // INVARIANT: who has lost the lease sends nothing more. What is under way then may arrive twice, which ids tell.
    if (ended.aborted) return false;
    await destination.deliver(batch);
    await ports.cursors.save(cursorName(target), batch.last + 1);
    progress.at(batch.last + 1);
  }
  return records.length === PAGE;
}

/** Whether trying again soon would only repeat the same. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof UnreadableRecord || error instanceof MissingRecords || (error instanceof DeliveryFault && error.code === "refused")
  );
}

function rest({ ports }: Run, ms: number, signal: AbortSignal): Promise<void> {
  return (ports.pause ?? pause)(ms, signal);
}
