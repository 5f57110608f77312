/** Remembers what was seen for at least a window, in two halves: one is dropped whole, so that forgetting costs nothing per entry. */
export interface ReplaySet {
  /** False when `id` was seen within the window, or too many are remembered to tell. */
  first(id: string, nowMs: number): boolean;
}

/** Per half; a node that sees more proofs in a window is under attack, and refuses rather than forgets. */
export const MAX_REMEMBERED = 500_000;

/** `windowMs` is how long a proof could be accepted at all. */
export function createReplaySet(windowMs: number, max: number = MAX_REMEMBERED): ReplaySet {
  let young = new Set<string>();
  let old = new Set<string>();
  let turnedAt = Number.NEGATIVE_INFINITY;
  return {
    first(id, nowMs) {
      if (nowMs - turnedAt >= windowMs) {
        old = nowMs - turnedAt >= 2 * windowMs ? new Set() : young;
        young = new Set();
        turnedAt = nowMs;
      }
      if (young.has(id) || old.has(id) || young.size >= max) return false;
      young.add(id);
      return true;
    },
  };
}
