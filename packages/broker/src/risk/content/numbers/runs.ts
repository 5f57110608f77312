import { isDigit } from "../chars.ts";
import type { Plain } from "../plain.ts";

/** Digits that follow each other. */
export interface Group {
  readonly start: number;
  readonly end: number;
  readonly digits: string;
  /** What stands between the group before and this one; of the first group, a sign before it. */
  readonly before: string;
}

/** Digits longer than this belong to no kind of number; only their place counts. */
const MAX_DIGITS = 20;

/** Longer runs are given in pieces that overlap by as many groups as a number may have, so that none is cut and memory stays small. */
const MAX_RUN = 2_048;
const OVERLAP = 20;

/** Longest piece between two groups of one number: `) (0)` has its digits in a group of its own, ` - ` is three. */
const MAX_BETWEEN = 3;

const BETWEEN = new Set(Buffer.from(" -.()/_,*|:;~"));

/** Runs of digit groups that one number might span: nothing but a few separators between them, and no line end. */
export function* digitRuns(plain: Plain): Generator<readonly Group[]> {
  const { text } = plain;
  let run: Group[] = [];
  let last = 0;
  // The places come from a linear search of the engine; each digit belongs to one group, each group to one run.
  for (const { index: start, 0: whole } of text.matchAll(/[0-9]+/gu)) {
    plain.work += whole.length;
    if (run.length > 0 && !joins(text, last, start)) {
      yield run;
      run = [];
    } else if (run.length === MAX_RUN) {
      yield run;
      run = run.slice(-OVERLAP);
    }
    const before = run.length === 0 ? signBefore(text, start) : text.slice(last, start);
    last = start + whole.length;
    run.push({ start, end: last, digits: whole.length > MAX_DIGITS ? whole.slice(0, MAX_DIGITS + 1) : whole, before });
  }
  if (run.length > 0) yield run;
}

function joins(text: string, from: number, to: number): boolean {
  if (to - from > MAX_BETWEEN) return false;
  for (let at = from; at < to; at += 1) if (!BETWEEN.has(text.charCodeAt(at))) return false;
  return true;
}

/** `+`, `(` or `+(` right before the first group. */
function signBefore(text: string, start: number): string {
  const one = text[start - 1];
  if (one === "(") return text[start - 2] === "+" ? "+(" : "(";
  return one === "+" ? "+" : "";
}

/** Whether digits begin or end here, and not the middle of a name, a serial number or a fraction. */
export function standsAlone(text: string, start: number, end: number): boolean {
  return !joinsWord(text.charCodeAt(start - 1)) && !joinsWord(text.charCodeAt(end));
}

function joinsWord(code: number): boolean {
  return isDigit(code) || code === 0x5f || (code < 0x80 && /[a-z]/iu.test(String.fromCharCode(code)));
}
