import type { IntendOutcome, LogEntry } from "../domain/audit.ts";
import type { Permit } from "./approve.ts";
import { type NamedCredential, peekCredential } from "./peek-credential.ts";
import { budgetSpent, isBudget } from "./limit.ts";
import type { CallPorts } from "./ports.ts";
import { bodyOf, factsOf } from "./record-body.ts";
import { RecordedRefusal, type Refusal } from "./refusal.ts";
import type { LimitedCall } from "./types.ts";

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
      refused = refusalFor(call, why);
      return {
        kind: "refusal",
        callId: call.callId,
        body: { ...bodyOf(ports, call), verdict: "deny", code: refused.code },
        facts: factsOf(call),
      };
    },
  });
  if (outcome.ok) return { permit, seq: outcome.seq, takenAt, credential };
  throw refused ?? refusalFor(call, outcome);
}

function refusalFor(call: LimitedCall, why: Exclude<IntendOutcome, { ok: true }>): Refusal {
  switch (why.why) {
    case "over_limit":
      return overLimit(call, why.key, why.used, why.max, why.retryAfterMs);
    case "session_not_live":
      return notLive();
    case "proof_replayed":
      return new RecordedRefusal(
        "proof_replayed",
        "this proof paid for another call already, here or on another broker; sign a fresh one",
        {
          next: [{ kind: "retry_after", ms: 0 }],
        },
      );
  }
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

function overLimit(call: LimitedCall, key: string, used: number, max: number, retryAfterMs: number): Refusal {
  if (isBudget(key)) {
    const { code, message, next } = budgetSpent(key, used, max);
    return new RecordedRefusal(code, message, { next });
  }
  const demand = call.decision.limits.find((each) => each.key === key);
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const window = demand === undefined ? "" : ` in ${Math.round(demand.windowMs / 60_000)} min`;
  return new RecordedRefusal(
    "rate_limited",
    `\`${call.action.scope}\` is limited to ${max} ${demand?.unit ?? "calls"}${window} and ${used} are used; wait ${seconds} s`,
    {
      rules: demand === undefined ? [] : [demand.rule],
      next: [{ kind: "retry_after", ms: retryAfterMs }],
    },
  );
}

function notLive(): Refusal {
  return new RecordedRefusal("session_revoked", "this session was revoked, stopped or has expired; get a new token", {
    next: [{ kind: "reauthenticate" }],
  });
}
