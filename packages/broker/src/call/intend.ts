import type { LogEntry } from "../domain/audit.ts";
import type { Permit } from "./approve.ts";
import { type NamedCredential, peekCredential } from "./peek-credential.ts";
import { notBegun } from "./not-begun.ts";
import type { CallPorts } from "./ports.ts";
import { bodyOf, factsOf } from "./record-body.ts";
import type { Refusal } from "./refusal.ts";

/** A durable intent and the permit it was written for. */
export interface Intent {
  readonly permit: Permit;
  readonly seq: number;
  readonly takenAt: Date;
  /** What `inject` must use: the version the record names. */
  readonly credential?: NamedCredential | undefined;
}

/**
 * Makes the intent durable and takes the limits in the same transaction, which also checks the session once more.
 * @throws RecordedRefusal `rate_limited`, `session_revoked`; Fault `log_unavailable`: nothing may run then.
 */
export async function intend(ports: CallPorts, permit: Permit): Promise<Intent> {
  const { call } = permit;
  const takenAt = ports.now();
  let refused: Refusal | undefined;
  const credential = await peekCredential(ports, call);
  const outcome = await ports.log.intend(call.session.tenant, intentEntry(ports, permit, credential), {
    session: call.session.id,
    reservations: call.reservations,
    ...(call.proof === undefined ? {} : { proof: call.proof }),
    instead: (why) => {
      refused = notBegun(call, why);
      return {
        kind: "refusal",
        callId: call.callId,
        body: { ...bodyOf(ports, call), verdict: "deny", code: refused.code },
        facts: factsOf(call),
      };
    },
  });
  if (outcome.ok) return { permit, seq: outcome.seq, takenAt, credential };
  throw refused ?? notBegun(call, outcome);
}

function intentEntry(ports: CallPorts, permit: Permit, credential: NamedCredential | undefined): LogEntry {
  const { call, approval } = permit;
  return {
    kind: "intent",
    callId: call.callId,
    body: {
      ...bodyOf(ports, call),
      ...(approval === undefined ? {} : { approval: approval.id, approvedBy: approval.answer?.by ?? null }),
      ...(credential === undefined ? {} : { credential: { name: credential.name, version: credential.version ?? null } }),
      limits: call.reservations.map(({ key, amount }) => ({ key, amount })),
    },
    facts: factsOf(call),
  };
}
