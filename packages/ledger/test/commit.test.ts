import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalize, commit, commitText } from "../src/index.ts";

const salts = fc.uint8Array({ minLength: 32, maxLength: 64 });

test("a commitment is HMAC-SHA-256 over the canonical form, as node:crypto computes it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), salts, (value, salt) => {
      const text = canonicalize(value);
      expect(commit(value, salt)).toBe(`hmac-sha256:${createHmac("sha256", salt).update(text).digest("hex")}`);
    }),
  );
});

test.each([0, 31, 65])("a salt of %i bytes is refused", (length) => {
  expect(() => commitText("{}", new Uint8Array(length))).toThrow(RangeError);
});
