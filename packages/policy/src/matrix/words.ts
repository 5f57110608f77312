import type { Asking } from "../decide/approvals.ts";
import { LIMIT_NAMES } from "../rules/limits.ts";
import type { LimitName, Limits } from "../rules/limits.ts";
import type { Hours } from "../rules/rule.ts";
import type { LimitDemand, Mask } from "../types.ts";

const many = (max: number, one: string): string => `${String(max)} ${one}${max === 1 ? "" : "s"}`;

const LIMIT_WORDS: Readonly<Record<LimitName, (max: number) => string>> = {
  perMinute: (max) => `${String(max)} per minute`,
  perHour: (max) => `${String(max)} per hour`,
  perDay: (max) => `${String(max)} per day`,
  costPerDay: (max) => `cost of ${String(max)} per day`,
  records: (max) => `${many(max, "record")} a call`,
  cost: (max) => `cost of ${String(max)} a call`,
  recipients: (max) => `${many(max, "recipient")} a call`,
  costPerMonth: (max) => `cost of ${String(max)} per month`,
  costPerSession: (max) => `cost of ${String(max)} a session`,
  recordsPerHour: (max) => `${many(max, "record")} per hour`,
  recordsPerDay: (max) => `${many(max, "record")} per day`,
  recipientsPerHour: (max) => `${many(max, "recipient")} per hour`,
  recipientsPerDay: (max) => `${many(max, "recipient")} per day`,
  concurrent: (max) => `${String(max)} at once`,
  repeats: (max) => `the same call ${max === 1 ? "once" : `${String(max)} times`} per minute`,
  "perTenant.perMinute": (max) => `${String(max)} per minute for the tenant`,
  "perTenant.perHour": (max) => `${String(max)} per hour for the tenant`,
  "perTenant.perDay": (max) => `${String(max)} per day for the tenant`,
  "perTenant.costPerDay": (max) => `cost of ${String(max)} per day for the tenant`,
  "perTenant.costPerMonth": (max) => `cost of ${String(max)} per month for the tenant`,
  "perTenant.recordsPerDay": (max) => `${many(max, "record")} per day for the tenant`,
  "perTenant.recipientsPerHour": (max) => `${many(max, "recipient")} per hour for the tenant`,
  "perTenant.concurrent": (max) => `${String(max)} at once for the tenant`,
};

/** `30 per minute, 10 records a call`; empty when nothing is limited. */
export function limitWords(limits: Limits): string {
  return LIMIT_NAMES.flatMap((name) => {
    const max = limits[name];
    return max === undefined ? [] : [LIMIT_WORDS[name](max)];
  }).join(", ");
}

/** `30 calls per minute`, as `limitWords` says it of a rule. */
export function limitDemandWords({ key, max }: Pick<LimitDemand, "key" | "max">): string {
  const name = LIMIT_NAMES.find((each) => key.endsWith(`|${each}`));
  return name === undefined
    ? String(max)
    : LIMIT_WORDS[name](max).replace(/^(\d+) (?=per )/, (_, many_: string) => `${many(Number(many_), "call")} `);
}

/** `hides a, b` and `masks c (partial), d (redact)`. */
export function fieldWords(treatments: ReadonlyMap<string, "hide" | Mask>): readonly string[] {
  const hidden = [...treatments].flatMap(([path, how]) => (how === "hide" ? [path] : []));
  const masked = [...treatments].flatMap(([path, how]) => (how === "hide" ? [] : [`${path} (${how})`]));
  return [
    ...(hidden.length === 0 ? [] : [`hides ${hidden.toSorted().join(", ")}`]),
    ...(masked.length === 0 ? [] : [`masks ${masked.toSorted().join(", ")}`]),
  ];
}

/** `by support-lead or operator within 30 min`, and what else an approval takes. */
export function approvalWords({ by, expiresMs, count, also, stepUp, escalate }: Asking): string {
  const groups = [{ by, count }, ...also].map((group) => `${group.count === 1 ? "" : `${String(group.count)} `}${group.by.join(" or ")}`);
  return [
    `by ${groups.join(" and ")}`,
    ...(stepUp ? ["with step-up"] : []),
    `within ${durationWords(expiresMs)}`,
    ...(escalate === undefined ? [] : [`(after ${durationWords(escalate.afterMs)} also ${escalate.to.join(" or ")})`]),
  ].join(" ");
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** In the largest unit that says it exactly. */
export function durationWords(ms: number): string {
  const [size, unit] = UNITS.find(([size_]) => ms % size_ === 0) ?? [1, "ms"];
  return `${String(ms / size)} ${unit}`;
}

const DAYS: readonly string[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** `mon-fri 08:00-18:00 Europe/Berlin`; hours over midnight end `06:00 next day`. */
export function hoursWords({ days, fromMinute, toMinute, zone }: Hours): string {
  // Weeks of people begin on Monday, those of JavaScript on Sunday.
  const open = DAYS.map((_, index) => days.has((index + 1) % 7));
  const runs = DAYS.flatMap((day, index) => {
    if (open[index] !== true || open[index - 1] === true) return [];
    const rest = open.slice(index).indexOf(false);
    const last = rest === -1 ? DAYS.length - 1 : index + rest - 1;
    return [last === index ? day : `${day}-${DAYS[last] ?? day}`];
  });
  return `${runs.join(" ")} ${clock(fromMinute)}-${clock(toMinute)}${toMinute <= fromMinute ? " next day" : ""} ${zone}`;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
