import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("a record of another tenant is refused by its id, for reading and for deleting, and its contents never show", async () => {
  const agent = await company.agent("drafting");
  const read = await agent.call("read_note", { id: "n-9" });
  const deleted = await agent.call("delete_note", { id: "n-9" });
  expect([read.refusal, deleted.refusal]).toEqual(["cross_tenant", "cross_tenant"]);
  expect(JSON.stringify([read.raw, deleted.raw])).not.toContain("merger");
  expect(await company.effects()).toEqual([]);
});

test("the same record is there for its own tenant", async () => {
  const agent = await company.agent("foreign");
  expect((await agent.call("read_note", { id: "n-9" })).structured).toMatchObject({ text: "the merger is secret" });
});

test("the log of one tenant holds nothing of the other's", async () => {
  const listed = await company.program.run("audit", "query", "--tenant", "acme", "--json");
  expect(listed.stdout).toContain("bailiwick://acme/");
  expect(listed.stdout).not.toContain("bailiwick://globex/");
});
