import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("a revoked session is refused on its very next call, and a session of another task goes on", async () => {
  const revoked = await company.agent("drafting", { task: "runaway" });
  const other = await company.agent("reading", { task: "calm" });
  expect((await revoked.call("add_note", { text: "one" })).isError).toBe(false);

  const listed = await company.program.run("sessions", "list", "--json");
  const session = (JSON.parse(listed.stdout) as { id: string; task: string }[]).find((one) => one.task === "runaway");
  const ended = await company.program.run("sessions", "revoke", String(session?.id));
  expect(ended.code).toBe(0);

  const answer = await revoked.call("add_note", { text: "two" });
  expect(JSON.stringify(answer.raw)).toContain("session_revoked");
  expect((await company.effects()).map((effect) => effect.args)).toEqual([{ text: "one" }]);
  expect((await other.call("list_notes")).isError).toBe(false);
});
