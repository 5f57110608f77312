import { expect } from "vitest";
import type { End, Verdict } from "./verdict.ts";

/** How many fault points there are of each kind. A kind that loses points fails its test, and `points.test.ts` adds them up. */
export const POINTS = {
  "line cut in a message": 60,
  "message lost": 36,
  "database out of reach": 12,
  "session ended": 36,
  "backend killed": 24,
  "server killed": 24,
  "server restarted": 16,
  "broker killed": 49,
  "broker and server killed": 14,
  "fdatasync fails": 24,
  "write finds no space": 12,
  "fdatasync is slow": 10,
  "disk full": 24,
} as const;

export interface Point {
  /** Names the point in a failure. */
  readonly name: string;
}

/** Narrows a run to the points whose name holds this text, to repeat one that failed. */
const ONLY = process.env["BAILIWICK_FAULT_POINT"];

/**
 * Strikes at every point, `atOnce` at a time, and expects every promise kept at each of them.
 * `shows` are ends that calls must have met somewhere: a fault that leaves no trace at all has not struck.
 */
export async function everyPoint<P extends Point>(
  kind: keyof typeof POINTS,
  points: readonly P[],
  options: { readonly atOnce: number; readonly shows: readonly End[]; readonly strike: (point: P) => Promise<Verdict> },
): Promise<void> {
  expect(new Set(points.map(({ name }) => name)).size, "fault points of this kind").toBe(POINTS[kind]);
  const chosen = points.filter(({ name }) => ONLY === undefined || name.includes(ONLY));
  const broken: string[] = [];
  const ends: Record<End, number> = { succeeded: 0, unknown: 0, not_sent: 0 };
  const waiting = [...chosen];
  const lane = async (): Promise<void> => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
      const { name } = point;
      try {
        const verdict = await options.strike(point);
        broken.push(...verdict.broken.map((sentence) => `${name}: ${sentence}`));
        if (verdict.effects === 0) broken.push(`${name}: no call had its effect, so nothing was shown`);
        for (const [end, count] of entriesOf(verdict.ends)) ends[end] += count;
      } catch (error) {
        broken.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, lane));
  expect(broken).toEqual([]);
  if (ONLY === undefined) for (const end of options.shows) expect(ends[end], `calls that ended as \`${end}\``).toBeGreaterThan(0);
  if (process.env["BAILIWICK_FAULT_REPORT"] !== undefined) console.log(kind, chosen.length, JSON.stringify(ends));
}

function entriesOf(ends: Verdict["ends"]): readonly (readonly [End, number])[] {
  return [
    ["succeeded", ends.succeeded],
    ["unknown", ends.unknown],
    ["not_sent", ends.not_sent],
  ];
}
