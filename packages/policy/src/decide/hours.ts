import type { Hours } from "../rules/rule.ts";

const MINUTE_MS = 60_000;
/** Hours repeat weekly; daylight-saving shifts add at most some hours. */
const SEARCH_MINUTES = 8 * 24 * 60;
const DAY_MINUTES = 24 * 60;
const DAY_NAMES: readonly string[] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/** Minutes between two looks. Hours that a spring's lost hour may leave shorter than this are looked for minute by minute. */
const STEP = 15;
const LOST_MINUTES = 60;

export function withinHours(hours: Hours, now: Date): boolean {
  const { day, minute } = localTime(hours.zone, now);
  const { days, fromMinute, toMinute } = hours;
  if (fromMinute < toMinute) return days.has(day) && minute >= fromMinute && minute < toMinute;
  // Over midnight: the rest belongs to the day on which it began.
  return (days.has(day) && minute >= fromMinute) || (days.has((day + 6) % 7) && minute < toMinute);
}

/**
 * When closed hours open next, as it was found from a moment on: looking for it costs much more than a decision, and who is refused may come
 * again at once.
 */
const openings = new WeakMap<Hours, { readonly fromMs: number; readonly atMs: number }>();

/** Milliseconds until the hours are open; undefined when they do not open within a week. */
export function opensInMs(hours: Hours, now: Date): number | undefined {
  const nowMs = now.getTime();
  const known = openings.get(hours);
  if (known !== undefined && known.fromMs <= nowMs && nowMs < known.atMs) return known.atMs - nowMs;
  const wait = searchOpening(hours, now);
  if (wait !== undefined) openings.set(hours, { fromMs: nowMs, atMs: nowMs + wait });
  return wait;
}

function searchOpening(hours: Hours, now: Date): number | undefined {
  const start = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  const isOpen = (minute: number): boolean => withinHours(hours, new Date(start + minute * MINUTE_MS));
  const step = lengthOf(hours) >= STEP + LOST_MINUTES ? STEP : 1;
  for (let minute = step; minute <= SEARCH_MINUTES; minute += step) {
    if (!isOpen(minute)) continue;
    let first = minute;
    while (first > minute - step + 1 && isOpen(first - 1)) first -= 1;
    return start + first * MINUTE_MS - now.getTime();
  }
  return undefined;
}

function lengthOf({ fromMinute, toMinute }: Hours): number {
  return fromMinute < toMinute ? toMinute - fromMinute : toMinute + DAY_MINUTES - fromMinute;
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
