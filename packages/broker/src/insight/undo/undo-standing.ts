import type { AuditLog } from "../../domain/audit.ts";
import { type RecordView, statusOf, viewRecord } from "../record-view.ts";

/** What became of the attempts to take a call back. */
export interface UndoStanding {
  /** The call that took it back, and was not taken back itself. */
  readonly undoneBy: string | undefined;
  /** An attempt that was begun and has no end yet. */
  readonly underWay: string | undefined;
  /** An attempt that was sent and of which nobody knows how it ended. */
  readonly unknown: string | undefined;
  /** Attempts that were begun: each paid with the right to begin the one after. */
  readonly begun: number;
}

/** Reads it out of the call's own records, in which each attempt is named before it is made, and those of the attempts. */
export async function undoStanding(
  log: Pick<AuditLog, "recordsOf">,
  tenant: string,
  records: readonly RecordView[],
): Promise<UndoStanding> {
  const ids = records.flatMap(({ kind, body }) => (kind === "admin" && body.event === "call.undo" ? (body.undo ?? []) : []));
  if (ids.length === 0) return { undoneBy: undefined, underWay: undefined, unknown: undefined, begun: 0 };
  const found = (await log.recordsOf(tenant, ids)).map(viewRecord);
  const attempts = [...Map.groupBy(found, ({ callId }) => callId)].flatMap(([id, own]) => {
    const end = own.findLast(({ kind }) => kind === "outcome");
    return own.some(({ kind }) => kind === "intent") ? [{ id, own, status: end === undefined ? "running" : statusOf(end) }] : [];
  });
  let undoneBy: string | undefined;
  for (const { id, own, status } of attempts)
    if (status === "succeeded" && (await undoStanding(log, tenant, own)).undoneBy === undefined) undoneBy = id;
  return {
    undoneBy,
    underWay: attempts.find(({ status }) => status === "running")?.id,
    unknown: attempts.findLast(({ status }) => status === "unknown" || status === "withheld")?.id,
    begun: attempts.length,
  };
}
