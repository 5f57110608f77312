import { useEffect, useState } from "react";
import { brokerNow, onClockSet } from "../api/clock.ts";

const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** Time left or gone, in the largest unit that still says something: `in 4 min`, `2 h ago`. */
export function relativeTime(at: string, now: number): string {
  const ms = new Date(at).getTime() - now;
  const text = durationText(Math.abs(ms));
  return ms >= 0 ? `in ${text}` : `${text} ago`;
}

/** A duration in its largest unit that still says something. */
export function durationText(ms: number): string {
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** A moment, relative to now and kept so; the exact time is its title. */
export function Time({ at }: { readonly at: string }) {
  const now = useNow(at);
  return (
    <time dateTime={at} title={EXACT.format(new Date(at))}>
      {relativeTime(at, now)}
    </time>
  );
}

const NEAR_MS = 120_000;

/** The time by the broker (ms), again every second while `at` is near, else every half minute. */
export function useNow(at: string): number {
  const [now, setNow] = useState(brokerNow);
  const near = Math.abs(new Date(at).getTime() - now) < NEAR_MS;
  useEffect(() => {
    const look = (): void => setNow(brokerNow());
    const timer = setInterval(look, near ? 1_000 : 30_000);
    const off = onClockSet(look);
    return () => {
      clearInterval(timer);
      off();
    };
  }, [near]);
  return now;
}
