/** Leaves `start` up to but not including `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Whether a number can be a tree size or a leaf index: an integer from 0 to 2^53 - 1. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** The largest power of two smaller than `size`, the `k` of RFC 6962 section 2.1; `size` is at least 2. */
export function splitPoint(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** The smallest power of two that is not smaller than `size`; 1 for 0. */
export function powerCeiling(size: number): number {
  return size <= 1 ? 1 : splitPoint(size) * 2;
}

/** How often 2 divides into a power of two. */
export function levelOf(power: number): number {
  let level = 0;
  for (let rest = power; rest > 1; rest /= 2) level += 1;
  return level;
}

/** Sizes of the perfect subtrees of a tree, left to right: its size written in binary. */
export function perfectSizes(size: number): readonly number[] {
  const sizes: number[] = [];
  for (let rest = size; rest > 0;) {
    const largest = powerCeiling(rest) === rest ? rest : splitPoint(rest);
    sizes.push(largest);
    rest -= largest;
  }
  return sizes;
}
