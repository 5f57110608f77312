import { type CatalogAction, type Decision, limitDemandWords } from "@bailiwick/policy";
import type { IntendOutcome } from "../domain/audit.ts";
import { budgetSpent, demandOf, isBudget, isUsualRepeats, USUAL_REPEATS } from "./limit.ts";
import { RecordedRefusal } from "./refusal.ts";

/** What must be known of a call to say why the store did not let it begin. */
export interface Beginning {
  readonly action: Pick<CatalogAction, "scope">;
  readonly decision: Pick<Decision, "limits" | "elevations" | "delegator">;
}

/** Why the transaction that would have made the call's record durable made a refusal of it. */
export function notBegun(call: Beginning, why: Exclude<IntendOutcome, { ok: true }>): RecordedRefusal {
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
    case "approval_gone":
      return new RecordedRefusal(
        "approval_used",
        "the yes that this call stands on was used by another call, withdrawn, or is over; repeat the call to ask again",
        { next: [{ kind: "retry_after", ms: 0 }] },
      );
    case "elevation_over":
      return new RecordedRefusal(
        "elevation_ended",
        `the right for a time that this call stands on has ended or was revoked; ask for it again if \`${call.action.scope}\` is still needed`,
        { next: [{ kind: "request_elevation", scope: call.action.scope }] },
      );
  }
}

function overLimit(call: Beginning, key: string, used: number, max: number, retryAfterMs: number): RecordedRefusal {
  if (isBudget(key)) {
    const { code, message, next } = budgetSpent(key, used, max);
    return new RecordedRefusal(code, message, { next });
  }
  const demand = demandOf(call.decision, key);
  const said = { rules: demand === undefined ? [] : [demand.rule], next: [{ kind: "retry_after" as const, ms: retryAfterMs }] };
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  if (demand?.unit === "running") {
    const message = `\`${call.action.scope}\` is limited to ${limitDemandWords(demand)} and ${used} run now; try again when one has ended`;
    return new RecordedRefusal("too_many_at_once", message, said);
  }
  if (demand?.unit === "repeats" || isUsualRepeats(key)) {
    const times = demand?.max ?? USUAL_REPEATS;
    return new RecordedRefusal(
      "call_repeated",
      `this very call was made ${times} times within a minute, with the same arguments each time; use the answer that is there, or wait ${seconds} s`,
      said,
    );
  }
  const most = demand === undefined ? `${max} calls` : limitDemandWords(demand);
  return new RecordedRefusal(
    "rate_limited",
    `\`${call.action.scope}\` is limited to ${most} and ${used} are used; wait ${seconds} s`,
    said,
  );
}

function notLive(): RecordedRefusal {
  return new RecordedRefusal("session_revoked", "this session was revoked, stopped or has expired; get a new token", {
    next: [{ kind: "reauthenticate" }],
  });
}
