import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { laterUndo, undoPolicy, undoWorld, type UndoWorld } from "../insight/undo/support.ts";
import { approve } from "../people-support/answering.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'">`;
const policy = undoPolicy({
  "roles/support.yaml": `role: support
reason: works the tickets
allow:
  - do: tickets:read
  - do: tickets:create
  - do: tickets:note
  - do: tickets:update
    rows: resource.status != "locked"
  - do: tickets:update
    rows: resource.status == "locked"
    approve: { by: [support-lead] }
`,
});

let opened: OpenedConsole;
let world: UndoWorld;

beforeAll(async () => {
  opened = await openConsole({ policy: () => policy, undo: laterUndo(() => world) });
}, 180_000);
beforeEach(async () => {
  world = await undoWorld(opened.house.store, () => policy);
  world.rows.set("T-1", { id: "T-1", tenant: "acme", region: "emea", status: "open" });
});
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(() => opened.close());

test.each([
  ["light", 1280],
  ["dark", 320],
] as const)("a call is undone from its page, after its record was shown in three states: %s, %i px", async (theme, width) => {
  const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
  world.rows.set("T-1", { ...world.rows.get("T-1"), region: HOSTILE });
  const page = await opened.visit("olaf", `/calls/${call}`, { theme, width });
  await page.getByRole("button", { name: "Undo" }).click();
  const dialog = page.getByRole("dialog", { name: "Undo this call" });
  const row = dialog.locator("tr", { hasText: "status" });
  await row.waitFor();
  expect(await row.locator("td").allInnerTexts()).toEqual(["status", "open", "closed", "closed"]);
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
  expect(world.rows.get("T-1")).toMatchObject({ status: "closed" });
  await dialog.getByLabel("Reason").fill("a slip");
  await dialog.getByRole("button", { name: "Undo it" }).click();
  await page.getByText("Undone.").waitFor();
  await page.getByText("undone by").waitFor();
  expect(world.rows.get("T-1")).toMatchObject({ status: "open", region: HOSTILE });
  expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
  expect(await page.title()).not.toBe("owned");
});

test("leaving the dialog has the focus and undoes nothing", async () => {
  const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
  const page = await opened.visit("olaf", `/calls/${call}`);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Undo it" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(world.rows.get("T-1")).toMatchObject({ status: "closed" });
});

test("a conflict that comes up while somebody looks is said, and nothing is overwritten", async () => {
  const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
  const page = await opened.visit("olaf", `/calls/${call}`);
  await page.getByRole("button", { name: "Undo" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Undo it" }).waitFor();
  world.rows.set("T-1", { ...world.rows.get("T-1"), status: "spam" });
  await dialog.getByRole("button", { name: "Undo it" }).click();
  await dialog.getByText("It is not undone").waitFor();
  expect(await dialog.locator("tr[data-conflict=true] td").allInnerTexts()).toEqual([
    "status",
    "open",
    "closed",
    expect.stringMatching(/^spam\s*changed since$/u),
  ]);
  expect(world.rows.get("T-1")).toMatchObject({ status: "spam" });
});

test("where people are asked the dialog leads to the question, and after their yes it runs", async () => {
  const call = await world.done("update_ticket", { id: "T-1", status: "locked" });
  const page = await opened.visit("olaf", `/calls/${call}`);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Ask for the undo" }).click();
  const question = page.getByRole("link", { name: "the question" });
  await question.waitFor();
  const id = (await question.getAttribute("href"))?.split("/").at(-1) ?? "";
  expect((await approve(await opened.house.as("ana"), id)).status).toBe(200);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Ask for the undo" }).click();
  await page.getByText("Undone.").waitFor();
  expect(world.rows.get("T-1")).toMatchObject({ status: "open" });
});

test("a run is undone from its page, the newest first", async () => {
  await world.done("update_ticket", { id: "T-1", status: "waiting" });
  await world.done("send_note", { text: "hello" });
  await world.done("update_ticket", { id: "T-1", status: "closed" });
  const page = await opened.visit("olaf", `/runs/${world.session.run}`);
  await page.getByRole("button", { name: "Undo this run" }).click();
  const dialog = page.getByRole("dialog", { name: "Undo this run" });
  const calls = dialog.getByRole("list", { name: "Calls to undo" }).getByRole("listitem");
  await calls.first().waitFor();
  expect(await calls.count()).toBe(3);
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Undo the run" }).click();
  await dialog.getByText("Everything that can be undone is.").waitFor();
  expect(await dialog.getByRole("list", { name: "What became of each call" }).locator("strong").allInnerTexts()).toEqual([
    "undone",
    "skipped",
    "undone",
  ]);
  expect(world.rows.get("T-1")).toMatchObject({ status: "open" });
});

test("whoever may not undo sees no button", async () => {
  const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
  for (const person of ["ana", "rudi"]) {
    const page = await opened.visit(person, `/calls/${call}`);
    await page.getByRole("heading", { name: "What it was about" }).waitFor();
    await page.getByText("By the policy in force now").waitFor();
    expect(await page.getByRole("button", { name: "Undo" }).count(), person).toBe(0);
  }
  const page = await opened.visit("dana", `/calls/${call}`);
  await page.getByRole("button", { name: "Undo" }).waitFor();
});
