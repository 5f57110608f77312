import fc from "fast-check";
import { expect, test } from "vitest";
import { type MatrixTable, markText, moved, partOf } from "../../../console/app/pages/matrix/filter.ts";

const VERDICTS = ["allow", "ask", "deny"] as const;

const action = (tool: string, name: string, effect: string): MatrixTable["actions"][number] => ({
  operation: { tool, kind: "tool", name },
  action: `${tool}.${name}`,
  scope: `${tool}:${name}`,
  effect,
});

const row = (agent: string, cells: MatrixTable["rows"][number]["cells"]): MatrixTable["rows"][number] => ({
  agent,
  tenant: "acme",
  environment: "prod",
  workflow: "w",
  roles: [],
  owner: "ines",
  eligible: [],
  elevations: [],
  cells,
});

const mark = (verdict: (typeof VERDICTS)[number]): MatrixTable["rows"][number]["cells"][number] => ({ verdict, when: "always" });

const TABLE: MatrixTable = {
  policyVersion: "sha256:0",
  actions: [action("a", "get", "read"), action("a", "put", "write"), action("b", "get", "read")],
  rows: [
    row("bailiwick://acme/prod/w/One", [mark("allow"), mark("ask"), mark("deny")]),
    row("bailiwick://acme/prod/w/two", [
      mark("deny"),
      { verdict: "deny", when: "always", raised: { verdict: "ask", role: "r", active: true } },
      mark("deny"),
    ]),
  ],
};

const columns = (filter: Parameters<typeof partOf>[1]): readonly string[] =>
  partOf(TABLE, filter).columns.map((each) => each.action.action);

test("each filter narrows, and a column keeps its place in the rows", () => {
  expect(partOf(TABLE, {}).rows).toHaveLength(2);
  expect(partOf(TABLE, { find: " one " }).rows.map(({ agent }) => agent)).toEqual(["bailiwick://acme/prod/w/One"]);
  expect(partOf(TABLE, { tool: "b" }).columns).toEqual([{ action: TABLE.actions[2], at: 2 }]);
  expect(columns({ effect: "read" })).toEqual(["a.get", "b.get"]);
});

test("a verdict is looked for among the agents that are shown", () => {
  expect(columns({ verdict: "ask" })).toEqual(["a.put"]);
  expect(columns({ verdict: "ask", find: "two" })).toEqual([]);
  expect(columns({ verdict: "raised" })).toEqual(["a.put"]);
});

test("a cell is said in words that differ where the cells do", () => {
  const texts = VERDICTS.flatMap((verdict) => [
    markText({ verdict, when: "always" }),
    markText({ verdict, when: "sometimes" }),
    markText({ verdict, when: "always", raised: { verdict: "ask", role: "r", active: true } }),
    markText({ verdict, when: "always", raised: { verdict: "ask", role: "r", active: false } }),
  ]);
  expect(new Set(texts).size).toBe(texts.length);
});

test("no key leads out of the table, and keys that mean nothing lead nowhere", () => {
  const keys = fc.constantFrom("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End");
  fc.assert(
    fc.property(fc.nat(200), fc.nat(200), fc.array(fc.tuple(keys, fc.boolean()), { maxLength: 40 }), (moreRows, moreColumns, pressed) => {
      const size = { rows: moreRows + 1, columns: moreColumns + 1, page: 10 };
      const end = pressed.reduce((at, [key, ctrl]) => moved(at, key, ctrl, size) ?? at, { row: 0, column: 0 });
      expect(end.row >= 0 && end.row < size.rows && end.column >= 0 && end.column < size.columns).toBe(true);
    }),
  );
  expect(moved({ row: 0, column: 0 }, "a", false, { rows: 3, columns: 3, page: 10 })).toBeUndefined();
  expect(moved({ row: 1, column: 1 }, "End", true, { rows: 3, columns: 4, page: 10 })).toEqual({ row: 2, column: 3 });
});
