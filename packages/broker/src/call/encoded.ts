import type { Span } from "./secret-matcher.ts";
import { type View, unescapedView } from "./secret-views.ts";

/** Twelve bytes: what is shorter holds none of the values that are looked for. */
export const MIN_BASE64 = 16;
export const MIN_HEX = 24;
/** Of so many characters one may be no text: single wrong bytes at the ends come from where a run was cut. */
const WRONG_ONE_IN = 8;
/** A longer run is a file; what it holds is not looked for. */
export const MAX_RUN_CHARS = 256 * 1024;

/**
 * Other texts that a text holds in base64, in hex, or behind escapes (percent, JSON, HTML): each with the place of what is found in it. One place
 * may be read in several ways. The work grows with the text.
 */
export function decodedViews(text: string): readonly View[] {
  const views: View[] = [];
  const add = (run: Span, decoded: string | undefined): void => {
    // What is replaced inside of an encoding would not decode any more, so that it is replaced whole.
    if (decoded !== undefined) views.push({ text: decoded, place: () => run });
  };
  for (const run of base64Runs(text)) add(run, fromBase64(text.slice(run.start, run.end)));
  for (const run of hexRuns(text)) add(run, fromHex(text.slice(run.start, run.end)));
  const unescaped = unescapedView({ text, place: (span) => span });
  return unescaped === undefined ? views : [...views, unescaped];
}

const BASE64 = 1;
const HEX = 2;
const BREAK = 4;
const BETWEEN = 8;
const CLASSES = new Uint8Array(128);
for (const code of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")) CLASSES[code] = BASE64;
for (const code of Buffer.from("0123456789abcdefABCDEF")) CLASSES[code] = BASE64 | HEX;
for (const code of Buffer.from("\r\n")) CLASSES[code] = BREAK;
for (const code of Buffer.from(" :")) CLASSES[code] = BETWEEN;

function classAt(text: string, at: number): number {
  return CLASSES[text.charCodeAt(at)] ?? 0;
}

/** Runs of base64 and base64url; lines may be broken (RFC 2045 section 6.8). A pattern would use up the stack on a picture. */
function base64Runs(text: string): readonly Span[] {
  const runs: Span[] = [];
  let [start, last, count] = [0, -1, 0];
  const close = (): void => {
    if (count >= MIN_BASE64 && last + 1 - start <= MAX_RUN_CHARS) runs.push({ start, end: last + 1 });
    count = 0;
  };
  for (let at = 0; at < text.length; at += 1) {
    const what = classAt(text, at);
    if ((what & BASE64) !== 0) {
      if (count === 0) start = at;
      count += 1;
      last = at;
    } else if (count > 0 && ((what & BREAK) === 0 || at - last > 2)) close();
  }
  close();
  return runs;
}

/** Pairs of hex digits, with nothing, a blank or a colon after each. */
export function hexRuns(text: string): readonly Span[] {
  const runs: Span[] = [];
  let [start, digits, end] = [0, 0, 0];
  const close = (): void => {
    // With a last digit that has none after it, where the pairs begin one digit later.
    const last = (classAt(text, end) & HEX) === 0 ? end : end + 1;
    if (digits >= MIN_HEX && last - start <= MAX_RUN_CHARS) runs.push({ start, end: last });
    digits = 0;
  };
  for (let at = 0; at < text.length;) {
    if ((classAt(text, at) & HEX) === 0 || (classAt(text, at + 1) & HEX) === 0) {
      close();
      at += 1;
      continue;
    }
    if (digits === 0) start = at;
    digits += 2;
    end = at + 2;
    at = (classAt(text, end) & BETWEEN) === 0 ? end : end + 1;
  }
  close();
  return runs;
}

/** A run may begin with characters that only happen to stand before it, so each place in a group is tried. */
export function fromBase64(run: string): string | undefined {
  const plain = run.replaceAll(/[\r\n]/gu, "");
  const texts = [0, 1, 2, 3].flatMap((skip) =>
    isBinaryFrom(plain, skip) ? [] : (readable(Buffer.from(plain.slice(skip), "base64")) ?? []),
  );
  return texts.length === 0 ? undefined : texts.join("\n");
}

/** A digit may happen to stand before it as well. */
export function fromHex(run: string): string | undefined {
  const plain = run.replaceAll(/[ :]/gu, "");
  const texts = [0, 1].flatMap((skip) => readable(Buffer.from(plain.slice(skip, plain.length - ((plain.length - skip) % 2)), "hex")) ?? []);
  return texts.length === 0 ? undefined : texts.join("\n");
}

const SEXTETS = new Uint8Array(128);
for (const [value, code] of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").entries())
  SEXTETS[code] = value;
for (const [value, code] of Buffer.from("-_").entries()) SEXTETS[code] = 62 + value;

function sextet(run: string, at: number): number {
  return SEXTETS[run.charCodeAt(at)] ?? 0;
}

/** Whether a run of base64 is certainly no text, wherever in a group it begins: most are known by that, at a tenth of the cost of decoding them. */
export function isSurelyBinary(run: string): boolean {
  for (let skip = 0; skip < 4; skip += 1) if (!isBinaryFrom(run, skip)) return false;
  return true;
}

/** Counts controls, and bytes that stand where UTF-8 has others. At most what `readable` counts, since a decoder is stricter. */
function isBinaryFrom(run: string, skip: number): boolean {
  const allowed = Math.floor((((run.length - skip) * 3) / 4 + 1) / WRONG_ONE_IN);
  let wrong = 0;
  let expected = 0;
  for (let at = skip; at + 3 < run.length; at += 4) {
    const group = (sextet(run, at) << 18) | (sextet(run, at + 1) << 12) | (sextet(run, at + 2) << 6) | sextet(run, at + 3);
    for (let shift = 16; shift >= 0; shift -= 8) {
      const byte = (group >> shift) & 0xff;
      const goesOn = byte >= 0x80 && byte < 0xc0;
      if (expected > 0 && goesOn) {
        expected -= 1;
        continue;
      }
      if (expected > 0 || goesOn || byte === 0x7f || byte > 0xf4 || (byte < 0x20 && (byte < 0x09 || byte > 0x0d))) wrong += 1;
      expected = byte < 0xc2 || byte > 0xf4 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    }
    if (wrong > allowed) return true;
  }
  return false;
}

const BINARY = /(?!\s)\p{Cc}|\uFFFD/gu;

/** Bytes as text. What is mostly not text says nothing. */
function readable(bytes: Buffer): string | undefined {
  const text = bytes.toString("utf8");
  const wrong = text.match(BINARY)?.length ?? 0;
  return wrong * WRONG_ONE_IN > text.length ? undefined : text;
}
