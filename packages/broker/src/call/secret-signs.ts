import { SECRET_FORMS } from "../risk/content/secrets/table.ts";
import { fromBase64, fromHex, hexRuns, isSurelyBinary, MAX_RUN_CHARS, MIN_BASE64, MIN_HEX } from "./encoded.ts";

/**
 * Whether a text may hold a secret, as the scanner or a decoding of the text would find it. "No" is certain; "yes" means that it has to be
 * looked through. One pass, a few nanoseconds a character, and nothing is allocated unless the text has a long run of characters: every
 * result of every call comes by here. Texts of JSON may be given as they are written.
 */
export function mayHoldSecret(text: string): boolean {
  const { length } = text;
  let gram = 0;
  let address = -MAX_ADDRESS;
  let start = -1;
  let hex = 0;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 128) return true;
    const what = CLASSES[code] ?? 0;
    if ((what & RUN) !== 0) {
      if (start === -1) start = at;
      if ((what & LETTER) === 0) continue;
      gram = ((gram << 5) | (code & 31)) & GRAM;
      if (STARTS[gram & START] !== 0 && WORDS.has(gram)) return true;
      continue;
    }
    if ((what & SIGN) !== 0) {
      if (isEscape(text, at, code)) return true;
      if (code === COLON && isAddress(text, at)) address = at;
      if (code === AT && at - address < MAX_ADDRESS) return true;
    }
    if (start !== -1 && (what & BREAK) === 0) {
      if (code === BACKSLASH && isEscapedBreak(text, at)) {
        at += 1;
        continue;
      }
      if (at - start >= MIN_BASE64 && runMayHold(text, start, at)) return true;
      hex = hexAfter(text, start, at, hex);
      if (hex >= MIN_HEX) return true;
      start = -1;
    }
    if ((what & BETWEEN) === 0) hex = 0;
  }
  if (start === -1) return false;
  return hexAfter(text, start, length, hex) >= MIN_HEX || (length - start >= MIN_BASE64 && runMayHold(text, start, length));
}

/** Longest part of an address that the scanner looks at for a password, and its `://`. */
const MAX_ADDRESS = 300;
const [AT, COLON, BACKSLASH] = [0x40, 0x3a, 0x5c];

const LETTER = 1;
const RUN = 2;
const SIGN = 4;
const HEX = 8;
const BETWEEN = 16;
const BREAK = 32;
const CLASSES = new Uint8Array(128);
const mark = (characters: string, what: number): void => {
  for (const code of Buffer.from(characters)) CLASSES[code] = (CLASSES[code] ?? 0) | what;
};
mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", LETTER | RUN);
// Of base64, and what else stands within secrets of providers.
mark("0123456789+/-_.=", RUN);
mark("0123456789abcdefABCDEF", HEX);
mark("@:%&\\", SIGN);
mark(" :", BETWEEN);
mark("\r\n", BREAK);

/** Five bits tell the letters apart, of either case. */
const GRAM = 0xf_ff_ff;
const START = 0x7f_ff;
const gramOf = (word: string): number => Array.from(Buffer.from(word)).reduce((gram, code) => (gram << 5) | (code & 31), 0);
/** Four letters of each key word and secret member, whatever stands between them: `api_key`, `PRIVATE-KEY`, `db password`. */
const WORDS = new Set(["pass", "secr", "toke", "cred", "oriz", "ikey", "skey", "ekey", "tkey", "nnwo", "tras"].map(gramOf));
// Of three letters, so with any before them.
for (let before = 0; before < 32; before += 1) WORDS.add((before << 15) | gramOf("pwd"));
/** Their last three letters: a table small enough to stay at hand. */
const STARTS = new Uint8Array(START + 1);
for (const word of WORDS) STARTS[word & START] = 1;

function isHex(text: string, at: number): boolean {
  return ((CLASSES[text.charCodeAt(at)] ?? 0) & HEX) !== 0;
}

/** Percent, HTML and JSON; of JSON's escapes those that can stand in the middle of what is looked for. */
function isEscape(text: string, at: number, code: number): boolean {
  const next = text.charAt(at + 1);
  if (code === 0x25) return isHex(text, at + 1) && isHex(text, at + 2);
  if (code === 0x26) return next === "#" || next === "a" || next === "A";
  return code === BACKSLASH && /[uUxX/']/u.test(next);
}

function isAddress(text: string, at: number): boolean {
  return text.charCodeAt(at + 1) === 0x2f && text.charCodeAt(at + 2) === 0x2f;
}

/** `\n` and `\r` as JSON writes them: base64 may be broken there. */
function isEscapedBreak(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  return next === 0x6e || next === 0x72;
}

/** How many digits hex in columns (`41 42 43`) has with this run, when it had `before` up to the run. */
function hexAfter(text: string, start: number, end: number, before: number): number {
  let leading = start;
  while (leading < end && isHex(text, leading)) leading += 1;
  if (leading === end || before + leading - start >= MIN_HEX) return end - start >= MIN_HEX ? 0 : before + leading - start;
  let trailing = end;
  while (trailing > leading && isHex(text, trailing - 1)) trailing -= 1;
  return end - trailing;
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/iu;
const UUID_CHARS = 36;

/** Whether a long run of characters holds what begins as a provider's secret does, a JSON Web Token, or text in base64 or hex. */
function runMayHold(text: string, start: number, end: number): boolean {
  const run = text.slice(start, end);
  if (run.length === UUID_CHARS && UUID.test(run)) return false;
  if (run.includes("eyJ") || holdsPrefix(text, start, end)) return true;
  const joined = /[\\\r\n]/u.test(run) ? run.replaceAll(/\\[nr]|[\r\n]/gu, "") : run;
  // Dots and equals signs are none of base64.
  for (let from = 0, at = 0; at <= joined.length; at += 1) {
    const code = joined.charCodeAt(at);
    if (code !== DOT && code !== EQUALS && at < joined.length) continue;
    if (at - from >= MIN_BASE64 && isEncoded(joined.slice(from, at))) return true;
    from = at + 1;
  }
  return false;
}

const [DOT, EQUALS] = [0x2e, 0x3d];
const LONG_HEX = /[\da-f]{24}/iu;

function isEncoded(part: string): boolean {
  if (part.length <= MAX_RUN_CHARS && !isSurelyBinary(part) && fromBase64(part) !== undefined) return true;
  return (
    part.length >= MIN_HEX && LONG_HEX.test(part) && hexRuns(part).some(({ start, end }) => fromHex(part.slice(start, end)) !== undefined)
  );
}

const PAIRS = 128;
/** By the first two characters of the prefix. */
const FORMS: (readonly { readonly prefix: string; readonly least: number }[] | undefined)[] = Array.from({ length: PAIRS * PAIRS });
for (const form of SECRET_FORMS) {
  const pair = form.prefix.charCodeAt(0) * PAIRS + form.prefix.charCodeAt(1);
  FORMS[pair] = [...(FORMS[pair] ?? []), { prefix: form.prefix, least: form.prefix.length + form.least }];
}
/** A prefix may have a blank in it, so that the run begins within the prefix. */
const MAX_BEFORE = 8;

function holdsPrefix(text: string, start: number, end: number): boolean {
  for (let at = Math.max(0, start - MAX_BEFORE); at < end - 1; at += 1) {
    const forms = FORMS[text.charCodeAt(at) * PAIRS + text.charCodeAt(at + 1)];
    if (forms === undefined) continue;
    for (const { prefix, least } of forms) if (end - at >= least && text.startsWith(prefix, at)) return true;
  }
  return false;
}
