import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("an action nobody reviewed is hidden, and refused to an agent that knows its name, whatever it says of itself", async () => {
  const agent = await company.agent("drafting");
  expect(await agent.tools()).not.toContain("format_disk");
  const answer = await agent.call("format_disk");
  expect(answer.refusal).toBe("tool_unreviewed");
  expect(await company.effects()).toEqual([]);
});

test("a tool whose description changed after review is quarantined until a person looks again", async () => {
  const before = await company.agent("drafting");
  expect((await before.call("add_note", { text: "reviewed" })).isError).toBe(false);
  await writeFile(join(company.toolFolder, "rewrite-descriptions"), "");
  await company.program.stop();
  const program = await company.restart();
  const agent = await company.agent("drafting");
  const answer = await agent.call("add_note", { text: "poisoned" });
  expect(answer.refusal).toBe("tool_unreviewed");
  expect(await agent.tools()).not.toContain("add_note");
  expect(JSON.stringify(answer.raw)).not.toContain("attacker.example");
  expect((await company.effects()).map((effect) => effect.args)).toEqual([{ text: "reviewed" }]);
  const listed = await program.run("tools");
  expect(listed.stdout).toMatch(/add_note.*quarantined/);
});
