/** What is counted. `running`: calls at this moment. `repeats`: calls that are the same to the last argument. */
export type LimitUnit = "calls" | "records" | "cost" | "recipients" | "running" | "repeats";

/** Whose calls are counted together. `session` is the caller's, `run` its agent's within one run. */
export type Counted = "agent" | "session" | "run" | "tenant";

/** A counter that calls draw from. */
export interface Counter {
  readonly unit: LimitUnit;
  readonly over: Counted;
  /** Windows stand side by side from 1970 on, in UTC. */
  readonly windowMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Stands for the month of the calendar in UTC, whose lengths differ. No other window is as long. */
export const CALENDAR_MONTH_MS = 31 * DAY_MS;
/** As long as whatever it is counted for: nothing outlives it. */
export const WHOLE_SESSION_MS = 2 ** 52;
/** No window: taken while the call runs, and given back with its end. */
export const WHILE_RUNNING_MS = 0;

/** Bounds of one call, by what of it they bound. */
export const ONE_CALL = ["records", "cost", "recipients"] as const;

/** Limits that are counters. Their order ranks grants that permit the same call; the first three are the oldest and so rank first. */
export const COUNTERS = {
  perMinute: { unit: "calls", over: "agent", windowMs: MINUTE_MS },
  perHour: { unit: "calls", over: "agent", windowMs: HOUR_MS },
  perDay: { unit: "calls", over: "agent", windowMs: DAY_MS },
  costPerDay: { unit: "cost", over: "agent", windowMs: DAY_MS },
  costPerMonth: { unit: "cost", over: "agent", windowMs: CALENDAR_MONTH_MS },
  costPerSession: { unit: "cost", over: "session", windowMs: WHOLE_SESSION_MS },
  recordsPerHour: { unit: "records", over: "agent", windowMs: HOUR_MS },
  recordsPerDay: { unit: "records", over: "agent", windowMs: DAY_MS },
  recipientsPerHour: { unit: "recipients", over: "agent", windowMs: HOUR_MS },
  recipientsPerDay: { unit: "recipients", over: "agent", windowMs: DAY_MS },
  concurrent: { unit: "running", over: "agent", windowMs: WHILE_RUNNING_MS },
  repeats: { unit: "repeats", over: "run", windowMs: MINUTE_MS },
  "perTenant.perMinute": { unit: "calls", over: "tenant", windowMs: MINUTE_MS },
  "perTenant.perHour": { unit: "calls", over: "tenant", windowMs: HOUR_MS },
  "perTenant.perDay": { unit: "calls", over: "tenant", windowMs: DAY_MS },
  "perTenant.costPerDay": { unit: "cost", over: "tenant", windowMs: DAY_MS },
  "perTenant.costPerMonth": { unit: "cost", over: "tenant", windowMs: CALENDAR_MONTH_MS },
  "perTenant.recordsPerDay": { unit: "records", over: "tenant", windowMs: DAY_MS },
  "perTenant.recipientsPerHour": { unit: "recipients", over: "tenant", windowMs: HOUR_MS },
  "perTenant.concurrent": { unit: "running", over: "tenant", windowMs: WHILE_RUNNING_MS },
} as const satisfies Readonly<Record<string, Counter>>;

export type CounterName = keyof typeof COUNTERS;
export type LimitName = CounterName | (typeof ONE_CALL)[number];

/** At most so many or so much; a larger one bounds less, an absent one not at all. */
export type Limits = Readonly<Partial<Record<LimitName, number>>>;

// unsafe: the keys of an object literal that nothing widens are exactly its names.
export const COUNTER_NAMES = Object.keys(COUNTERS) as readonly CounterName[];
export const LIMIT_NAMES: readonly LimitName[] = [...COUNTER_NAMES.slice(0, 4), ...ONE_CALL, ...COUNTER_NAMES.slice(4)];

/** Limits as a file writes them: those of the tenant in a map of their own. */
export type WrittenLimits = { readonly perTenant?: Readonly<Record<string, number | undefined>> | undefined } & Readonly<
  Record<string, unknown>
>;

/** The limits that a file writes, by their names. */
export function limitsOf(written: WrittenLimits | undefined): Limits {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const name of LIMIT_NAMES) {
    const [group, inner] = name.split(".");
    const value = inner === undefined ? written?.[name] : group === "perTenant" ? written?.perTenant?.[inner] : undefined;
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}
