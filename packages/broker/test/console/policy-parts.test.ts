import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldsOf, read } from "../../../console/app/pages/policy/form-model.ts";
import { tokensOf } from "../../../console/app/pages/policy/tokens.ts";

const kinds = (path: string, line: string): readonly string[] =>
  tokensOf(path, line)
    .filter(({ text }) => text.trim() !== "")
    .map(({ kind, text }) => `${kind} ${text.trim()}`);

test("the pieces of a line are the line, whatever is in it", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("roles/a.yaml", "policies/a.cedar", "README.md"),
      fc.string({ unit: "binary", maxLength: 300 }),
      (path, text) => {
        const line = text.replaceAll("\n", " ");
        expect(
          tokensOf(path, line)
            .map((token) => token.text)
            .join(""),
        ).toBe(line);
      },
    ),
  );
});

test("of YAML keys, strings, numbers and comments are told apart", () => {
  expect(kinds("a.yaml", '  - do: tickets:read # why: "x"')).toEqual(["plain -", "key do", "plain : tickets:read", 'comment # why: "x"']);
  expect(kinds("a.yaml", 'limits: { perMinute: 30, "a b": true }')).toEqual([
    "key limits",
    "plain : {",
    "key perMinute",
    "plain :",
    "number 30",
    "plain ,",
    'key "a b"',
    "plain :",
    "word true",
    "plain }",
  ]);
  expect(kinds("a.yaml", "url: http://x/#part")).toEqual(["key url", "plain : http://x/#part"]);
});

test("of Cedar words, strings and comments are told apart", () => {
  expect(kinds("a.cedar", 'permit (principal, action == Action::"x.y"); // all')).toEqual([
    "word permit",
    "plain (",
    "word principal",
    "plain ,",
    "word action",
    "plain == Action::",
    'string "x.y"',
    "plain );",
    "comment // all",
  ]);
});

test("a line longer than people write is left as it is, so that a large file does not hold up the page", () => {
  const line = `a: "${"x".repeat(5_000)}"`;
  expect(tokensOf("a.yaml", line)).toEqual([{ kind: "plain", text: line }]);
});

test("fields come from the catalog's types, and what may be left out says so", () => {
  expect(
    fieldsOf({
      id: "string",
      "count?": "integer",
      price: "decimal",
      "ok?": "boolean",
      tags: ["string"],
      who: "email",
      patch: { "a?": "string" },
    }),
  ).toEqual([
    { name: "id", optional: false, kind: "text", says: "string" },
    { name: "count", optional: true, kind: "integer", says: "integer" },
    { name: "price", optional: false, kind: "decimal", says: "decimal" },
    { name: "ok", optional: true, kind: "boolean", says: "boolean" },
    { name: "tags", optional: false, kind: "json", says: '["string"]' },
    { name: "who", optional: false, kind: "text", says: "email" },
    { name: "patch", optional: false, kind: "json", says: '{"a?":"string"}' },
  ]);
});

test("what is typed becomes values of the declared types; what is empty is left out, what cannot be read is named", () => {
  const fields = fieldsOf({ id: "string", n: "integer", d: "decimal", ok: "boolean", tags: ["string"], none: "any" });
  expect(read(fields, { id: "007", n: "42", d: "12.50", ok: "false", tags: '["a"]', none: "" })).toEqual({
    values: { id: "007", n: 42, d: 12.5, ok: false, tags: ["a"] },
    errors: {},
  });
  const { values, errors } = read(fields, { n: "4.2", d: "1e3", ok: "perhaps", tags: "a", none: "null" });
  expect(values).toEqual({ none: null });
  expect(Object.keys(errors)).toEqual(["n", "d", "ok", "tags"]);
});
