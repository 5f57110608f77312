/** Remembers what was seen for at least a window, in two halves: one is dropped whole, so that forgetting costs nothing per entry. */
export interface ReplaySet {
  /** False when `id` was seen within the window, or too many are remembered to tell. `owner` is whose share of the memory it takes. */
  first(id: string, nowMs: number, owner?: string): boolean;
}

/** Per half; a node that sees more proofs in a window is under attack, and refuses rather than forgets. */
export const MAX_REMEMBERED = 500_000;

/**
 * `windowMs` is how long a proof could be accepted at all. Beyond `max` in a half only owners that took more than an equal share are
 * refused, so that one who floods it stops nobody else; beyond twice `max` everybody is.
 */
export function createReplaySet(windowMs: number, max: number = MAX_REMEMBERED): ReplaySet {
  let young = new Set<string>();
  let old = new Set<string>();
  let taken = new Map<string, number>();
  let turnedAt = Number.NEGATIVE_INFINITY;
  return {
    first(id, nowMs, owner = "") {
      if (nowMs - turnedAt >= windowMs) {
        old = nowMs - turnedAt >= 2 * windowMs ? new Set() : young;
        young = new Set();
        taken = new Map();
        turnedAt = nowMs;
      }
      if (young.has(id) || old.has(id)) return false;
      const own = taken.get(owner) ?? 0;
      if (young.size >= 2 * max || (young.size >= max && (own + 1) * Math.max(taken.size, 1) > max)) return false;
      young.add(id);
      taken.set(owner, own + 1);
      return true;
    },
  };
}
