import type { Anchor } from "../../domain/anchor.ts";
import { AnchorFault } from "../../domain/anchor.ts";
import { attend, type AttendPorts, type AnchorMemory, type Attended } from "./attend.ts";
import type { Finding, FindingKind } from "./finding.ts";

/** How an anchor and a log stand to each other. */
export interface AnchorStatus {
  readonly tenant: string;
  readonly anchor: string;
  readonly kind: Anchor["kind"];
  /** Size of the newest checkpoint it has; undefined while it has none. */
  readonly size: number | undefined;
  /** When it was last seen to be in order. */
  readonly at: Date | undefined;
  /** Records under the log's newest checkpoint that it does not cover yet. */
  readonly lag: number;
  /** What is wrong with the anchor or the log, as a sentence. */
  readonly fault?: string;
  /** Set when what is wrong is an alarm. */
  readonly finding?: FindingKind;
}

export interface AnchoringOptions extends Omit<AttendPorts, "raise"> {
  tenants(): readonly string[] | Promise<readonly string[]>;
  readonly anchors: readonly Anchor[];
  now(): Date;
  /** Called once for each finding; again when it was gone and came back. */
  alarm(finding: Finding): void;
  /** Waits; rejects when the signal aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Time between two looks at an anchor. Default: EVERY_MS. */
  readonly everyMs?: ((kind: Anchor["kind"]) => number) | undefined;
}

/** How often each kind is looked at and sent a checkpoint, at most. A commit or a message for every second of a busy log would help nobody. */
const EVERY_MS: Readonly<Record<Anchor["kind"], number>> = { witness: 5_000, file: 10_000, git: 60_000, webhook: 60_000 };
/** Longest wait after failures. */
const MAX_WAIT_MS = 300_000;
/** An anchor that cannot be reached for so many logs in a row is left alone until the next look. */
const MAX_UNREACHABLE = 3;

export interface Anchoring {
  /** One line a log and anchor, in the order of the anchors. */
  status(): readonly AnchorStatus[];
  /** Looks at every anchor now; resolves when all were looked at. */
  look(): Promise<void>;
  /** Ends when the looks under way are over. */
  close(): Promise<void>;
}

/**
 * Keeps every anchor up to date with every log and compares the two, each anchor at its own pace: publishes the newest checkpoint, hands on
 * cosignatures, and raises an alarm when a log is smaller than, or another than, what an anchor holds. Such an anchor is not written to.
 */
export function startAnchoring(options: AnchoringOptions): Anchoring {
  const stopped = new AbortController();
  const watches = options.anchors.map((anchor) => watchAnchor(anchor, options, stopped.signal));
  const running = Promise.all(watches.map((watch) => watch.run()));
  return {
    status: () => watches.flatMap((watch) => watch.status()),
    look: async () => {
      await Promise.all(watches.map((watch) => watch.look()));
    },
    close: async () => {
      stopped.abort();
      await running;
      await Promise.all(watches.map((watch) => watch.idle()));
    },
  };
}

interface Watch {
  run(): Promise<void>;
  /** Resolves with whether the anchor did what it should for any of the logs. */
  look(): Promise<boolean>;
  idle(): Promise<unknown>;
  status(): readonly AnchorStatus[];
}

function watchAnchor(anchor: Anchor, options: AnchoringOptions, signal: AbortSignal): Watch {
  const logs = new Map<string, AnchorMemory>();
  const raised = new Map<string, FindingKind>();
  const states = new Map<string, AnchorStatus>();
  const everyMs = (options.everyMs ?? ((kind) => EVERY_MS[kind]))(anchor.kind);
  let last: Promise<unknown> = Promise.resolve();
  let first = 0;
  const raise = (finding: Finding): void => {
    if (raised.get(finding.tenant) === finding.kind) return;
    raised.set(finding.tenant, finding.kind);
    options.alarm(finding);
  };
  const round = async (): Promise<boolean> => {
    const tenants = await options.tenants();
    for (const gone of [...states.keys()].filter((tenant) => !tenants.includes(tenant))) states.delete(gone);
    let unreachable = 0;
    let failed = 0;
    let inOrder = 0;
    for (let turn = 0; turn < tenants.length && unreachable < MAX_UNREACHABLE && !signal.aborted; turn++) {
      const tenant = tenants[(first + turn) % tenants.length];
      if (tenant === undefined) continue;
      const memory = logs.get(tenant) ?? { held: undefined, logSize: 0 };
      logs.set(tenant, memory);
      const attended = await attend({ ...options, raise }, anchor, tenant, memory).catch(asFault);
      if (attended.fault === undefined) raised.delete(tenant);
      if (attended.fault === undefined) inOrder += 1;
      else failed += 1;
      unreachable += attended.unreachable === true ? 1 : 0;
      states.set(tenant, statusOf(anchor, tenant, attended, { memory, before: states.get(tenant), now: options.now() }));
    }
    // The logs that were left out are the first ones next time.
    if (unreachable >= MAX_UNREACHABLE) first += MAX_UNREACHABLE;
    // One log that is refused, such as a new tenant's whose key the witness does not have yet, must not make the others wait.
    return inOrder > 0 || failed === 0;
  };
  const look = (): Promise<boolean> => {
    const mine = last.then(round);
    last = mine.catch(() => undefined);
    return mine.catch(() => false);
  };
  return {
    look,
    idle: () => last,
    status: () => [...states.values()],
    async run() {
      for (let failures = 0; !signal.aborted;) {
        failures = (await look()) ? 0 : failures + 1;
        const waitMs = Math.min(everyMs * 2 ** Math.min(failures, 20), Math.max(MAX_WAIT_MS, everyMs));
        await options.pause(waitMs, signal).catch(() => undefined);
      }
    },
  };
}

function asFault(error: unknown): Attended {
  if (error instanceof AnchorFault) return { fault: error.message, unreachable: error.code === "unreachable" };
  // The log itself could not be read: said elsewhere too, and no fault of the anchor.
  return { fault: error instanceof Error ? error.message : "the log could not be read" };
}

function statusOf(
  anchor: Anchor,
  tenant: string,
  attended: Attended,
  { memory, before, now }: { readonly memory: AnchorMemory; readonly before: AnchorStatus | undefined; readonly now: Date },
): AnchorStatus {
  const size = memory.held?.size;
  const lag = Math.max(0, memory.logSize - (size ?? 0));
  const base = { tenant, anchor: anchor.name, kind: anchor.kind, size, lag };
  if (attended.fault === undefined) return { ...base, at: now };
  const finding = attended.finding === undefined ? {} : { finding: attended.finding };
  return { ...base, at: before?.at, fault: attended.fault, ...finding };
}
