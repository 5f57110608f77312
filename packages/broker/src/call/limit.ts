import { type Decision, limitDemandWords, type LimitDemand, type RuleRef, WHOLE_SESSION_MS } from "@bailiwick/policy";
import type { Reservation } from "../domain/audit.ts";
import { chainOf } from "../domain/ended.ts";
import type { Session, SessionLimits } from "../domain/session.ts";
import { Refusal } from "./refusal.ts";
import type { CallPorts } from "./ports.ts";
import type { DecidedCall, LimitedCall } from "./types.ts";

const BUDGET = "session-budget";

/**
 * Turns the decision's limits and the budgets of the session and of those it was delegated from into what the intent will draw. The counters
 * are taken in the intent's own transaction, exact across brokers; here only what can never fit is refused.
 * @throws Refusal `records_exceeded` when one call asks for more than a whole window holds, `budget_spent` when more than a whole budget.
 */
export function limit(ports: Pick<CallPorts, "repeats" | "now">, call: DecidedCall): LimitedCall {
  const impossible = call.decision.limits.find((each) => each.amount > each.max);
  if (impossible !== undefined) {
    throw new Refusal(
      "records_exceeded",
      `this call takes ${impossible.amount} ${impossible.unit} and the limit is ${limitDemandWords(impossible)}; ask for less`,
      {
        rules: [impossible.rule],
        next: [{ kind: "narrow", field: impossible.unit, allowed: [impossible.max] }],
      },
    );
  }
  const reservations = [...reservationsOf(call.session, call.decision, call), ...usualRepeats(ports, call)];
  const beyond = reservations.find((each) => isBudget(each.key) && each.amount > each.max);
  if (beyond !== undefined) throw budgetSpent(beyond.key, 0, beyond.max, beyond.amount);
  return { ...call, reservations };
}

/** What a call draws: the limits that its decision names, and the budgets of its session and of those above it. */
export function reservationsOf(
  session: Session,
  decision: Pick<Decision, "limits" | "amounts">,
  same?: Pick<DecidedCall, "argsDigest">,
): readonly Reservation[] {
  // What takes nothing needs no counter; whether a call is the same as another one is known of calls only.
  const drawn = decision.limits.filter(({ amount, unit }) => amount > 0 && (unit !== "repeats" || same !== undefined));
  const demanded = drawn.map(({ key, unit, max, windowMs, amount }) => {
    return { key: unit === "repeats" ? repeatKey(key, session, same?.argsDigest ?? "") : key, max, windowMs, amount };
  });
  return [...demanded, ...budgetsOf(session, decision)];
}

/** The demand that a counter is drawn from for. */
export function demandOf({ limits }: Pick<Decision, "limits">, key: string): LimitDemand | undefined {
  return limits.find((each) => each.key === key || (each.unit === "repeats" && key.startsWith(`${each.key}|`)));
}

/** The same agent, in the same run, with the same operation and arguments; other agents of the run count for themselves. */
function repeatKey(key: string, { agent, run }: Session, argsDigest: string): string {
  return [key, agent, run, argsDigest].join("|");
}

/** How often the very same call may run in a minute where no rule says it. */
export const USUAL_REPEATS = 50;
const REPEATS_WINDOW_MS = 60_000;
const USUAL = "usual-repeats";

/**
 * The bound on repeats that holds where no rule sets one; lines are outside it, because a client opens many to one host. Most calls are made once, so that a counter is drawn from only when this broker
 * has seen the very same call before within the minute: the first one on each broker is not counted.
 */
function usualRepeats({ repeats, now }: Pick<CallPorts, "repeats" | "now">, call: DecidedCall): readonly Reservation[] {
  if ("egress" in call.tool.connect || call.decision.limits.some(({ unit }) => unit === "repeats")) return [];
  const key = repeatKey(USUAL, call.session, call.argsDigest);
  if (!repeats.seenBefore(key, now(), REPEATS_WINDOW_MS)) return [];
  return [{ key, max: USUAL_REPEATS - 1, windowMs: REPEATS_WINDOW_MS, amount: 1 }];
}

export function isUsualRepeats(key: string): boolean {
  return key.startsWith(`${USUAL}|`);
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

/** What a read draws from budgets and limits of records once it is known how many came back: all but what its intent drew already. */
export function recordsBeyond(
  session: Session,
  { amounts, limits }: Pick<Decision, "amounts" | "limits">,
  shown: number,
): readonly Reservation[] {
  const beyond = shown - (amounts?.records ?? 1);
  if (beyond <= 0) return [];
  const budgets = budgetsOf(session, { amounts: { records: beyond, cost: 0 } }).filter(({ key }) => key.endsWith("|records"));
  const counters = limits
    .filter(({ unit }) => unit === "records")
    .map(({ key, max, windowMs }) => ({ key, max, windowMs, amount: beyond }));
  return [...counters, ...budgets];
}

/** The gates by which people are asked before so many records are shown, and were not; undefined when the result may be shown. */
export function unaskedFor(
  { asksOver }: Pick<Decision, "asksOver">,
  shown: number,
  answered: readonly Pick<RuleRef, "id">[],
): readonly RuleRef[] | undefined {
  if (asksOver === undefined || shown <= asksOver.records) return undefined;
  const unasked = asksOver.rules.filter(({ id }) => answered.every((rule) => rule.id !== id));
  return unasked.length === 0 ? undefined : unasked;
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
