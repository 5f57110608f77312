import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("an agent sees only what it can ever be allowed", async () => {
  const agent = await company.agent("reading");
  const tools = await agent.tools();
  expect(tools).toEqual(expect.arrayContaining(["list_notes", "read_note"]));
  expect(tools).not.toContain("add_note");
  expect(tools).not.toContain("delete_note");
});

test("a call that no rule allows is refused with what, why and what next, nothing runs, and the person finds out why", async () => {
  const agent = await company.agent("reading");
  const answer = await agent.call("add_note", { text: "hello" });
  expect(answer.isError).toBe(true);
  expect(answer.text.split("\n")).toEqual([
    expect.stringMatching(/^refused: /),
    expect.stringMatching(/^why: /),
    expect.stringMatching(/^next: /),
  ]);
  expect(await company.effects()).toEqual([]);

  const listed = await company.program.run("audit", "query", "--code", String(answer.refusal), "--json");
  expect(listed.code).toBe(0);
  const { calls } = JSON.parse(listed.stdout) as { calls: { callId: string; code: string }[] };
  expect(calls.map((call) => call.code)).toEqual([answer.refusal]);

  const why = await company.program.run("explain", String(calls[0]?.callId));
  expect(why.code).toBe(0);
  expect(why.stdout).toMatch(/[\w/]+\.(yaml|md):\d+/);
});

test("an allowed read comes back without the hidden field, with the masked one masked, and without other tenants' records", async () => {
  const agent = await company.agent("reading");
  const answer = await agent.call("list_notes");
  expect(answer.isError).toBe(false);
  expect(answer.structured["notes"]).toEqual([
    expect.objectContaining({ id: "n-1", text: "the office moves in May" }),
    expect.objectContaining({ id: "n-2" }),
  ]);
  const everything = JSON.stringify(answer.raw);
  expect(everything).not.toContain("salary 4711");
  expect(everything).not.toContain("ada@acme.example");
  expect(everything).not.toContain("merger");
});
