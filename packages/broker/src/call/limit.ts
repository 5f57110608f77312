import type { Decision } from "@bailiwick/policy";
import type { Reservation } from "../domain/audit.ts";
import { chainOf } from "../domain/ended.ts";
import type { Session, SessionLimits } from "../domain/session.ts";
import { Refusal } from "./refusal.ts";
import type { DecidedCall, LimitedCall } from "./types.ts";

/** A session's budget has no window: it lasts as long as the session. */
const WHOLE_SESSION_MS = 2 ** 52;
const BUDGET = "session-budget";

/**
 * Turns the decision's limits and the budgets of the session and of those it was delegated from into what the intent will draw. The counters
 * are taken in the intent's own transaction, exact across brokers; here only what can never fit is refused.
 * @throws Refusal `records_exceeded` when one call asks for more than a whole window holds, `budget_spent` when more than a whole budget.
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
  const reservations = reservationsOf(call.session, call.decision);
  const beyond = reservations.find((each) => isBudget(each.key) && each.amount > each.max);
  if (beyond !== undefined) throw budgetSpent(beyond.key, 0, beyond.max, beyond.amount);
  return { ...call, reservations };
}

/** What a call draws: the limits that its decision names, and the budgets of its session and of those above it. */
export function reservationsOf(session: Session, decision: Pick<Decision, "limits" | "amounts">): readonly Reservation[] {
  const demanded = decision.limits.map(({ key, max, windowMs, amount }) => ({ key, max, windowMs, amount }));
  return [...demanded, ...budgetsOf(session, decision)];
}

/** A delegate draws from its own budget and from each one above it. */
function budgetsOf(session: Session, { amounts }: Pick<Decision, "amounts">): readonly Reservation[] {
  const draws: SessionLimits = { calls: 1, records: amounts?.records ?? 1, cost: amounts?.cost ?? 0 };
  const byId = new Map(chainOf(session).map((each) => [each.id, each.limits]));
  return [...byId].flatMap(([id, limits]) =>
    (["calls", "records", "cost"] as const).flatMap((unit) => {
      const [max, amount] = [limits[unit], draws[unit] ?? 0];
      return max === undefined || amount === 0 ? [] : [{ key: [BUDGET, id, unit].join("|"), max, windowMs: WHOLE_SESSION_MS, amount }];
    }),
  );
}

/** What a read draws from budgets of records once it is known how many came back: all but what its intent drew already. */
export function recordsBeyond(session: Session, { amounts }: Pick<Decision, "amounts">, shown: number): readonly Reservation[] {
  const beyond = shown - (amounts?.records ?? 1);
  if (beyond <= 0) return [];
  return budgetsOf(session, { amounts: { records: beyond, cost: 0 } }).filter(({ key }) => key.endsWith("|records"));
}

/** Whether a counter is a session's budget rather than a limit of the policy. */
export function isBudget(key: string): boolean {
  return key.startsWith(`${BUDGET}|`);
}

/** `amount` is what the refused call would have taken. */
export function budgetSpent(key: string, used: number, max: number, amount?: number): Refusal {
  const [, session = "", unit = "calls"] = key.split("|");
  const wants = amount === undefined ? "" : `, and this call takes ${amount}`;
  return new Refusal(
    "budget_spent",
    `session ${session} was opened for ${max} ${unit} in all, ${used} are used${wants}; ask whoever opened it for a new one`,
    { next: [{ kind: "reauthenticate" }] },
  );
}
