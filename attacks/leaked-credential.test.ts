import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NOTES_SECRET, startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("a tool that blurts out its credential, plainly or encoded, in a result, an error or on stderr, reaches nobody with it", async () => {
  const { program } = company;
  const agent = await company.agent("drafting");
  const answers = [
    await agent.call("whoami"),
    await agent.call("format_disk"),
    await agent.call("add_note", { text: `is it ${NOTES_SECRET}?` }),
    await agent.call("add_note", { text: "is it safe?" }),
  ];
  // The tool did answer with it; otherwise this test would prove nothing.
  expect(answers[0]?.isError).toBe(false);
  expect(Object.keys(answers[0]?.structured ?? {})).toEqual(expect.arrayContaining(["account"]));
  // An agent that got hold of it elsewhere cannot put it into our records either.
  expect(answers[2]?.refusal).toBe("argument_invalid");
  const commands = [
    await program.run("secrets", "list", "--json"),
    await program.run("audit", "query", "--json"),
    await program.run("sessions", "list", "--json"),
    await program.run("tools", "--json"),
  ];
  const spoken = [
    ...answers.map((answer) => JSON.stringify(answer.raw)),
    ...commands.map((ended) => ended.stdout + ended.stderr),
    program.output(),
  ];
  for (const form of forms(NOTES_SECRET)) expect(spoken.filter((text) => text.includes(form))).toEqual([]);

  await program.stop();
  expect(await filesWith(program.dataFolder, forms(NOTES_SECRET))).toEqual([]);
});

test("the search would have found it", async () => {
  expect(await filesWith(company.toolFolder, forms("is it"))).toEqual(["effects.log"]);
});

/** The ways a secret hides in text. */
function forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
  ];
}

/** Every file below the folder, the database's included, that holds one of the words. */
async function filesWith(folder: string, words: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (words.some((word) => bytes.includes(word))) found.push(path.slice(folder.length + 1));
  }
  return found;
}
