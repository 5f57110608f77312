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
  ["JSON-escaped", JSON.stringify(SECRET).slice(1, -1)],
  ["URL-encoded in lower case", encodeURIComponent(SECRET).toLowerCase()],
])("a credential that comes back %s is removed", (_name, shown) => {
  const body = { content: [{ type: "text", text: `key: ${shown}!` }], [shown]: 1 };
  const cleaned = JSON.stringify(scrub(body, [SECRET]));
  expect(cleaned).not.toContain(JSON.stringify(shown).slice(1, -1).replace(/=+$/u, ""));
  expect(cleaned).toContain("[credential removed]");
});

test.each(["", "u", "us", "use", "user:", "\u0130"])("attack: a credential inside a longer base64 text, after `%s`", (before) => {
  const bytes = Buffer.from(`${before}${SECRET} and more`);
  for (const text of [bytes.toString("base64"), bytes.toString("base64url")]) {
    const cleaned = scrubText(`authorization: Basic ${text}`, [SECRET]);
    expect(cleaned).toContain("[credential removed]");
    const left = [...cleaned.replace("authorization: Basic ", "").matchAll(/[\w+/=-]+/gu)].map(([part]) =>
      Buffer.from(part, "base64").toString("latin1"),
    );
    expect(left.join("")).not.toContain(SECRET.slice(1, 9));
  }
});

test("attack: a character before it whose lower case is longer does not hide a credential in upper-case hex", () => {
  const hex = Buffer.from(SECRET).toString("hex").toUpperCase();
  expect(scrubText(`\u0130\u0130 ${hex}`, [SECRET])).toBe("\u0130\u0130 [credential removed]");
});

test("a form-encoded credential with a space in it is removed", () => {
  expect(scrubText("key=correct+horse+battery&x=1", ["correct horse battery"])).toBe("key=[credential removed]&x=1");
});

test("every version that still exists is removed, not only the one in use", () => {
  const texts = ["value-one", Buffer.from("value-two").toString("base64"), Buffer.from("value-three").toString("hex")];
  expect(scrub({ texts }, ["value-three", "value-one", "value-two"])).toEqual({
    texts: [expect.stringContaining("[credential removed]"), expect.stringContaining("[credential removed]"), "[credential removed]"],
  });
});

test("a version whose value begins with another's is removed whole", () => {
  expect(scrubText("key: value-one-and-more!", ["value-one", "value-one-and-more"])).toBe("key: [credential removed]!");
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
