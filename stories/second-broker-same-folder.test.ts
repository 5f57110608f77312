import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";
import { bailiwick } from "./program.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("a second broker on the same data folder is refused with the pid of the first, which goes on", async () => {
  const second = await bailiwick(["up", "--policy", company.policyFolder, "--data", join(company.folder, "data"), "--port", "0"]);
  expect(second.code).not.toBe(0);
  expect(second.stderr).toContain(String(company.program.process.pid));
  const agent = await company.agent("reading");
  expect((await agent.call("list_notes")).isError).toBe(false);
});
