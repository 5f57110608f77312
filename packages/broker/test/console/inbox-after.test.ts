import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { approvalFingerprint } from "../../src/domain/notice.ts";
import { card, emptyInbox, held, press, row } from "./inbox-support.ts";
import { openConsole, type OpenedConsole } from "./support.ts";

let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole();
}, 120_000);
afterEach(async () => {
  await emptyInbox(opened.house);
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => opened.close());

async function focused(page: Page): Promise<unknown> {
  return page.evaluate("document.activeElement.closest('li')?.dataset.approval ?? document.activeElement.tagName");
}

test("where the list and a card take turns, the focus is in the list again after an answer and after going back", async () => {
  const first = await held(opened.house, { expiresAt: new Date(Date.now() + 600_000) });
  const second = await held(opened.house);
  const page = await opened.visit("lena", "/", { width: 320 });
  await row(page, first).getByRole("link").click();
  await card(page, first).waitFor();
  await press(page, "Escape");
  await row(page, first).waitFor();
  await expect.poll(async () => focused(page)).not.toBe("BODY");
  await row(page, first).getByRole("link").click();
  await card(page, first).waitFor();
  await press(page, "a", "Enter");
  await page.getByText("Approved, once.").waitFor();
  await row(page, second).waitFor();
  await expect.poll(async () => focused(page)).not.toBe("BODY");
});

test("after the last answer nothing is said to wait, and the focus is on what says so", async () => {
  const only = await held(opened.house);
  const page = await opened.visit("lena");
  await card(page, only).waitFor();
  await press(page, "a", "Enter");
  await page.getByText("No call waits for a person").waitFor();
  await page.locator("h1").getByText("0 waiting", { exact: true }).waitFor();
  await expect.poll(async () => focused(page)).toBe("H1");
});

test("a card shows the fingerprint that messages about it show, and leads to the agent's page, the run's and the rule's line", async () => {
  const approval = await held(opened.house);
  const page = await opened.visit("lena");
  await card(page, approval).getByText(approvalFingerprint(approval)).waitFor();
  expect(await card(page, approval).getByRole("link", { name: approval.run }).getAttribute("href")).toBe(`/runs/${approval.run}`);
  const rule = card(page, approval).getByRole("link", { name: "roles/support.yaml:5" });
  expect(await rule.getAttribute("href")).toMatch(/^\/policy\?file=roles[^&]*support\.yaml#L5$/u);
  await card(page, approval).getByRole("link", { name: approval.agent }).click();
  await page.getByRole("heading", { name: "acme/prod/support/support-bot" }).waitFor();
});
