import { FINDING_KINDS, scan } from "../../../packages/broker/src/risk/content/index.ts";
import { scanMeasured } from "../../../packages/broker/src/risk/content/scan.ts";
import type { Row } from "./corpus.ts";

const MEGABYTE = 1_000_000;
const REPEATS = 3;

/** Texts that make scanners slow which go back over what they have seen. */
export const HOSTILE: Readonly<Record<string, string>> = {
  "many @": "@",
  "a@a@a@": "a@",
  "a.b@c.d.": "a.b@c.d.",
  '"@"@': '"@',
  "long digit run": "7",
  "single digits": "4 ",
  "groups of digits": "4111 ",
  "+1 (+1 (": "+1 (",
  "nested brackets": "((0",
  "dotted numbers": "1.",
  "hex and colons": "a:b:",
  "http://http://": "http://",
  "://a:b@": "://a:b@",
  "pwd=pwd=": "pwd=",
  "sk-sk-": "sk-",
  "eyJ.eyJ.": "eyJhbGciOiJub25lIn0.",
  "PEM beginnings": "-----BEGIN PRIVATE KEY-----",
  "IBAN beginnings": "GB82 ",
  "full-width digits": "４",
  "zero-width spaces": "\u200b",
  "real phone numbers": "+1 202 555 0123 ",
};

export const SIZES_MB = [1, 2, 4, 8];

export interface Hostile {
  readonly name: string;
  readonly ms: readonly number[];
  /** Characters looked at by finders for each character of the text, at each size. */
  readonly work: readonly number[];
  /** `b` of work = a * size^b, by least squares over the logarithms: 1 is linear. Of the counted work, and of the clock. */
  readonly exponent: number;
  readonly clockExponent: number;
}

/** Megabytes of UTF-16 text a second, the best of several runs. */
export function rateOver(texts: readonly string[]): number {
  const bytes = texts.reduce((all, text) => all + Buffer.byteLength(text), 0);
  return bytes / MEGABYTE / Math.min(...Array.from({ length: REPEATS }, () => secondsFor(texts)));
}

function secondsFor(texts: readonly string[]): number {
  const started = performance.now();
  for (const text of texts) scan(text, FINDING_KINDS);
  return (performance.now() - started) / 1000;
}

/** One text of about a megabyte, made of the corpus. */
export function megabyteOf(rows: readonly Row[]): string {
  const whole = rows.map(({ text }) => text).join("\n\n");
  return whole === "" ? "" : whole.repeat(Math.ceil(MEGABYTE / whole.length)).slice(0, MEGABYTE);
}

export function hostile(name: string, unit: string, sizesMb: readonly number[] = SIZES_MB): Hostile {
  const runs = sizesMb.map((size) => {
    const text = unit.repeat(Math.ceil((size * MEGABYTE) / unit.length));
    const started = performance.now();
    const { work } = scanMeasured(text, FINDING_KINDS);
    return { length: text.length, ms: performance.now() - started, work };
  });
  const sizes = runs.map(({ length }) => length);
  return {
    name,
    ms: runs.map(({ ms }) => ms),
    work: runs.map(({ work, length }) => work / length),
    exponent: slope(
      sizes,
      runs.map(({ work, length }) => work + length),
    ),
    clockExponent: slope(
      sizes,
      runs.map(({ ms }) => ms),
    ),
  };
}

function slope(sizes: readonly number[], values: readonly number[]): number {
  const points = sizes.map((size, index) => [Math.log(size), Math.log(values[index] ?? 1)] as const);
  const mean = (axis: 0 | 1): number => points.reduce((all, point) => all + point[axis], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = points.reduce((all, [x, y]) => all + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((all, [x]) => all + (x - meanX) ** 2, 0);
}
