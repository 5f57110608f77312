import fc from "fast-check";
import { expect, test } from "vitest";
import { scrub, scrubText } from "../../src/call/scrub.ts";

const SECRET = 'sk-live-"42\\x/+=ünique';

test.each([
  ["as it is", SECRET],
  ["base64", Buffer.from(SECRET).toString("base64")],
  ["base64url", Buffer.from(SECRET).toString("base64url")],
  ["URL-encoded", encodeURIComponent(SECRET)],
  ["hex", Buffer.from(SECRET).toString("hex")],
  ["upper-case hex", Buffer.from(SECRET).toString("hex").toUpperCase()],
])("a credential that comes back %s is removed", (_name, shown) => {
  const body = { content: [{ type: "text", text: `key: ${shown}!` }], [shown]: 1 };
  const cleaned = JSON.stringify(scrub(body, [SECRET]));
  expect(cleaned).not.toContain(JSON.stringify(shown).slice(1, -1).replace(/=+$/u, ""));
  expect(cleaned).toContain("[credential removed]");
});

test("a result without the credential is passed on as the same object", () => {
  const body = { a: "nothing here" };
  expect(scrub(body, [SECRET])).toBe(body);
});

test("no text keeps the secret, wherever it stands", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.stringMatching(/^[a-zA-Z0-9]{8,40}$/u), (before, after, secret) => {
      expect(scrubText(before + secret + after, [secret])).not.toContain(secret);
    }),
  );
});
