import { isValidPhoneNumber } from "libphonenumber-js/min";
import type { Finding } from "../finding.ts";
import type { Extent } from "./card.ts";
import type { HintAt } from "./hints.ts";
import { type Group, standsAlone } from "./runs.ts";

/** ITU-T E.164: digits of an international number. National ones of seven digits have their area left out. */
const MAX_DIGITS = 15;
const MIN_DIGITS = 7;
const MAX_NATIONAL_DIGITS = 12;
/** Of a number that only its words say is one. */
const MIN_HINTED_DIGITS = 6;

/** What stands between the groups of one telephone number. */
const BETWEEN = new Set([" ", "-", ".", "/", ") ", ")", " (", "-(", ")-", "(", ").", "/ ", ") - "]);

export interface PhoneExtent {
  readonly next: number;
  readonly sure: Finding["sure"];
}

/** A telephone number that begins with group `at`: international, in a form of its own, or one that the words before it name. */
export function phoneAt(text: string, run: readonly Group[], at: number, hintAt: HintAt): PhoneExtent | undefined {
  const first = run[at];
  if (first === undefined || !startsAlone(text, first)) return undefined;
  // A plus sign always begins a run.
  const international = at === 0 && plusBefore(text, first);
  // Nothing but the long-distance digit of North America stands alone in front.
  if (!international && first.digits.length === 1 && first.digits !== "1") return undefined;
  const next = international ? spanOf(run, at, MAX_DIGITS) : (nationalAt(run, at, text) ?? hintedAt(run, at, hintAt));
  if (next === undefined) return undefined;
  const last = run[next - 1];
  if (last === undefined || digitsIn(run, at, next) < MIN_HINTED_DIGITS || !endsAlone(text, last)) return undefined;
  if (!international) return { next, sure: "shaped" };
  if (digitsIn(run, at, next) < MIN_DIGITS) return undefined;
  const written = `+${run
    .slice(at, next)
    .map(({ digits }) => digits)
    .join("")}`;
  return { next, sure: isValidPhoneNumber(written) ? "checked" : "shaped" };
}

/** Where the number begins in the text: with its `+` or bracket. */
export function phoneStart(text: string, { start }: Group): number {
  const bracket = text[start - 1] === "(" ? start - 1 : start;
  return text[bracket - 1] === "+" ? bracket - 1 : bracket;
}

/** Behind its extension, when it has one. */
export function phoneEnd(text: string, { end }: Group): number {
  const extension = /^(?:x| ?ext\.? ?| ?#)\d{1,6}(?![\d\p{L}])/iu.exec(text.slice(end, end + 14));
  return end + (extension?.[0].length ?? 0);
}

function plusBefore(text: string, { start }: Group): boolean {
  return text[phoneStart(text, { start, end: start, digits: "", before: "" })] === "+";
}

function startsAlone(text: string, { start }: Group): boolean {
  return standsAlone(text, phoneStart(text, { start, end: start, digits: "", before: "" }), text.length);
}

function endsAlone(text: string, { end }: Group): boolean {
  return standsAlone(text, 0, end) || phoneEnd(text, { start: end, end, digits: "", before: "" }) > end;
}

function digitsIn(run: readonly Group[], from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += run[at]?.digits.length ?? 0;
  return sum;
}

/** As many groups as make at most `most` digits; undefined when the first alone has more. */
function spanOf(run: readonly Group[], at: number, most: number): Extent {
  let sum = 0;
  let next = at;
  for (; next < run.length; next += 1) {
    const group = run[next];
    if (group === undefined || sum + group.digits.length > most) break;
    if (next > at && !BETWEEN.has(group.before)) break;
    sum += group.digits.length;
  }
  return next === at ? undefined : next;
}

/** Forms that hardly anything else has. */
function nationalAt(run: readonly Group[], at: number, text: string): Extent {
  const sizes = sizesFrom(run, at);
  const [first = 0, second = 0, third = 0, fourth = 0] = sizes;
  const digits = run[at]?.digits ?? "";
  // 1-555-123-4567, 001-555-123-4567
  if ((digits === "1" || digits === "001") && second === 3 && third === 3 && fourth === 4) return at + 4;
  // 555-123-4567, (555) 123-4567, 555.123.4567: area codes begin with 2 to 9.
  if (first === 3 && second === 3 && third === 4 && digits >= "200") return at + 3;
  const next = spanOf(run, at, MAX_DIGITS - 2);
  if (next === undefined) return undefined;
  const sum = digitsIn(run, at, next);
  // (022) 0793-176
  const bracketed = text[(run[at]?.start ?? 0) - 1] === "(" && run[at + 1]?.before.startsWith(")") === true;
  if (bracketed && first >= 2 && first <= 5 && sum >= MIN_DIGITS && !isYear(digits)) return next;
  // 00 41 71 526 99 04
  if (digits.startsWith("00") && sum >= 10) return next;
  // 0490 75 40 81, 06-24312407: the zero is what is dialled before an area.
  if (digits.startsWith("0") && next > at + 1 && first >= 2 && sum >= 9 && sum <= 12) return next;
  // 60-56-85-91, 71.33.52.22
  return pairsAt(run, at);
}

function pairsAt(run: readonly Group[], at: number): Extent {
  const pairs = sizesFrom(run, at);
  const count = pairs.findIndex((size) => size !== 2);
  const length = count === -1 ? pairs.length : count;
  const separators = new Set(run.slice(at + 1, at + length).map(({ before }) => before));
  return (length === 4 || length === 5) && separators.size === 1 && (separators.has("-") || separators.has(".")) ? at + length : undefined;
}

/** Sizes of the groups from here on, as many as a number may have, and none behind a separator that a number has not. */
function sizesFrom(run: readonly Group[], at: number): readonly number[] {
  const groups = run.slice(at, at + 6);
  const end = groups.findIndex(({ before }, index) => index > 0 && !BETWEEN.has(before));
  return (end === -1 ? groups : groups.slice(0, end)).map(({ digits }) => digits.length);
}

function isYear(digits: string): boolean {
  return /^(?:19|20)\d\d$/u.test(digits);
}

/** Any group of digits that is called a telephone number. */
function hintedAt(run: readonly Group[], at: number, hintAt: HintAt): Extent {
  if (hintAt(at) !== "phone") return undefined;
  const next = spanOf(run, at, MAX_NATIONAL_DIGITS);
  if (next === undefined || digitsIn(run, at, next) < MIN_HINTED_DIGITS) return undefined;
  const sizes = sizesFrom(run, at).slice(0, next - at);
  return sizes.length > 1 ? (sizes.every((size) => size >= 2) ? next : undefined) : (sizes[0] ?? 0) >= MIN_DIGITS ? next : undefined;
}
