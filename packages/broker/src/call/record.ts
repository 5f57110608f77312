import { digest } from "@bailiwick/ledger";
import type { ExecutedCall } from "./execute.ts";
import type { Fault } from "../domain/fault.ts";
import type { FilteredCall } from "./filter.ts";
import type { Intent } from "./intend.ts";
import type { CallPorts } from "./ports.ts";
import { bodyOf } from "./record-body.ts";
import { RecordedRefusal, Refusal } from "./refusal.ts";
import type { CallAnswer } from "./types.ts";

/**
 * Makes the outcome durable, then answers. After the effect nothing may say "refused":
 * when the record cannot be written, the answer is that the outcome is unknown.
 */
export async function record(ports: CallPorts, filtered: FilteredCall): Promise<CallAnswer> {
  const { call } = filtered.intent.permit;
  try {
    await ports.log.append(call.session.tenant, {
      kind: "outcome",
      callId: call.callId,
      body: {
        ...bodyOf(ports, call),
        status: filtered.status,
        durationMs: ports.now().getTime() - filtered.sentAt.getTime(),
        ...(filtered.equipped.credential === undefined ? {} : { credential: { ...filtered.equipped.credential } }),
        ...(filtered.answer.kind === "result"
          ? {
              resultDigest: digest(filtered.answer.body),
              hidden: [...filtered.answer.hidden],
              masked: [...filtered.answer.masked],
              rowsRemoved: filtered.answer.rowsRemoved,
              records: filtered.records,
            }
          : {}),
      },
    });
  } catch {
    return { kind: "unknown", callId: call.callId, message: unrecorded(filtered.status) };
  }
  return filtered.answer;
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
    body: { ...bodyOf(ports, call), status: "not_sent", code },
  });
  await ports.log.release(call.session.tenant, call.reservations, intent.takenAt);
  return refusal;
}

/** The call was sent, but its result could not be cleaned: nothing of it is shown. */
export async function settleWithheld(ports: CallPorts, executed: ExecutedCall): Promise<CallAnswer> {
  const { call } = executed.intent.permit;
  const message =
    "the call was sent, but its result could not be cleaned and is withheld; do not repeat it blindly, ask the operator to look at this call";
  const entry = { kind: "outcome", callId: call.callId, body: { ...bodyOf(ports, call), status: "withheld" } } as const;
  // A log that fails here leaves an intent without outcome, which surfaces as unknown: the same truth.
  await ports.log.append(call.session.tenant, entry).catch(() => undefined);
  return { kind: "unknown", callId: call.callId, message };
}

function unrecorded(status: string): string {
  return `the call was sent and ended as \`${status}\`, but its outcome could not be recorded; do not repeat it blindly, ask the operator to look at this call`;
}
