/** Draws that a seed repeats. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  readonly below: (limit: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T;
  /** Each item with the given probability, in order. */
  readonly some: <T>(items: readonly T[], probability: number) => readonly T[];
}

/** Mulberry32: fast, and good enough to shuffle cases. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const chance = (probability: number): boolean => next() < probability;
  const pick = <T>(items: readonly T[]): T => {
    if (items.length === 0) throw new Error("nothing to pick from");
    // unsafe: the index is within bounds; T itself may allow undefined
    return items[below(items.length)] as T;
  };
  return { below, chance, pick, some: (items, probability) => items.filter(() => chance(probability)) };
}

/** An item as often as its weight says, for `pick`. */
export function weighted<T>(weights: readonly (readonly [weight: number, item: T])[]): readonly T[] {
  return weights.flatMap(([weight, item]) => Array.from({ length: weight }, () => item));
}
