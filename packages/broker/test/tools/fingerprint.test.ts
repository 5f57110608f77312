import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json, JsonObject } from "@bailiwick/policy";
import { fingerprint } from "../../src/domain/fingerprint.ts";

const ENTRY: JsonObject = {
  name: "update_ticket",
  title: "Update",
  description: "changes a ticket",
  inputSchema: { type: "object", properties: { id: { type: "string" }, status: { type: "string" } }, required: ["id"] },
  outputSchema: { type: "object" },
  annotations: { readOnlyHint: false },
};

test("a fingerprint is sha256 and 64 hex digits", () => {
  expect(fingerprint(ENTRY)).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test.each(Object.keys(ENTRY))("a changed %s changes the fingerprint, and so does a missing one", (member) => {
  expect(fingerprint({ ...ENTRY, [member]: "something else" })).not.toBe(fingerprint(ENTRY));
  expect(fingerprint(Object.fromEntries(Object.entries(ENTRY).filter(([name]) => name !== member)))).not.toBe(fingerprint(ENTRY));
});

test("the order of members does not matter, at any depth", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const entry: JsonObject = { ...ENTRY, inputSchema: value as Json };
      expect(fingerprint(reversed(entry))).toBe(fingerprint(entry));
    }),
  );
});

test("what servers change from time to time is left out", () => {
  expect(fingerprint({ ...ENTRY, _meta: { build: 7 }, icons: [{ src: "https://x.example/i.png" }] })).toBe(fingerprint(ENTRY));
});

function reversed<T extends Json>(value: T): T;
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map((each: Json) => reversed(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
