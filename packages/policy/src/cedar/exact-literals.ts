const TOKEN = /\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"?|[A-Za-z_]\w*|\d+/g;

/** A text in which the official parser's JSON keeps every digit, and the way back. */
export interface ExactText {
  readonly text: string;
  /** A number of the parsed form as the integer that was written. */
  readonly restore: (value: number) => number | bigint;
}

/** Stand-ins are counted from here: rare in policies, and exact in a JavaScript number. */
const FIRST_STAND_IN = 4_503_599_627_370_497;

/**
 * The parser hands its result over as JavaScript numbers, so integers beyond 2^53 lose digits on the way.
 * They are replaced by small ones that the text does not use. The caller must have had the original text parsed first,
 * since a literal beyond 64 bits is an error that a replaced text would hide.
 */
export function withExactLiterals(text: string): ExactText {
  const tokens = [...text.matchAll(TOKEN)].filter(([token]) => /^\d/.test(token));
  const large = tokens.filter(([token]) => !Number.isSafeInteger(Number(token)));
  if (large.length === 0) return { text, restore: (value) => value };
  const used = new Set(tokens.map(([token]) => Number(token)));
  const standIns = new Map<number, bigint>();
  let next = FIRST_STAND_IN;
  let result = "";
  let from = 0;
  for (const { 0: token, index } of large) {
    while (used.has(next)) next += 1;
    standIns.set(next, BigInt(token));
    result += text.slice(from, index) + String(next);
    from = index + token.length;
    next += 1;
  }
  const restore = (value: number): number | bigint => {
    const exact = standIns.get(Math.abs(value));
    if (exact === undefined) return value;
    return value < 0 ? -exact : exact;
  };
  return { text: result + text.slice(from), restore };
}
