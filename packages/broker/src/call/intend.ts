import type { JsonObject } from "@bailiwick/policy";
import { countingYeses } from "../domain/answering.ts";
import type { ApprovalAnswer } from "../domain/approval.ts";
import type { GivenRights, LogEntry } from "../domain/audit.ts";
import type { Permit } from "./approve.ts";
import { type NamedCredential, peekCredential } from "./peek-credential.ts";
import { notBegun } from "./not-begun.ts";
import type { CallPorts } from "./ports.ts";
import { factsOf, obligationsBody, said } from "./record-body.ts";
import type { Refusal } from "./refusal.ts";
import { elevationsBody, elevationsOf } from "./stands-on.ts";

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
    rights: rightsOf(permit),
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
  const { call, yes } = permit;
  const own = said(ports, call, {
    ...obligationsBody(call),
    ...(yes === undefined ? {} : approvalBody(yes)),
    ...elevationsBody(call.decision),
    ...(credential === undefined ? {} : { credential: { name: credential.name, version: credential.version ?? null } }),
    limits: call.reservations.length,
  });
  return {
    kind: "intent",
    callId: call.callId,
    ...own,
    people: { ...own.people, ...(yes === undefined ? {} : { approvedBy: countingYeses(yes.approval.answers).map(({ by }) => by) }) },
    facts: { ...factsOf(call), limits: call.reservations.map(({ key, amount }) => ({ key, amount })) },
  };
}

/** What people gave for this call: taken, or found in force, in the intent's own transaction. */
function rightsOf({ call, yes }: Permit): GivenRights {
  return {
    ...(yes === undefined ? {} : yes.kind === "once" ? { approval: yes.approval.id } : { bounded: yes.approval.id }),
    elevations: elevationsOf(call.decision),
  };
}

/** The chain of yeses the call stands on; who gave each stands at the same place of `approvedBy`. */
function approvalBody({ kind, approval }: NonNullable<Permit["yes"]>): JsonObject {
  const { id, answers } = approval;
  return {
    approval: id,
    ...(kind === "once" ? {} : { bounded: true }),
    approvals: countingYeses(answers).map((answer) => ({ approval: id, ...answerBody(answer) })),
  };
}

function answerBody({ at, via, args, receipt }: ApprovalAnswer): JsonObject {
  return { at: at.toISOString(), via, edited: args !== undefined, signed: receipt !== undefined };
}
