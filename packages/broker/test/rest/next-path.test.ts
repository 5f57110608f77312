import fc from "fast-check";
import { expect, test } from "vitest";
import { safeNext, signInUrl } from "../../src/adapters/rest/next-path.ts";
import { peopleOrigins, peopleUrl, relyingParty } from "../../src/adapters/rest/relying-party.ts";

test("open redirect: whatever is given, a browser on our page stays on our origin", () => {
  const parts = [
    "/",
    "\\",
    "//",
    "https:",
    "http:",
    "javascript:",
    "evil.example",
    "@",
    "..",
    ".",
    "%2f",
    "\t",
    "\n",
    "?",
    "#",
    ":",
    "a",
    "\u2028",
  ];
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((some) => some.join("")),
  );
  fc.assert(
    fc.property(text, (next) => {
      const path = safeNext(next);
      expect(path.startsWith("/")).toBe(true);
      expect(new URL(path, "https://broker.example/sign-in").origin).toBe("https://broker.example");
    }),
    { numRuns: 2_000 },
  );
});

test("a path of our own is kept with its query and fragment", () => {
  expect(safeNext("/oauth/consent?a=1&b=%2F#c")).toBe("/oauth/consent?a=1&b=%2F#c");
  expect(safeNext(undefined)).toBe("/");
  expect(safeNext(`/${"x".repeat(3_000)}`)).toBe("/");
});

test("the sign-in page's address carries the path, and carries nothing for a foreign one", () => {
  expect(signInUrl("/oauth/consent?id=1")).toBe("/sign-in?next=%2Foauth%2Fconsent%3Fid%3D1");
  expect(signInUrl("https://evil.example")).toBe("/sign-in");
});

test.each([
  ["http://127.0.0.1:7400", "http://localhost:7400", { rpId: "localhost", origin: "http://localhost:7400" }],
  ["http://[::1]:7400", "http://localhost:7400", { rpId: "localhost", origin: "http://localhost:7400" }],
  ["https://broker.example", "https://broker.example", { rpId: "broker.example", origin: "https://broker.example" }],
  ["https://broker.example:8443/", "https://broker.example:8443/", { rpId: "broker.example", origin: "https://broker.example:8443" }],
  ["http://broker.example", "http://broker.example", undefined],
  ["https://10.0.0.5", "https://10.0.0.5", undefined],
  ["https://[fd00::1]:7400", "https://[fd00::1]:7400", undefined],
])("people of %s open %s", (publicUrl, opened, party) => {
  expect(peopleUrl(publicUrl)).toBe(opened);
  expect(relyingParty(publicUrl)).toEqual(party);
  expect(peopleOrigins(publicUrl)).toContain(new URL(publicUrl).origin);
});
