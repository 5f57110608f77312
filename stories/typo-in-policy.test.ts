import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";
import { bailiwick } from "./program.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("`check` names file, line and the word that was meant; the running broker keeps the old version and takes the corrected one", async () => {
  const role = join(company.policyFolder, "roles/writer.yaml");
  const good = await readFile(role, "utf8");
  expect((await bailiwick(["check", company.policyFolder])).code).toBe(0);

  await writeFile(role, good.replace("limits:", "limit:"));
  const checked = await bailiwick(["check", company.policyFolder]);
  expect(checked.code).toBe(1);
  const line = good.split("\n").findIndex((text) => text.includes("limits:")) + 1;
  expect(checked.stdout + checked.stderr).toContain(`roles/writer.yaml:${line}`);
  expect(checked.stdout + checked.stderr).toMatch(/unknown key `limit`[\s\S]*`limits`/);

  await until(() => company.program.output().includes("roles/writer.yaml"));
  const agent = await company.agent("drafting");
  expect((await agent.call("add_note", { text: "still allowed by the old version" })).isError).toBe(false);

  await writeFile(role, good.replace("- do: notes:create\n    limits: { perMinute: 10000 }\n", ""));
  await until(async () => (await agent.call("add_note", { text: "no longer" })).refusal !== undefined);
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await setTimeout(50);
}
