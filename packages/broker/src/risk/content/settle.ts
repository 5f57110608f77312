import type { Finding } from "./finding.ts";

/** Shorter than this, what is left of a URL says nothing. */
const MIN_URL = 8;

/** Of candidates that claim the same place only the best stays; the result is in order and apart. */
export function settled(candidates: readonly Finding[]): readonly Finding[] {
  const kept: Finding[] = [];
  for (const next of candidates.toSorted((left, right) => left.start - right.start || right.end - left.end)) settle(kept, next);
  return kept;
}

// `kept` is in order and apart, so only its end can be in the way; what is taken off it is never looked at again.
function settle(kept: Finding[], next: Finding): void {
  for (let last = kept.at(-1); last !== undefined && last.end > next.start; last = kept.at(-1)) {
    if (!isBetter(next, last)) return;
    kept.pop();
    if (last.kind === "url" && next.start - last.start >= MIN_URL) {
      kept.push({ ...last, end: next.start });
      break;
    }
  }
  kept.push(next);
}

function isBetter(left: Finding, right: Finding): boolean {
  return rank(left) === rank(right) ? left.end - left.start > right.end - right.start : rank(left) > rank(right);
}

function rank({ kind, sure }: Finding): number {
  if (kind === "secret") return sure === "checked" ? 4 : 3;
  if (kind === "url") return 0;
  return sure === "checked" ? 2 : 1;
}
