/** A 64-bit integer: a number while exact, a bigint beyond 2^53. INVARIANT: one integer has one form, so `===` compares two. */
export type Long = number | bigint;

export const MIN_LONG = -(2n ** 63n);
export const MAX_LONG = 2n ** 63n - 1n;

export function isLong(value: unknown): value is Long {
  return typeof value === "number" || typeof value === "bigint";
}

/** The canonical form, or undefined outside of 64 bits. */
export function longOf(exact: bigint): Long | undefined {
  if (exact < MIN_LONG || exact > MAX_LONG) return undefined;
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

/** Undefined on overflow, as are the others. */
export function add(a: Long, b: Long): Long | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return longOf(BigInt(a) + BigInt(b));
}

export function subtract(a: Long, b: Long): Long | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return longOf(BigInt(a) - BigInt(b));
}

export function multiply(a: Long, b: Long): Long | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    // `+ 0` turns -0 into 0.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return longOf(BigInt(a) * BigInt(b));
}

export function negate(a: Long): Long | undefined {
  return subtract(0, a);
}

/** Quotient cut towards zero. `by` is a positive constant, so nothing overflows. */
export function divide(a: Long, by: number): Long {
  if (typeof a === "number") return Math.trunc(a / by) + 0;
  return longOf(a / BigInt(by)) ?? a;
}
