import type { AuditLog, StoredRecord } from "../domain/audit.ts";
import { ownRecords, type RecordView, statusOf, viewRecord } from "./record-view.ts";

/** One thing that happened in a run. */
export interface TimelineStep {
  /** Of the record it begins with. */
  readonly index: number;
  readonly at: string;
  /** `answer`: a person's, to a held call. `lookup`: a read of the broker in order to decide. */
  readonly kind: "session" | "call" | "hold" | "refusal" | "answer" | "lookup" | "event";
  readonly callId: string;
  readonly session: string | undefined;
  /** Delegations between the run's first session and this one. */
  readonly depth: number;
  readonly agent: string | undefined;
  readonly by: string | undefined;
  readonly event: string | undefined;
  readonly action: string | undefined;
  readonly verdict: string | undefined;
  readonly status: string | undefined;
  readonly code: string | undefined;
  readonly approval: string | undefined;
  readonly durationMs: number | undefined;
}

export interface RunTimeline {
  readonly run: string;
  /** In the order of the log. */
  readonly steps: readonly TimelineStep[];
  /** Where the part before these steps is read: the next `before`. */
  readonly earlier: number | undefined;
}

/**
 * What happened in a run, the newest `limit` or so things before index `before`. A call is told whole where its first record lies. Undefined
 * when the tenant's log knows no such run.
 */
export async function runTimeline(
  log: Pick<AuditLog, "query" | "recordsOf">,
  tenant: string,
  run: string,
  page: { readonly before?: number | undefined; readonly limit: number },
): Promise<RunTimeline | undefined> {
  const named = await log.query(tenant, { run, before: page.before, limit: page.limit });
  const oldest = named.at(-1)?.index;
  const range = { from: named.length < page.limit ? 0 : (oldest ?? 0), to: page.before ?? Number.MAX_SAFE_INTEGER };
  const known = named.map(viewRecord);
  // What is recorded of a session stands under its id, which for the run's first session is the run's.
  const sessions = new Set([
    run,
    ...known.flatMap(({ body }) => [...(body.session === undefined ? [] : [body.session]), ...(body.lineage ?? [])]),
  ]);
  const records = (await recordsOf(log, tenant, [...new Set([...known.map(({ callId }) => callId), ...sessions])])).map(viewRecord);
  const ofRun = records.filter(({ kind, body, callId }) => kind !== "admin" || body.run === run || sessions.has(body.session ?? callId));
  const depths = depthsOf(ofRun);
  const steps = [...Map.groupBy(ofRun, ({ callId }) => callId).values()]
    .flatMap((group) => (sessions.has(group[0]?.callId ?? "") ? group.map((record) => [record]) : [group]))
    .filter(([first]) => first !== undefined && first.index >= range.from && first.index < range.to)
    .flatMap((group) => stepsOf(group, depths))
    .toSorted((a, b) => a.index - b.index);
  if (steps.length === 0 && range.from === 0 && !(await knows(log, tenant, run, page.before))) return undefined;
  return { run, steps, earlier: range.from === 0 ? undefined : range.from };
}

/** Whether there is such a run, of which nothing lies before a place. Another tenant's run would else be an empty one of this tenant. */
async function knows(log: Pick<AuditLog, "query">, tenant: string, run: string, before: number | undefined): Promise<boolean> {
  return before !== undefined && (await log.query(tenant, { run, limit: 1 })).length > 0;
}

/** Ids asked for at once. */
const IDS_A_READ = 500;

async function recordsOf(log: Pick<AuditLog, "recordsOf">, tenant: string, callIds: readonly string[]): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = [];
  for (let from = 0; from < callIds.length; from += IDS_A_READ)
    found.push(...(await log.recordsOf(tenant, callIds.slice(from, from + IDS_A_READ))));
  return found;
}

function depthsOf(records: readonly RecordView[]): ReadonlyMap<string, number> {
  return new Map(
    records.flatMap(({ body }) =>
      body.session === undefined || body.lineage === undefined ? [] : [[body.session, body.lineage.length] as const],
    ),
  );
}

/** Of a call's records in order: a step for each, but an outcome is told with what it is the end of. */
function stepsOf(group: readonly RecordView[], depths: ReadonlyMap<string, number>): readonly TimelineStep[] {
  const own = ownRecords(group);
  const end = own.findLast(({ kind }) => kind === "outcome");
  const begun = own.findLast(({ kind }) => kind === "intent" || kind === "lookup");
  return group.flatMap((record) => {
    switch (record.kind) {
      case "outcome":
        // Where the beginning was retired, the end tells what is left.
        return record === end && begun === undefined ? [stepOf(record, "call", depths)] : [];
      case "intent":
        return [called(record, record === begun ? end : undefined, depths)];
      case "lookup":
        return [own.includes(record) ? called(record, record === begun ? end : undefined, depths) : stepOf(record, "lookup", depths)];
      case "hold":
      case "refusal":
        return [stepOf(record, record.kind, depths)];
      case "admin":
        return [stepOf(record, adminKind(record.body.event), depths)];
      case "key":
        return [];
    }
  });
}

function adminKind(event: string | undefined): TimelineStep["kind"] {
  if (event?.startsWith("session.") === true) return "session";
  return event?.startsWith("approval.") === true ? "answer" : "event";
}

function called(begun: RecordView, end: RecordView | undefined, depths: ReadonlyMap<string, number>): TimelineStep {
  const step = stepOf(begun, "call", depths);
  return end === undefined ? step : { ...step, status: statusOf(end), code: end.body.code, durationMs: end.body.durationMs };
}

function stepOf(record: RecordView, kind: TimelineStep["kind"], depths: ReadonlyMap<string, number>): TimelineStep {
  const { index, at, callId, body } = record;
  return {
    index,
    at,
    kind,
    callId,
    session: body.session,
    depth: body.lineage?.length ?? depths.get(body.session ?? "") ?? 0,
    agent: body.agent,
    by: body.by,
    event: body.event,
    action: body.action,
    verdict: body.verdict,
    status: record.kind === "admin" || kind === "lookup" ? undefined : statusOf(record),
    code: body.code,
    approval: body.approval,
    durationMs: body.durationMs,
  };
}
