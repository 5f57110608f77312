import { formsOf } from "./secret-forms.ts";

/** A place in a text; `end` is behind it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Looks for many secrets at once, in one pass: the time depends on the text, not on how many secrets there are. */
export interface Matcher {
  /** Whether there is anything to look for. */
  readonly empty: boolean;
  holds(text: string): boolean;
  /** All places, in order; they may overlap. */
  places(text: string): readonly Span[];
}

/** Characters of a needle that are hashed; a needle is at least as long, since secrets are. */
const WINDOW = 7;
const SHIFT = 3;
/** Spaces, line ends and controls. */
const SPACE = 0x20;
const MASK = 2 ** (WINDOW * SHIFT) - 1;

export function matcherOf(secrets: readonly string[]): Matcher {
  const needles = new Set(
    secrets
      .flatMap(formsOf)
      .map(folded)
      .filter(({ length }) => length >= WINDOW),
  );
  const byHash = Map.groupBy(needles, hashOf);
  // Longest first: a shorter one inside a longer one would leave the rest of it.
  for (const group of byHash.values()) group.sort((left, right) => right.length - left.length);
  const seen = new Uint8Array(2 ** 16);
  for (const hash of byHash.keys()) seen[hash & 0xff_ff] = 1;
  const places = (text: string, most: number): readonly Span[] => (needles.size === 0 ? [] : search(text, byHash, seen, most));
  return {
    empty: needles.size === 0,
    holds: (text) => places(text, 1).length > 0,
    places: (text) => places(text, Infinity),
  };
}

// A hash of the last seven characters that is kept up with one step a character: what is older has been shifted out. White space counts
// for nothing, in texts and in needles: base64 comes wrapped, hex in columns, and a secret may be spelled letter by letter.
function search(text: string, byHash: ReadonlyMap<number, readonly string[]>, seen: Uint8Array, most: number): readonly Span[] {
  const found: Span[] = [];
  let hash = 0;
  for (let at = 0; at < text.length && found.length < most; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= SPACE) continue;
    hash = ((hash << SHIFT) ^ fold(code)) & MASK;
    if (seen[hash & 0xff_ff] === 0) continue;
    const span = spanAt(text, windowStart(text, at), byHash.get(hash) ?? []);
    if (span !== undefined) found.push(span);
  }
  return found;
}

function windowStart(text: string, last: number): number {
  let start = last + 1;
  for (let left = WINDOW; left > 0 && start > 0;) {
    start -= 1;
    if (text.charCodeAt(start) > SPACE) left -= 1;
  }
  return start;
}

function spanAt(text: string, start: number, needles: readonly string[]): Span | undefined {
  for (const needle of needles) {
    const end = endOf(text, start, needle);
    if (end !== undefined) return { start, end };
  }
  return undefined;
}

function hashOf(needle: string): number {
  let hash = 0;
  for (let at = 0; at < WINDOW; at += 1) hash = ((hash << SHIFT) ^ needle.charCodeAt(at)) & MASK;
  return hash;
}

function endOf(text: string, start: number, needle: string): number | undefined {
  let at = start;
  for (let next = 0; next < needle.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= SPACE) continue;
    // Beyond the end of the text the code is none, which equals nothing.
    if (fold(code) !== needle.charCodeAt(next)) return undefined;
    next += 1;
  }
  return at;
}

/** Without white space, and in one case: hex and base32 may come back in the other case; comparing without it costs nothing for the rest. */
function folded(text: string): string {
  return text.replaceAll(/[\0-\u0020]/gu, "").replaceAll(/[A-Z]/gu, (letter) => letter.toLowerCase());
}

function fold(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}
