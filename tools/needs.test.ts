import { expect, test } from "vitest";
import type { TestContext } from "vitest";
import { needsProgram, needsSharedData } from "./needs.ts";

class Skipped extends Error {}

const recorder: Pick<TestContext, "skip"> = {
  skip: (note?: unknown): never => {
    throw new Skipped(String(note));
  },
};

test("a program that is here does not skip", () => {
  needsProgram(recorder, "sh", "strace");
});

test("a missing program skips with the package to install", () => {
  expect(() => needsProgram(recorder, "no-such-program-here", "strace")).toThrow(
    new Skipped("`no-such-program-here` is not installed: on Debian run `apt-get install strace`"),
  );
});

test("a package that CI does not install fails instead of skipping for ever", () => {
  expect(() => needsProgram(recorder, "sh", "unlisted-package")).toThrow("not listed in .ci/debian-packages");
});

test("missing shared data skips with the variable to set", () => {
  expect(() => needsSharedData(recorder, "no/such/data")).toThrow("BAILIWICK_SHARED_DATA");
});
