import { Datetime } from "../cedar/time.ts";

/** RFC 3339 date-time, or a full date; the zone is required with a time, since a local time means a different moment everywhere. */
const DATETIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}))?$/;

/** Undefined when the text is no moment of the years 0 to 9999. Parts of a millisecond are cut off. */
export function readMoment(text: string): Datetime | undefined {
  const time = DATETIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) || !isRealDate(text.slice(0, 10)) || !isFourDigitYear(time) ? undefined : new Datetime(time);
}

/**
 * The moment of a clock.
 * @throws RangeError when the date is not valid.
 */
export function momentOf(date: Date): Datetime {
  const time = date.getTime();
  if (Number.isNaN(time)) throw new RangeError("the time of the call is not valid");
  return new Datetime(time);
}

/** JavaScript reads February 30th as March 2nd; policy must not. */
function isRealDate(day: string): boolean {
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** A zone can push a time out of the years that Cedar reads. */
function isFourDigitYear(time: number): boolean {
  return /^\d{4}-/.test(new Date(time).toISOString());
}
