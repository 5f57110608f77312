import fc from "fast-check";
import { expect, test } from "vitest";
import { median, quantile, seededRandom, shuffled } from "./statistics.ts";

test("the median of an odd number of values is the middle one, whatever their order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1, maxLength: 9 }).filter((list) => list.length % 2 === 1),
      (numbers) => {
        const middle = median(numbers);
        expect(numbers.filter((one) => one < middle).length).toBeLessThanOrEqual(numbers.length / 2);
        expect(numbers.filter((one) => one > middle).length).toBeLessThanOrEqual(numbers.length / 2);
      },
    ),
  );
});

test("quantiles do not sort numbers as words", () => {
  expect(quantile([100, 9, 20], 0)).toBe(9);
  expect(quantile([100, 9, 20], 0.99)).toBe(100);
});

test("shuffling keeps every item, and a seed repeats the order", () => {
  const items = Array.from({ length: 30 }, (_, index) => index);
  const once = shuffled(items, seededRandom(7));
  expect(once.toSorted((a, b) => a - b)).toEqual(items);
  expect(once).not.toEqual(items);
  expect(shuffled(items, seededRandom(7))).toEqual(once);
});
