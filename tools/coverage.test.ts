import { expect, test } from "vitest";
import { coverageOf } from "./coverage.ts";

const file = (covered: number, total: number): object => ({ lines: { covered, total }, branches: { covered: total, total } });

test("coverage is summed over the files of one folder and no other", () => {
  const summary = { "/r/a/x.ts": file(1, 2), "/r/a/b/y.ts": file(2, 2), "/r/ab/z.ts": file(0, 100), total: file(3, 104) };
  expect(coverageOf(summary, "/r/a")).toEqual({ lines: "75.0 %", branches: "100.0 %" });
});

test("a folder without files has no coverage, not a perfect one", () => {
  expect(coverageOf({}, "/r/a")).toEqual({ lines: "none", branches: "none" });
});
