import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { SUPPORT_BOT } from "../people-support/rest.ts";
import { policyOf, RIGHTS_FILES, wideFiles } from "./rights-house.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

let policy = policyOf(RIGHTS_FILES);
let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole({ policy: () => policy });
}, 120_000);
afterEach(async () => {
  policy = policyOf(RIGHTS_FILES);
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => opened.close());

function cell(page: Page, action: string): ReturnType<Page["locator"]> {
  return page.getByRole("gridcell", { name: new RegExp(`^acme/prod/support/support-bot, ${action}:`, "u") });
}

test("each cell says by a word and a shape what the agent may do", async () => {
  const page = await opened.visit("lena", "/matrix");
  await cell(page, "tickets.get_ticket").waitFor();
  expect(await cell(page, "tickets.get_ticket").innerText()).toMatch(/^●\s*allow$/u);
  expect(await cell(page, "tickets.update_ticket").innerText()).toMatch(/^▲\s*ask$/u);
  expect(await cell(page, "tickets.delete_ticket").innerText()).toMatch(/^■\s*deny\s+eligible$/u);
  expect(await page.getByRole("rowheader").allInnerTexts()).toEqual([
    expect.stringContaining("acme dev"),
    expect.stringContaining("acme prod"),
  ]);
});

test("a cell explains itself with its rules and their lines, and the address leads back to it", async () => {
  const page = await opened.visit("lena", "/matrix");
  await cell(page, "tickets.update_ticket").click();
  const panel = page.getByRole("complementary", { name: "What goes with the cell" });
  await panel.getByText("by support-lead within").waitFor();
  expect(await panel.getByRole("link", { name: "roles/support.yaml:5" }).first().getAttribute("href")).toBe(
    "/policy?file=roles%2Fsupport.yaml#L5",
  );
  await page.reload();
  await panel.getByText("by support-lead within").waitFor();
  expect(await cell(page, "tickets.update_ticket").getAttribute("aria-selected")).toBe("true");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
});

test("a denied cell says what would change it, and which right for a time would", async () => {
  const page = await opened.visit("lena", `/matrix?agent=${encodeURIComponent(SUPPORT_BOT)}&action=tickets.delete_ticket`);
  const panel = page.getByRole("complementary", { name: "What goes with the cell" });
  await panel.getByRole("region", { name: "What would change it" }).waitFor();
  expect(await panel.getByRole("region", { name: "What would change it" }).innerText()).toContain("tickets:delete");
  const forATime = await panel.getByRole("region", { name: "Rights for a time" }).innerText();
  expect(forATime).toMatch(/ask\s+always with the role cleaner/u);
  expect(forATime).toContain("at most 2 h, answered by support-lead");
});

test("the keyboard alone goes through the table and opens a cell", async () => {
  const page = await opened.visit("lena", "/matrix");
  await page.getByRole("gridcell").first().waitFor();
  await page.getByRole("gridcell").first().focus();
  const focused = async (): Promise<unknown> => page.evaluate("document.activeElement?.getAttribute('aria-label')");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toBe("acme/prod/support/support-bot, tickets.update_ticket: ask");
  await page.keyboard.press("Control+Home");
  expect(await focused()).toBe("acme/dev/support/support-bot, tickets.get_ticket: allow");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.getByRole("complementary").getByText("tickets.delete_ticket", { exact: true }).waitFor();
  expect(await page.locator('[role="gridcell"][tabindex="0"]').count()).toBe(1);
});

test("of a large table only what is in view is drawn, and its far corner is one key away", async () => {
  policy = policyOf(wideFiles(200, 100));
  const page = await opened.visit("lena", "/matrix");
  await page.getByRole("gridcell").first().waitFor();
  expect(await page.getByRole("grid").getAttribute("aria-rowcount")).toBe("103");
  expect(await page.getByRole("grid").getAttribute("aria-colcount")).toBe("204");
  expect(await page.getByRole("gridcell").count()).toBeLessThan(1_000);
  await page.getByRole("gridcell").first().focus();
  await page.keyboard.press("Control+End");
  await page.waitForFunction("document.activeElement?.getAttribute('aria-label')?.startsWith('acme/prod/wide/worker-099, wide.read_199')");
  const [head, cellBox] = [
    await page.getByRole("rowheader", { name: "worker-099" }).boundingBox(),
    await page.locator(":focus").boundingBox(),
  ];
  // What has the focus is not hidden behind the agents' names.
  expect(cellBox?.x).toBeGreaterThanOrEqual((head?.x ?? 0) + (head?.width ?? 0));
});

test("an address of a cell far away brings it into view", async () => {
  policy = policyOf(wideFiles(200, 100));
  const agent = encodeURIComponent("bailiwick://acme/prod/wide/worker-090");
  const page = await opened.visit("lena", `/matrix?agent=${agent}&action=wide.read_180`);
  const cellThere = page.getByRole("gridcell", { name: "acme/prod/wide/worker-090, wide.read_180: allow" });
  await cellThere.waitFor();
  expect(await cellThere.getAttribute("aria-selected")).toBe("true");
});

test("filters narrow the table and stay in the address", async () => {
  policy = policyOf(wideFiles(12, 5));
  const page = await opened.visit("lena", "/matrix");
  const counts = page.getByRole("status").filter({ hasText: "agents," });
  await counts.getByText("7 of 7 agents, 15 of 15 actions").waitFor();
  await page.getByLabel("Tool").selectOption("tickets");
  await counts.getByText("7 of 7 agents, 3 of 15 actions").waitFor();
  await page.getByLabel("Verdict").selectOption("ask");
  await counts.getByText("7 of 7 agents, 1 of 15 actions").waitFor();
  await page.getByRole("searchbox", { name: "Agent" }).fill("worker");
  await counts.getByText("5 of 7 agents, 0 of 15 actions").waitFor();
  await page.getByText("Nothing fits these filters.").waitFor();
  await page.getByLabel("Verdict").selectOption("");
  await counts.getByText("5 of 7 agents, 3 of 15 actions").waitFor();
  await page.reload();
  await counts.getByText("5 of 7 agents, 3 of 15 actions").waitFor();
  expect(new URL(page.url()).searchParams.get("find")).toBe("worker");
});

test("where it is narrow there is a list for each agent, and a cell opens as a dialog", async () => {
  const page = await opened.visit("lena", "/matrix", { width: 320 });
  await page.getByText("acme/prod/support/support-bot").click();
  await page.getByRole("button", { name: /tickets\.update_ticket.*ask/u }).click();
  await page.getByRole("dialog").getByText("by support-lead within").waitFor();
  expect(await sidewaysPixels(page)).toBe(0);
  expect(await page.getByRole("grid").count()).toBe(0);
});

test("someone of another tenant sees their own agents only", async () => {
  const page = await opened.visit("greta", "/matrix");
  await page.getByRole("gridcell").first().waitFor();
  expect(await page.locator("main").innerText()).not.toContain("acme");
});

for (const theme of ["light", "dark"] as const)
  for (const width of [1280, 320])
    test(`the matrix is accessible: ${theme}, ${width} px`, async () => {
      const page = await opened.visit("lena", `/matrix?agent=${encodeURIComponent(SUPPORT_BOT)}&action=tickets.delete_ticket`, {
        theme,
        width,
      });
      await page.getByText("Rules", { exact: true }).waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
      expect(await sidewaysPixels(page)).toBe(0);
    });
