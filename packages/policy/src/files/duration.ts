const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A text such as `250ms`, `10s`, `30m`, `2h` or `7d`. */
export const DURATION = /^([1-9]\d{0,8})(ms|s|m|h|d)$/;

/** Milliseconds of a text that matches DURATION. @throws RangeError when it does not. */
export function durationMs(text: string): number {
  const match = DURATION.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  if (match === null || unit === undefined) throw new RangeError(`\`${text}\` is not a duration such as \`30m\``);
  return Number(match[1]) * unit;
}
