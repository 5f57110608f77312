import type { QuietHours } from "../../config/notify-schema.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/** When the quiet hours that hold at `at` end; undefined outside of them. On the day clocks change they end at the same time of day. */
export function quietUntil(quiet: Pick<QuietHours, "from" | "to" | "zone">, at: Date): Date | undefined {
  const local = minutesIn(quiet.zone, at);
  const from = minutesOf(quiet.from);
  const to = minutesOf(quiet.to);
  const inside = from < to ? local >= from && local < to : local >= from || local < to;
  if (!inside) return undefined;
  const begun = Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS;
  const guess = new Date(begun + ((to - local + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS);
  // A change of clocks in between moves the guess by its hour; of the two ways round the day the short one is meant.
  const off = ((to - minutesIn(quiet.zone, guess) + DAY_MINUTES + DAY_MINUTES / 2) % DAY_MINUTES) - DAY_MINUTES / 2;
  const end = new Date(guess.getTime() + off * MINUTE_MS);
  // A time of day that does not exist that night.
  return end > at ? end : new Date(begun + MINUTE_MS);
}

function minutesOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
}

function minutesIn(zone: string, at: Date): number {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts(
    at,
  );
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value ?? "0");
  return part("hour") * 60 + part("minute");
}
