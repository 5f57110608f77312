import type { Long } from "./long.ts";
import { longOf, subtract } from "./long.ts";

/** A moment (Cedar's `datetime`), in milliseconds since 1970. */
export class Datetime {
  readonly kind = "datetime";
  readonly epochMs: Long;

  constructor(epochMs: Long) {
    this.epochMs = epochMs;
  }
}

/** A span of time (Cedar's `duration`). */
export class Duration {
  readonly kind = "duration";
  readonly ms: Long;

  constructor(ms: Long) {
    this.ms = ms;
  }
}

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const MOMENT = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?(?:Z|([+-])(\d{2})(\d{2})))?$/;

/** Undefined when the text is no moment: a date, or date, time and zone in the forms of Cedar's RFC 80. */
export function parseDatetime(text: string): Datetime | undefined {
  const match = MOMENT.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = match.slice(1, 8).map((part) => Number(part ?? 0));
  const [zoneHour = 0, zoneMinute = 0] = match.slice(9, 11).map((part) => Number(part ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return undefined;
  const zoneMs = (zoneHour * 60 + zoneMinute) * MINUTE_MS * (match[8] === "-" ? -1 : 1);
  return new Datetime(utc(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1000 + ms - zoneMs);
}

function daysIn(year: number, month: number): number {
  return (utc(month === 12 ? year + 1 : year, (month % 12) + 1, 1) - utc(year, month, 1)) / DAY_MS;
}

const DAYS_IN_400_YEARS = 146_097;

/** `Date.UTC` reads the years 0 to 99 as 1900 to 1999, so it is asked 400 years later, when the calendar repeats. */
function utc(year: number, month: number, day: number): number {
  return Date.UTC(year + 400, month - 1, day) - DAYS_IN_400_YEARS * DAY_MS;
}

const SPAN = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNIT_MS = [86_400_000n, 3_600_000n, 60_000n, 1_000n, 1n] as const;

/** Undefined when the text is no span such as `1d12h` or `-5m`, or leaves 64 bits. */
export function parseDuration(text: string): Duration | undefined {
  const match = SPAN.exec(text);
  if (match === null || !/\d/.test(text)) return undefined;
  const total = UNIT_MS.reduce((sum, unit, index) => sum + BigInt(match[index + 2] ?? 0) * unit, 0n);
  const ms = longOf(match[1] === "-" ? -total : total);
  return ms === undefined ? undefined : new Duration(ms);
}

/** The midnight before or at the moment; undefined where that leaves 64 bits. */
export function dateOf(epochMs: Long): Long | undefined {
  return subtract(epochMs, timeOf(epochMs));
}

/** Milliseconds since midnight. */
export function timeOf(epochMs: Long): number {
  const rest = typeof epochMs === "number" ? epochMs % DAY_MS : Number(epochMs % BigInt(DAY_MS));
  return rest < 0 ? rest + DAY_MS : rest + 0;
}

/** Years outside of 0 to 9999 have no text that Cedar reads; they are shown as a sum. */
export function formatDatetime({ epochMs }: Datetime): string {
  const iso = typeof epochMs === "number" && Math.abs(epochMs) <= 8.64e15 ? new Date(epochMs).toISOString() : "";
  return /^\d{4}-/.test(iso) ? `datetime("${iso}")` : `datetime("1970-01-01").offset(duration("${String(epochMs)}ms"))`;
}

/** A span in its greatest whole units. */
export function formatDuration({ ms }: Duration): string {
  const exact = BigInt(ms);
  let rest = exact < 0n ? -exact : exact;
  const parts = UNIT_MS.map((unit, index) => {
    const count = rest / unit;
    rest %= unit;
    return count === 0n ? "" : `${String(count)}${["d", "h", "m", "s", "ms"][index] ?? ""}`;
  }).join("");
  return `${exact < 0n ? "-" : ""}${parts === "" ? "0ms" : parts}`;
}
