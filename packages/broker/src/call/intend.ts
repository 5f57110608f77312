import type { JsonObject } from "@bailiwick/policy";
import type { Approval } from "../domain/approval.ts";
import type { LogEntry } from "../domain/audit.ts";
import type { Permit } from "./approve.ts";
import { type NamedCredential, peekCredential } from "./peek-credential.ts";
import { notBegun } from "./not-begun.ts";
import type { CallPorts } from "./ports.ts";
import { factsOf, obligationsBody, said } from "./record-body.ts";
import type { Refusal } from "./refusal.ts";

/** A durable intent and the permit it was written for. */
export interface Intent {
  readonly permit: Permit;
  readonly index: number;
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
        ...said(ports, call, { verdict: "deny", code: refused.code }),
        facts: factsOf(call),
      };
    },
  });
  if (outcome.ok) return { permit, index: outcome.index, takenAt, credential };
  throw refused ?? notBegun(call, outcome);
}

function intentEntry(ports: CallPorts, permit: Permit, credential: NamedCredential | undefined): LogEntry {
  const { call, approval } = permit;
  const approver = approval?.answer?.by;
  const own = said(ports, call, {
    ...obligationsBody(call),
    ...(approval === undefined ? {} : approvalBody(approval)),
    ...(credential === undefined ? {} : { credential: { name: credential.name, version: credential.version ?? null } }),
    limits: call.reservations.length,
  });
  return {
    kind: "intent",
    callId: call.callId,
    ...own,
    people: { ...own.people, ...(approver === undefined ? {} : { approvedBy: [approver] }) },
    facts: { ...factsOf(call), limits: call.reservations.map(({ key, amount }) => ({ key, amount })) },
  };
}

/** The chain of yeses the call stands on; who gave each stands at the same place of `approvedBy`. */
function approvalBody({ id, answer }: Approval): JsonObject {
  if (answer === undefined) return { approval: id };
  return { approval: id, approvals: [{ approval: id, at: answer.at.toISOString(), edited: answer.args !== undefined }] };
}
