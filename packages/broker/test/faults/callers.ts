import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../../src/adapters/store/index.ts";
import type { LogEntry } from "../../src/domain/audit.ts";

/**
 * What a caller saw of its call. `acted` is the effect itself: it stands in the caller's own journal, outside the store.
 * `intended`, `ended` and `denied` are records the log has confirmed; `refused` and `unrecorded` are what it said it could not write, before the
 * effect and after it.
 */
export type Step = "asked" | "intended" | "acted" | "ended" | "denied" | "refused" | "unrecorded";

export interface Seen {
  readonly step: Step;
  readonly callId: string;
  /** Where the log said that the record stands. */
  readonly index?: number | undefined;
}

export interface Callers {
  readonly store: Pick<Store, "log">;
  readonly tenant: string;
  readonly session: string;
  readonly brokerId: string;
  /** Characters of arguments beside each intent. */
  readonly padding?: number | undefined;
  readonly note: (seen: Seen) => void;
  /** Asked before each call; `done` calls of this caller came to their end. */
  readonly goOn: (caller: number, done: number) => boolean;
}

const CALLERS = 8;
/** How long a caller that was refused waits before it tries again. */
const BACK_OFF_MS = 20;
/** One in so many calls asks for more than its limit allows, so that refusals are among the confirmed records. */
const DENIED_EVERY = 5;

/** Agents at work: each makes one call after the other, and acts only when the log has confirmed the intent. */
export async function runCallers(work: Callers): Promise<void> {
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => callOn(work, caller)));
}

async function callOn(work: Callers, caller: number): Promise<void> {
  for (let call = 0, done = 0; work.goOn(caller, done); call++) {
    if (await callOnce(work, `call_${caller}_${call}`, call % DENIED_EVERY === DENIED_EVERY - 1)) done += 1;
    else await sleep(BACK_OFF_MS);
  }
}

/** Returns whether the log did its part. */
async function callOnce(work: Callers, callId: string, over: boolean): Promise<boolean> {
  const { log } = work.store;
  work.note({ step: "asked", callId });
  const intended = await log
    .intend(work.tenant, intentOf(work, callId), {
      session: work.session,
      reservations: [{ key: "calls", max: over ? 0 : 1_000_000_000, windowMs: 86_400_000, amount: 1 }],
      instead: ({ why }) => ({ kind: "refusal", callId, body: { ...aboutCall(work), code: why } }),
    })
    .catch(() => undefined);
  if (intended === undefined) {
    work.note({ step: "refused", callId });
    return false;
  }
  if (!intended.ok) {
    work.note({ step: "denied", callId });
    return true;
  }
  work.note({ step: "intended", callId, index: intended.index });
  await nextTurn();
  work.note({ step: "acted", callId });
  await nextTurn();
  const outcome: LogEntry = { kind: "outcome", callId, body: { ...aboutCall(work), status: "succeeded" } };
  const ended = await log.append(work.tenant, outcome).catch(() => undefined);
  work.note(ended === undefined ? { step: "unrecorded", callId } : { step: "ended", callId, index: ended.index });
  return ended !== undefined;
}

function intentOf(work: Callers, callId: string): LogEntry {
  const args = callId.repeat(Math.ceil((work.padding ?? 0) / callId.length));
  return { kind: "intent", callId, body: { ...aboutCall(work), verdict: "allow" }, facts: { args } };
}

function aboutCall(work: Callers): LogEntry["body"] {
  return {
    at: new Date().toISOString(),
    agent: "support",
    environment: "prod",
    workflow: "helpdesk",
    session: work.session,
    broker: work.brokerId,
    action: "tickets:update",
    tool: "tickets",
  };
}
