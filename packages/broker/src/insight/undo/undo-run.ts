import type { AuditLog } from "../../domain/audit.ts";
import { Fault, type FaultCode } from "../../domain/fault.ts";
import { viewRecord } from "../record-view.ts";
import type { UndoObstacle } from "./propose-undo.ts";
import type { RecordedCall } from "./recorded-call.ts";
import { lookAtUndo, type Looked, undoCall, type UndoOutcome, type UndoPorts } from "./undo-call.ts";
import type { Asker } from "./undo-session.ts";

/** Calls of a run that are taken back in one go; a longer run is no slip that one question should cover. */
export const MAX_CALLS_IN_RUN = 200;
const PAGE = 500;

/** What became of one call. `skipped`: there is nothing to take back, or nothing that could. */
type Step =
  | UndoOutcome
  | ({ readonly state: "skipped" | "impossible" } & UndoObstacle)
  | { readonly state: "refused"; readonly undo?: undefined; readonly code: FaultCode; readonly message: string }
  | { readonly state: "not_tried" };

/** One call of a run. */
export type RunStep = { readonly call: string; readonly action: string | undefined } & Step;

/** Obstacles that say nothing of the calls before: those can be taken back all the same. */
const HARMLESS: readonly UndoObstacle["code"][] = ["no_undo", "not_succeeded", "nothing_changed", "already_undone"];

/** Ids of the calls of a run that may have changed something, the newest first; undos left out. Undefined when there are too many. */
export async function callsToUndo(log: Pick<AuditLog, "query">, tenant: string, run: string): Promise<readonly string[] | undefined> {
  const found: string[] = [];
  for (let before: number | undefined; ;) {
    const page = (await log.query(tenant, { run, kind: "intent", limit: PAGE, before })).map(viewRecord);
    for (const { callId, body } of page)
      if (body.effect !== "read" && body.effect !== "export" && body.undoes === undefined) found.push(callId);
    if (found.length > MAX_CALLS_IN_RUN) return undefined;
    before = page.at(-1)?.index;
    if (page.length < PAGE || before === undefined) return found;
  }
}

/** What would take back each call of a run, the newest first. */
export async function planRun(ports: UndoPorts, tenant: string, calls: readonly string[]): Promise<readonly Looked[]> {
  const looked: Looked[] = [];
  for (const call of calls) {
    const each = await lookAtUndo(ports, tenant, call);
    if (each !== undefined) looked.push(each);
  }
  return looked;
}

/**
 * Takes the calls of a run back, the newest first, and stops at the first that does not go through: those before it may stand on the same
 * records. Once something was taken back a fault ends it as well, so that it is told what was.
 * @throws Fault `log_unavailable`, `session_ended`, `store_unavailable`: nothing was taken back.
 */
export async function undoRun(
  ports: UndoPorts,
  tenant: string,
  calls: readonly Pick<RecordedCall, "callId" | "action">[],
  asker: Asker,
): Promise<readonly RunStep[]> {
  const steps: RunStep[] = [];
  let stopped = false;
  for (const { callId, action } of calls) {
    const named = { call: callId, action };
    if (stopped) steps.push({ ...named, state: "not_tried" });
    else {
      const step = await stepOf(ports, tenant, callId, asker).catch((failure: unknown) => faultyStep(steps, failure));
      steps.push({ ...named, ...step });
      stopped = step.state !== "undone" && step.state !== "skipped";
    }
  }
  return steps;
}

async function stepOf(ports: UndoPorts, tenant: string, callId: string, asker: Asker): Promise<Step> {
  const looked = await lookAtUndo(ports, tenant, callId);
  if (looked === undefined) throw new Error("what is in the log stays in it");
  if (looked.possible) return undoCall(ports, looked, asker);
  const { code, message } = looked;
  return { state: HARMLESS.includes(code) ? "skipped" : "impossible", code, message };
}

function faultyStep(steps: readonly RunStep[], failure: unknown): Step {
  if (!(failure instanceof Fault) || steps.every(({ state }) => state !== "undone")) throw failure;
  return { state: "refused", code: failure.code, message: failure.message };
}
