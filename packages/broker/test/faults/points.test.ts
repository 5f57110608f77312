import { expect, test } from "vitest";
import { POINTS } from "./points.ts";

test("there are at least three hundred fault points", () => {
  expect(Object.values(POINTS).reduce<number>((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(300);
});
