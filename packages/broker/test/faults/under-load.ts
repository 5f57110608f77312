import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openStore, type StoreOptions } from "../../src/adapters/store/index.ts";
import { sessionOf } from "../store/samples.ts";
import { untilAlone } from "./alone.ts";
import { runCallers, type Seen } from "./callers.ts";
import { judge, type Verdict } from "./verdict.ts";

/** Where the log of one fault point lies. */
export interface Place {
  readonly store: StoreOptions;
  /** A tenant of this point alone, so that its log is this point's. */
  readonly tenant: string;
}

export interface UnderLoad {
  readonly place: Place;
  /** The broker's way to the store, when it is not the direct one. */
  readonly way?: StoreOptions | undefined;
  readonly padding?: number | undefined;
  /** The fault strikes when the callers have seen this many steps, and this many turns of the event loop later. */
  readonly afterSteps: number;
  readonly turns?: number | undefined;
  /** Resolves when the fault is over and the log should go on. */
  readonly strike: (seen: readonly Seen[]) => Promise<void>;
}

/** Calls that each caller still brings to an end when the fault is over: the log goes on. */
const CALLS_AFTER = 2;
/** The longest outage of a log after a fault is over: the supervisor's longest wait, and a crash recovery. */
const GOES_ON_WITHIN_MS = 40_000;

/** Callers of a living broker, a fault in the middle, and the verdict of another broker when the first one is gone. */
export async function strikeUnderLoad(point: UnderLoad): Promise<Verdict> {
  const { place } = point;
  const brokerId = `broker-${randomBytes(6).toString("hex")}`;
  const store = await openStore(point.way ?? place.store, { brokerId });
  const seen: Seen[] = [];
  try {
    await store.sessions.create(sessionOf({ tenant: place.tenant, id: brokerId }));
    await callThroughFault(point, { store, brokerId, seen });
  } finally {
    await store.close();
  }
  return judgeAfterwards(place, seen);
}

async function callThroughFault(
  point: UnderLoad,
  run: { readonly store: Awaited<ReturnType<typeof openStore>>; readonly brokerId: string; readonly seen: Seen[] },
): Promise<void> {
  const doneBefore = new Map<number, number>();
  let struck: Promise<void> | undefined;
  let deadline: number | undefined;
  await runCallers({
    store: run.store,
    tenant: point.place.tenant,
    session: run.brokerId,
    brokerId: run.brokerId,
    padding: point.padding,
    note: (step) => {
      if (run.seen.push(step) < point.afterSteps) return;
      struck ??= strikeLater(point, run.seen).finally(() => (deadline = performance.now() + GOES_ON_WITHIN_MS));
      struck.catch(() => undefined);
    },
    goOn: (caller, done) => {
      if (deadline === undefined) return true;
      if (performance.now() > deadline) throw new Error(`the fault is over and the log does not go on within ${GOES_ON_WITHIN_MS} ms`);
      const before = doneBefore.get(caller) ?? done;
      doneBefore.set(caller, before);
      return done < before + CALLS_AFTER;
    },
  });
  await struck;
}

async function strikeLater(point: UnderLoad, seen: readonly Seen[]): Promise<void> {
  for (let turn = 0; turn < (point.turns ?? 0); turn++) await nextTurn();
  await point.strike(seen);
}

/** Another broker finds the log, ends what is open, and judges. */
export async function judgeAfterwards(place: Place, seen: readonly Seen[]): Promise<Verdict> {
  if ("databaseUrl" in place.store) await untilAlone(place.store.databaseUrl);
  const store = await openStore(place.store, { brokerId: `judge-${randomBytes(6).toString("hex")}` });
  try {
    await store.log.surfaceUnknown(place.tenant, new Date());
    return await judge(store, place.tenant, seen);
  } finally {
    await store.close();
  }
}
