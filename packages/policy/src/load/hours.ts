import type { Hours } from "../rules/rule.ts";
import type { Span } from "../types.ts";
import { reportError } from "./findings.ts";
import type { World } from "./world.ts";

const DAYS: readonly string[] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

interface WrittenHours {
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

/** Hours of a grant, a gate or a ceiling. */
export function readHours(
  world: World,
  hours: WrittenHours | undefined,
  at: (path: readonly PropertyKey[]) => Span,
): { readonly hours?: Hours } {
  if (hours === undefined) return {};
  const [fromMinute, toMinute] = [minuteOf(hours.from), minuteOf(hours.to)];
  if (!isZone(hours.zone)) {
    reportError(world.report, {
      code: "invalid-value",
      at: at(["zone"]),
      what: `\`${hours.zone}\` is not a time zone`,
      why: "the hours could not be told",
      write: "an IANA name such as `Europe/Berlin`",
    });
  }
  if (fromMinute === toMinute || fromMinute === 24 * 60) {
    reportError(world.report, {
      code: "invalid-value",
      at: at(["from"]),
      what: `\`${hours.from}\` to \`${hours.to}\` is no time at all`,
      why: "the hours would never be open, or it would not be clear that they always are",
      write: "a time before `to`, or after it for hours over midnight; `00:00` to `24:00` for whole days",
    });
  }
  return { hours: { days: new Set(hours.days.map((day) => DAYS.indexOf(day))), fromMinute, toMinute, zone: hours.zone } };
}

function minuteOf(text: string): number {
  const [hour, minute] = text.split(":");
  return Number(hour) * 60 + Number(minute);
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone }).format(0);
    return true;
  } catch {
    return false;
  }
}
