import type { Hours } from "../rules/rule.ts";

const MINUTE_MS = 60_000;
/** Hours repeat weekly; daylight-saving shifts add at most some hours. */
const SEARCH_MINUTES = 8 * 24 * 60;
const DAY_NAMES: readonly string[] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

export function withinHours(hours: Hours, now: Date): boolean {
  const local = localTime(hours.zone, now);
  return hours.days.has(local.day) && local.minute >= hours.fromMinute && local.minute < hours.toMinute;
}

/** Milliseconds until the hours are open; undefined when they do not open within a week. */
export function opensInMs(hours: Hours, now: Date): number | undefined {
  const start = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  let step = 15;
  for (let minute = step; minute <= SEARCH_MINUTES; minute += step) {
    const candidate = new Date(start + minute * MINUTE_MS);
    if (!withinHours(hours, candidate)) continue;
    // Walk back from the quarter of an hour that is open to its first open minute.
    for (step = minute; step > minute - 15 && withinHours(hours, new Date(start + (step - 1) * MINUTE_MS));) step -= 1;
    return start + step * MINUTE_MS - now.getTime();
  }
  return undefined;
}

function localTime(zone: string, now: Date): { readonly day: number; readonly minute: number } {
  const parts = new Map(
    formatter(zone)
      .formatToParts(now)
      .map((part) => [part.type, part.value]),
  );
  const day = DAY_NAMES.indexOf(parts.get("weekday") ?? "");
  return { day, minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) };
}

/** Making a formatter costs more than a decision; zones come from the policy, so there are few. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string): Intl.DateTimeFormat {
  let known = formatters.get(zone);
  if (known === undefined) {
    known = new Intl.DateTimeFormat("en-US", { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    formatters.set(zone, known);
  }
  return known;
}
