import { digest } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";
import type { LogEntry } from "../domain/audit.ts";
import { elapsedMs } from "./elapsed.ts";
import type { ExecutedCall } from "./execute.ts";
import type { Fault } from "../domain/fault.ts";
import type { FilteredCall } from "./filter.ts";
import type { Intent } from "./intend.ts";
import { recordsBeyond, unaskedFor } from "./limit.ts";
import { lineFigures } from "./line-figures.ts";
import { notBegun } from "./not-begun.ts";
import { noteLabelled } from "./labelled.ts";
import { noteSeen } from "./origins.ts";
import type { CallPorts } from "./ports.ts";
import { said } from "./record-body.ts";
import { RecordedRefusal, Refusal } from "./refusal.ts";
import { noteLarge } from "./repeats.ts";
import type { CallAnswer } from "./types.ts";

/**
 * Makes the outcome durable, then answers. After the effect nothing may say "refused":
 * when the record cannot be written, the answer is that the outcome is unknown. What a read returned is drawn from the session's budget of
 * records in the same transaction, and not shown when it does not fit.
 * @throws when no record can be made of the result; nothing was written then.
 */
export async function record(ports: CallPorts, filtered: FilteredCall): Promise<CallAnswer> {
  const { call } = filtered.intent.permit;
  // Of a result that has no canonical form no record can be made: it is settled as one that could not be cleaned, and the call has an end.
  const entry = outcomeEntry(ports, filtered);
  try {
    const spent = await append(ports, filtered, entry);
    if (spent !== undefined) return { kind: "unknown", callId: call.callId, message: spent };
  } catch {
    return { kind: "unknown", callId: call.callId, message: unrecorded(filtered.status) };
  }
  if (filtered.answer.kind === "result") {
    // What it returns now is what people are asked about the next time, or need not be asked any more.
    if (call.request.expected !== undefined) noteLarge(ports, call, call.session, filtered.records);
    noteSeen(ports.memory, call.session, call, filtered.answer.body);
    noteLabelled(ports.labelled, call, filtered.answer.body);
  }
  return filtered.answer;
}

/** Appends the outcome and draws the records that came back. Returns why the result may not be shown, or undefined when it may. */
async function append(ports: CallPorts, filtered: FilteredCall, entry: LogEntry): Promise<string | undefined> {
  const { call } = filtered.intent.permit;
  const large = tooLarge(ports, filtered);
  if (large !== undefined) {
    const own = said(ports, call, { ...executedBody(ports, filtered), status: "withheld", code: "records_exceeded" });
    await ports.log.append(call.session.tenant, { ...entry, ...own });
    return large;
  }
  const reads = call.action.effect === "read" || call.action.effect === "export";
  const draws = reads && filtered.answer.kind === "result" ? recordsBeyond(call.session, call.decision, filtered.records) : [];
  if (draws.length === 0) {
    await ports.log.append(call.session.tenant, entry);
    return undefined;
  }
  const outcome = await ports.log.intend(call.session.tenant, entry, {
    session: call.session.id,
    reservations: draws,
    instead: (why) => ({
      ...entry,
      ...said(ports, call, { ...executedBody(ports, filtered), status: "withheld", code: notBegun(call, why).code }),
    }),
  });
  if (outcome.ok) return undefined;
  return `the call was read and its ${filtered.records} records are withheld: ${notBegun(call, outcome).message}; asking for fewer may fit the budget`;
}

/** Why a result is not shown of which people would have been asked, had its size been known before; undefined when it may be shown. */
function tooLarge(ports: CallPorts, { intent, answer, records }: FilteredCall): string | undefined {
  const { call, yes } = intent.permit;
  const gates = answer.kind === "result" ? unaskedFor(call.decision, records, yes?.approval.rules ?? []) : undefined;
  if (gates === undefined) return undefined;
  noteLarge(ports, call, call.session, records);
  const where = gates.map(({ id, at }) => `\`${id}\` (${at.file}:${at.line})`).join(", ");
  return `the call was read and its ${records} records are withheld: of more than ${call.decision.asksOver?.records ?? 0} the gate ${where} has people asked first; ask for fewer, or make the same call again to have them asked`;
}

function outcomeEntry(ports: CallPorts, filtered: FilteredCall): LogEntry {
  const { answer, status, after } = filtered;
  const { call } = filtered.intent.permit;
  const own = said(ports, call, {
    status,
    ...executedBody(ports, filtered),
    ...(answer.kind === "result"
      ? {
          hidden: [...answer.hidden],
          masked: [...answer.masked],
          rowsRemoved: answer.rowsRemoved,
          records: filtered.records,
          ...lineFigures(call.tool, answer.body),
        }
      : {}),
    ...(filtered.found === undefined ? {} : { found: { ...filtered.found } }),
  });
  const commits = answer.kind === "result" ? { commits: { result: digest(answer.body) } } : {};
  return { kind: "outcome", callId: call.callId, ...own, ...commits, ...(after === undefined ? {} : { facts: { after } }) };
}

/** What every record of a call that was sent says of it. */
function executedBody(ports: CallPorts, executed: Pick<ExecutedCall, "intent" | "equipped" | "upstreamMs">): JsonObject {
  const { intent, equipped, upstreamMs } = executed;
  const cost = intent.permit.call.decision.amounts?.cost ?? 0;
  return {
    ...durations(ports, intent),
    upstreamMs,
    ...(cost === 0 ? {} : { cost }),
    ...(equipped.credential === undefined ? {} : { credential: { ...equipped.credential } }),
  };
}

function durations(ports: CallPorts, { permit: { call, waitedMs } }: Intent): JsonObject {
  return { durationMs: elapsedMs(ports, call.arrivedAt), ...(waitedMs === 0 ? {} : { waitedMs }) };
}

/** Writes that nothing was sent, gives the limits back and returns the refusal to throw. */
export async function settleUnsent(ports: CallPorts, intent: Intent, failure: Refusal | Fault): Promise<Refusal> {
  const { call } = intent.permit;
  const code =
    failure instanceof Refusal ? failure.code : failure.code === "credential_unavailable" ? "credential_unavailable" : "tool_unavailable";
  const refusal = new RecordedRefusal(
    code,
    failure.message,
    failure instanceof Refusal ? { rules: failure.rules, next: failure.next } : { next: [{ kind: "retry_after", ms: 5_000 }] },
  );
  await ports.log.append(call.session.tenant, {
    kind: "outcome",
    callId: call.callId,
    ...said(ports, call, { status: "not_sent", code, ...durations(ports, intent) }),
  });
  await ports.log.release(call.session.tenant, call.reservations, intent.takenAt);
  return refusal;
}

/** The call was sent, but its result could not be cleaned: nothing of it is shown. */
export async function settleWithheld(ports: CallPorts, executed: ExecutedCall): Promise<CallAnswer> {
  const { call } = executed.intent.permit;
  const message =
    "the call was sent, but its result could not be cleaned and is withheld; do not repeat it blindly, ask the operator to look at this call";
  const own = said(ports, call, { status: "withheld", ...executedBody(ports, executed) });
  // A log that fails here leaves an intent without outcome, which surfaces as unknown: the same truth.
  await ports.log.append(call.session.tenant, { kind: "outcome", callId: call.callId, ...own }).catch(() => undefined);
  return { kind: "unknown", callId: call.callId, message };
}

function unrecorded(status: string): string {
  return `the call was sent and ended as \`${status}\`, but its outcome could not be recorded; do not repeat it blindly, ask the operator to look at this call`;
}
