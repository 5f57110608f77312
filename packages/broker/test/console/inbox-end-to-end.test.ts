import { performance } from "node:perf_hooks";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type NotesCompany, startNotesCompany } from "../../../../stories/notes-company.ts";
import { press } from "./inbox-support.ts";
import { type ConsoleWindow, openConsoleWindow } from "./support.ts";

let company: NotesCompany;
let opened: ConsoleWindow;

beforeAll(async () => {
  company = await startNotesCompany();
  opened = await openConsoleWindow({
    origin: company.program.url.replace("127.0.0.1", "localhost"),
    code: async (person) => {
      const made = await company.program.run("login", person);
      const code = /code=([A-Za-z0-9_-]{43})/u.exec(made.stdout + made.stderr)?.[1];
      return z.string({ error: `no sign-in link: ${made.stdout}${made.stderr}` }).parse(code);
    },
  });
}, 180_000);
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
  await company.close();
});

test("an agent's call is held, appears by itself, is approved with two keys, and runs", async () => {
  const page = await opened.visit("ada");
  await page.getByText("No call waits for a person").waitFor();
  await page.getByText("● live").waitFor();
  const agent = await company.agent("drafting", { task: "tidy up" });
  const asked = performance.now();
  const waiting = agent.call("delete_note", { id: "n-1" });
  await page.locator("[data-card] [data-deny]:focus").waitFor();
  const shown = performance.now();
  expect(await page.locator("[data-card]").innerText()).toContain("n-1");
  expect(await company.effects()).toEqual([]);
  const keys = await press(page, "a", "Enter");
  expect((await waiting).structured).toEqual({ ok: true });
  const ran = performance.now();
  await page.getByText("Approved, once.").waitFor();
  await page.getByText("No call waits for a person").waitFor();
  expect(await company.effects()).toEqual([{ name: "delete_note", args: { id: "n-1" } }]);
  expect(keys).toBe(2);
  const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(2);
  process.stderr.write(`held to shown ${seconds(asked, shown)} s, shown to run ${seconds(shown, ran)} s, ${keys} key presses, no mouse\n`);
});

test("an agent's call is denied by keyboard alone, and the agent is told why", async () => {
  const page = await opened.visit("ada");
  await page.getByText("No call waits for a person").waitFor();
  const before = await company.effects();
  const agent = await company.agent("drafting", { task: "tidy up more" });
  const waiting = agent.call("delete_note", { id: "n-2" });
  await page.locator("[data-card] [data-deny]:focus").waitFor();
  await press(page, "Enter");
  await page.keyboard.type("bob still needs it");
  await press(page, "Enter");
  const answer = await waiting;
  expect(answer.refusal).toBe("approval_denied");
  expect(answer.text).toContain("bob still needs it");
  expect(await company.effects()).toEqual(before);
});
