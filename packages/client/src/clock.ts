/** Proofs and assertions tolerate a few seconds; the `date` header itself is exact to one. */
const NOTABLE_SKEW_MS = 4_000;

/**
 * Says in words that this machine's clock is wrong, when the `date` of the broker's answer shows it; undefined otherwise.
 * A proof from a wrong clock is refused like a forged one, and only here both times are known.
 */
export function clockAdvice(date: string | readonly string[] | undefined, nowMs: number = Date.now()): string | undefined {
  const theirs = typeof date === "string" ? Date.parse(date) : Number.NaN;
  const aheadMs = nowMs - theirs;
  if (!(Math.abs(aheadMs) > NOTABLE_SKEW_MS)) return undefined;
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return `this machine's clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} the broker's; set it right (NTP) and try again`;
}
