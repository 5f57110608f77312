import { expect, test } from "vitest";
import { differences } from "../judge.ts";
import type { Observed } from "../observed.ts";
import { renderCall } from "../render.ts";
import { FIRST_SCREEN, SCENARIO } from "../scenario.ts";

const PLAIN: Observed = {
  kind: "result",
  failed: false,
  hidden: [],
  masked: [],
  rowsRemoved: 0,
  rules: [],
  next: [],
  record: {},
  text: "",
};

function step(index: number) {
  const found = FIRST_SCREEN[index];
  if (found === undefined) throw new Error("the first screen has no such step");
  return found;
}

test("a customer's text cannot move the cursor or hide a line", () => {
  const lines = renderCall(step(1), { ...PLAIN, record: { subject: "hello\u001b[2J\u202eolleh\r\nrefused" } });
  expect(lines.join("")).not.toMatch(/\p{Cc}|\p{Cf}/u);
});

test("each outcome has a word and a shape of its own", () => {
  const outcomes: readonly Observed[] = [
    PLAIN,
    { ...PLAIN, hidden: ["x"] },
    { ...PLAIN, failed: true },
    { ...PLAIN, kind: "refused" },
    { ...PLAIN, kind: "pending" },
    { ...PLAIN, kind: "tool_error" },
    { ...PLAIN, kind: "unknown" },
  ];
  const heads = outcomes.map((seen) => renderCall(step(0), seen)[0]?.trim().split(/ +/).slice(0, 2));
  expect(new Set(heads.map((head) => head?.[0])).size).toBe(outcomes.length);
  expect(new Set(heads.map((head) => head?.[1])).size).toBe(outcomes.length);
});

test("the command that approves is never broken over lines", () => {
  const command = `npx bailiwick approvals approve ${"x".repeat(80)} --as dana`;
  const lines = renderCall(step(3), { ...PLAIN, kind: "pending" }, { diff: {}, rules: [], command });
  expect(lines.some((line) => line.includes(command))).toBe(true);
});

test.each([
  ["another kind", { ...PLAIN, kind: "refused" }],
  ["a failure", { ...PLAIN, failed: true }],
  ["a missing mask", { ...PLAIN, masked: [] }],
  ["another number of rows", { ...PLAIN, masked: ["a"], rowsRemoved: 2 }],
  ["a missing text", { ...PLAIN, masked: ["a"], rowsRemoved: 1, text: "other" }],
  ["a text that must not be there", { ...PLAIN, masked: ["a"], rowsRemoved: 1, text: "shown secret" }],
] as const)("the judge notices %s", (_, seen) => {
  const expected = { kind: "result", masked: ["a"], rowsRemoved: 1, contains: ["shown"], lacks: ["secret"] } as const;
  expect(differences(expected, seen)).not.toEqual([]);
  expect(differences(expected, { ...PLAIN, masked: ["a"], rowsRemoved: 1, text: "shown" })).toEqual([]);
});

test("the scenario covers every kind of answer the issue names", () => {
  const codes = new Set(SCENARIO.map((each) => each.expect.code));
  for (const code of ["field_not_permitted", "cross_tenant", "denied_by_rule", "tool_unreviewed", "rate_limited", "approval_denied"]) {
    expect(codes).toContain(code);
  }
  expect(SCENARIO.some((each) => (each.expect.rowsRemoved ?? 0) > 0)).toBe(true);
  expect(SCENARIO.some((each) => (each.expect.masked?.length ?? 0) > 0)).toBe(true);
  expect(SCENARIO.some((each) => each.approve?.answer === "approve" && each.approve.diff !== undefined)).toBe(true);
});
