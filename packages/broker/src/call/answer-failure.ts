import type { JsonObject } from "@bailiwick/policy";
import { DeniedByPolicy } from "./decide.ts";
import { Fault } from "../domain/fault.ts";
import type { Session } from "../domain/session.ts";
import { Held } from "./hold.ts";
import type { CallPorts } from "./ports.ts";
import { callerFacts, factsOf, rulesBody, said, saidOfSession } from "./record-body.ts";
import { settleWithheld } from "./record.ts";
import { RecordedRefusal, Refusal } from "./refusal.ts";
import { noteRefused } from "./repeats.ts";
import { namedText } from "./naming.ts";
import type { Trail } from "./trail.ts";
import type { CallAnswer, IncomingCall } from "./types.ts";

/**
 * Turns whatever stopped a call into its answer, and records refusals before they are answered.
 * An exception that is neither a refusal nor a known fault refuses as well: a broken part never lets a call through.
 */
export async function answerFailure(ports: CallPorts, trail: Trail, failure: unknown): Promise<CallAnswer> {
  if (failure instanceof Held) return { kind: "pending", callId: trail.callId, approval: failure.approval };
  ports.onFault?.(failure);
  if (trail.executed !== undefined) return settleWithheld(ports, trail.executed);
  const refusal = asRefusal(failure);
  noteRepeated(ports, trail, refusal.code);
  if (!(refusal instanceof RecordedRefusal)) {
    const unrecorded = await recordRefusal(ports, trail, refusal);
    if (unrecorded !== undefined) return refused(trail, unrecorded);
  }
  return refused(trail, refusal);
}

/** Whoever is refused the same over and over is told so in the end, and so is the operator. */
function noteRepeated(ports: CallPorts, { session, incoming }: Trail, code: Refusal["code"]): void {
  if (session !== undefined && noteRefused(ports, session, incoming, code)) ports.onStuck?.(session, code);
}

function refused(trail: Trail, refusal: Refusal): CallAnswer {
  const callId = trail.session === undefined ? undefined : trail.callId;
  // A reason may speak of an argument, which held a token.
  const message = namedText(refusal.message, trail.call?.standIns ?? []);
  return { kind: "refused", callId, code: refusal.code, message, rules: refusal.rules, next: refusal.next };
}

function asRefusal(failure: unknown): Refusal {
  if (failure instanceof Refusal) return failure;
  if (!(failure instanceof Fault))
    return new Refusal("internal_fault", "the broker failed before anything was sent; the operator's log says why");
  const next = [{ kind: "retry_after", ms: 5_000 }] as const;
  switch (failure.code) {
    case "log_unavailable":
    case "store_unavailable":
    case "credential_unavailable":
    case "cancelled":
      return new Refusal(failure.code, failure.message, { next });
    case "tool_unavailable":
    case "tool_lost":
    case "tool_timeout":
    case "result_too_large":
      // Only a lookup can end here: the agent's own call was never sent.
      return new Refusal("tool_unavailable", failure.message, { next });
    case "proof_unavailable":
    case "key_shared":
    case "session_ended":
    case "agent_cannot_answer":
      return new Refusal("internal_fault", failure.message);
  }
}

// Returns the refusal to answer instead when the record could not be made durable.
async function recordRefusal(ports: CallPorts, trail: Trail, refusal: Refusal): Promise<Refusal | undefined> {
  const { session } = trail;
  if (session === undefined) return undefined;
  const decided = refusal instanceof DeniedByPolicy ? refusal.call : trail.decided;
  const why = { verdict: "deny", code: refusal.code, rules: rulesBody(refusal.rules) };
  try {
    await ports.log.append(session.tenant, {
      kind: "refusal",
      callId: trail.callId,
      ...(decided === undefined ? saidOfSession(ports, session, trail.incoming, { ...named(trail), ...why }) : said(ports, decided, why)),
      facts: decided === undefined ? askedFacts(session, trail.incoming) : factsOf(decided),
    });
    return undefined;
  } catch {
    return new Refusal("log_unavailable", "the audit log cannot be written, so nothing runs; the operator must look at the store", {
      next: [{ kind: "retry_after", ms: 5_000 }],
    });
  }
}

function named({ call }: Trail): JsonObject {
  return call === undefined ? {} : { operation: call.action.operation.name, tool: call.operation.tool, action: call.action.scope };
}

/** A name that no catalog knows is the agent's own text. */
function askedFacts(session: Session, incoming: IncomingCall): JsonObject {
  return { asked: { kind: incoming.kind, name: incoming.name }, ...callerFacts(session, incoming) };
}
