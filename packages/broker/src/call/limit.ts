import type { Reservation } from "../domain/audit.ts";
import { Refusal } from "./refusal.ts";
import type { DecidedCall, LimitedCall } from "./types.ts";

/**
 * Turns the decision's limits into what the intent will draw. The counters are taken in the intent's own transaction,
 * exact across brokers; here only what can never fit is refused.
 * @throws Refusal `records_exceeded` when one call asks for more than a whole window holds.
 */
export function limit(call: DecidedCall): LimitedCall {
  const impossible = call.decision.limits.find((each) => each.amount > each.max);
  if (impossible !== undefined) {
    throw new Refusal(
      "records_exceeded",
      `this call takes ${impossible.amount} ${impossible.unit} and the limit is ${impossible.max}; ask for less`,
      {
        rules: [impossible.rule],
        next: [{ kind: "narrow", field: impossible.unit, allowed: [impossible.max] }],
      },
    );
  }
  const reservations: Reservation[] = call.decision.limits.map(({ key, max, windowMs, amount }) => ({ key, max, windowMs, amount }));
  return { ...call, reservations };
}
