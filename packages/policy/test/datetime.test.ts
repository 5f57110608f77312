import { expect, test } from "vitest";
import { toCedar } from "../src/facts/cedar-value.ts";

test.each(["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"])(
  "%s is refused, because its zone pushes it out of the years Cedar reads",
  (time) => {
    expect(toCedar(time, "datetime", "due", { undeclared: "refuse" })).toMatchObject({ ok: false, path: "due" });
  },
);

test("the last second of the last year is a time", () => {
  expect(toCedar("9999-12-31T23:59:59Z", "datetime", "due", { undeclared: "refuse" })).toMatchObject({ ok: true });
});
