import { expect, test } from "vitest";
import { randomBytes, randomId } from "../../src/adapters/system/random.ts";

test("no bytes are handed out twice, across refills of the block", () => {
  const seen = new Set(Array.from({ length: 5_000 }, () => Buffer.from(randomBytes(16)).toString("hex")));
  expect(seen.size).toBe(5_000);
  expect(seen.has("0".repeat(32))).toBe(false);
});

test("an id names its kind and holds 128 bits", () => {
  expect(randomId("call")).toMatch(/^call_[A-Za-z0-9_-]{22}$/u);
});
