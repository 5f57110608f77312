import { type Group, standsAlone } from "./runs.ts";

/** Where a number ends in its run: the index of the group after its last one. */
export type Extent = number | undefined;

/** ISO/IEC 7812-1: shortest and longest number with an issuer's range that is in use. */
const MIN_DIGITS = 12;
const MAX_DIGITS = 19;

/** Ranges of the first digits, and the lengths issued in them; as the networks publish them. */
const ISSUERS: readonly { readonly from: string; readonly to: string; readonly lengths: readonly number[] }[] = [
  { from: "4", to: "4", lengths: [13, 16, 18, 19] }, // Visa
  { from: "51", to: "55", lengths: [16] }, // Mastercard
  { from: "2221", to: "2720", lengths: [16] }, // Mastercard
  { from: "34", to: "34", lengths: [15] }, // American Express
  { from: "37", to: "37", lengths: [15] }, // American Express
  { from: "300", to: "305", lengths: [14, 16] }, // Diners Club
  { from: "3095", to: "3095", lengths: [14, 16] }, // Diners Club
  { from: "36", to: "36", lengths: [14, 16, 19] }, // Diners Club
  { from: "38", to: "39", lengths: [14, 16, 19] }, // Diners Club
  { from: "3528", to: "3589", lengths: [16, 17, 18, 19] }, // JCB
  { from: "1800", to: "1800", lengths: [15] }, // JCB
  { from: "2131", to: "2131", lengths: [15] }, // JCB
  { from: "6011", to: "6011", lengths: [16, 19] }, // Discover
  { from: "644", to: "659", lengths: [16, 19] }, // Discover, RuPay
  { from: "60", to: "60", lengths: [16] }, // RuPay
  { from: "62", to: "62", lengths: [16, 17, 18, 19] }, // UnionPay
  { from: "81", to: "82", lengths: [16, 17, 18, 19] }, // UnionPay, RuPay
  { from: "2200", to: "2204", lengths: [16, 17, 18, 19] }, // Mir
  { from: "9792", to: "9792", lengths: [16] }, // Troy
  { from: "5018", to: "5038", lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: "506", to: "508", lengths: [16, 18, 19] }, // Verve, Elo, RuPay
  { from: "56", to: "58", lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: "6304", to: "6304", lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: "6390", to: "6390", lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: "6759", to: "6763", lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
];

const ANY_PREFIX = 4;

/** By the first four digits, a bit for each length that is issued. */
const LENGTHS = new Uint32Array(10 ** ANY_PREFIX);
for (const { from, to, lengths } of ISSUERS) {
  const scale = 10 ** (ANY_PREFIX - from.length);
  const bits = lengths.reduce((sum, length) => sum | (1 << length), 0);
  for (let first = Number(from) * scale; first < (Number(to) + 1) * scale; first += 1) LENGTHS[first] = (LENGTHS[first] ?? 0) | bits;
}

/** A card number that begins with group `at`, in one piece or in groups, with its check digit right (ISO/IEC 7812-1 annex B). */
export function cardAt(text: string, run: readonly Group[], at: number): Extent {
  const first = run[at];
  if (first === undefined) return undefined;
  const begins = standsAlone(text, first.start, text.length);
  let digits = "";
  let found: Extent;
  for (let next = at; next < run.length; next += 1) {
    const group = run[next];
    if (group === undefined || digits.length + group.digits.length > MAX_DIGITS || !goesOn(run, at, next)) break;
    digits += group.digits;
    if (digits.length >= MIN_DIGITS && isCard(digits) && ((begins && standsAlone(text, 0, group.end)) || isPrinted(next - at)))
      found = next + 1;
  }
  return found;
}

/** Four groups and a right check digit are a card's whatever letters touch it; digits in one piece may be in the middle of a serial number. */
function isPrinted(gaps: number): boolean {
  return gaps === 3;
}

/** A number in at most so many groups of three and more: 4-4-4-4-3 is the longest that is printed. */
const MAX_GROUPS = 5;

/**
 * Whether a group may follow those before it in one number: groups of at least three, whatever stands between them; or digit by digit,
 * two by two, always with the same between them. Other groups are other numbers that happen to follow each other.
 */
function goesOn(run: readonly Group[], at: number, next: number): boolean {
  const [first, second, group] = [run[at], run[at + 1], run[next]];
  if (first === undefined || group === undefined || next === at) return true;
  if (first.digits.length >= 3) return group.digits.length >= 3 && next - at < MAX_GROUPS;
  return group.before === second?.before && group.digits.length <= first.digits.length;
}

function isCard(digits: string): boolean {
  const lengths = LENGTHS[Number(digits.slice(0, ANY_PREFIX))] ?? 0;
  return ((lengths >>> digits.length) & 1) === 1 && luhn(digits);
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let back = 0; back < digits.length; back += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - back) - 0x30;
    const weighed = back % 2 === 0 ? digit : digit * 2;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}
