import fc from "fast-check";
import { expect, test } from "vitest";
import { proposeAction } from "../../src/insight/propose-action.ts";
import { inline, printable, table } from "../../src/cli/text.ts";
import { proposalText } from "../../src/insight/proposal-text.ts";
import { load } from "@bailiwick/policy";
import { companyFiles } from "../people-support/company.ts";

const FINGERPRINT = `sha256:${"a".repeat(64)}`;

test("no text, whoever wrote it, brings a control or format character to the terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(inline(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("a table has one line a row, whatever is in its cells", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.string()), { maxLength: 5 }), (rows) => {
      expect(table(["A", "B"], rows).split("\n")).toHaveLength(rows.length + 2);
    }),
  );
});

test.each([
  ["get_ticket", {}, "read"],
  ["listInvoices", {}, "read"],
  ["delete-note", {}, "delete"],
  ["sendMail", {}, "send"],
  ["refund_payment", {}, "pay"],
  ["frobnicate", {}, "execute"],
  ["get_env", { readOnlyHint: false }, "write"],
  ["update_file", { destructiveHint: true }, "delete"],
  ["delete_all", { readOnlyHint: true, destructiveHint: false }, "delete"],
  ["frobnicate", { readOnlyHint: true }, "execute"],
])("%s with the tool's own hints %j is proposed as %s: hints only make the guess more careful", (name, annotations, effect) => {
  expect(proposeAction("t", { name, annotations }, FINGERPRINT).effect).toBe(effect);
});

test("arguments become the catalog's types, and what cannot be said becomes `any`", () => {
  const inputSchema = {
    type: "object",
    required: ["id", "to"],
    properties: {
      id: { type: "integer" },
      to: { type: "string", format: "email" },
      due: { type: "string", format: "date-time" },
      tags: { type: "array", items: { type: "string" } },
      price: { type: "number" },
      patch: { type: "object", properties: { status: { type: "string" } }, required: ["status"] },
      free: { type: "object" },
      either: { anyOf: [{ type: "string" }, { type: "integer" }] },
    },
  };
  expect(proposeAction("t", { name: "x", inputSchema }, FINGERPRINT).args).toEqual({
    id: "integer",
    to: "email",
    "due?": "datetime",
    "tags?": ["string"],
    "price?": "decimal",
    "patch?": { status: "string" },
    "free?": "any",
    "either?": "any",
  });
});

test("a proposal can be put into the policy folder as it is and loads", () => {
  const proposal = proposeAction(
    "notes",
    { name: "addNote", inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] } },
    FINGERPRINT,
  );
  const tool = {
    path: "tools/notes.yaml",
    text: `tool: notes\nconnect: { mcp: { url: "http://127.0.0.1:1/mcp" } }\n${proposalText([proposal])}`,
  };
  const loaded = load([...companyFiles, tool]);
  expect(loaded.ok ? [] : loaded.diagnostics.filter((one) => one.severity === "error")).toEqual([]);
});

test("any upstream entry at all gives a proposal, never a fault", () => {
  fc.assert(
    fc.property(fc.record({ name: fc.string(), inputSchema: fc.jsonValue(), annotations: fc.jsonValue() }), (entry) => {
      const proposal = proposeAction("t", JSON.parse(JSON.stringify(entry)), FINGERPRINT);
      expect(proposal.is).toMatch(/^t:[a-z][a-z0-9_]*$/u);
    }),
  );
});
