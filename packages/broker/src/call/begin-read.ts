import type { LogEntry, Reservation } from "../domain/audit.ts";
import type { Session } from "../domain/session.ts";
import { type Beginning, notBegun } from "./not-begun.ts";
import type { CallPorts } from "./ports.ts";
import type { Claims } from "./presented.ts";
import type { RecordedRefusal } from "./refusal.ts";
import { elevationsOf } from "./stands-on.ts";

/** What the beginning of a read takes. */
interface Draws {
  readonly reservations: readonly Reservation[];
  readonly proof?: Claims["proof"];
}

/**
 * Makes the record of a read durable before it happens, in the transaction that asks once more whether the session may act, spends the
 * proof and draws the limits: what this broker has in memory may be older than a revocation.
 * @throws RecordedRefusal `session_revoked`, `elevation_ended`, `proof_replayed`, `budget_spent`, `rate_limited`; Fault `log_unavailable`: nothing may be read then.
 */
export async function beginRead(
  { log }: Pick<CallPorts, "log">,
  call: Beginning & { readonly session: Session },
  entry: LogEntry,
  { reservations, proof }: Draws,
): Promise<void> {
  let refused: RecordedRefusal | undefined;
  const outcome = await log.intend(call.session.tenant, entry, {
    session: call.session.id,
    reservations,
    ...(proof === undefined ? {} : { proof }),
    rights: { elevations: elevationsOf(call.decision) },
    instead: (why) => {
      refused = notBegun(call, why);
      return { ...entry, kind: "refusal", body: { ...entry.body, verdict: "deny", code: refused.code } };
    },
  });
  if (!outcome.ok) throw refused ?? notBegun(call, outcome);
}
