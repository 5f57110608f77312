import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { heldApproval, recordCall } from "../people-support/rest.ts";
import { onServer } from "../support/server-statement.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

const RULE = { kind: "grant", id: "support/allow/2", at: { file: "roles/support.yaml", line: 5 }, reason: "" } as const;
const LOOKS = (["light", "dark"] as const).flatMap((theme) => [1280, 320].map((width) => ({ theme, width })));

let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole();
}, 120_000);
beforeEach(async () => {
  await onServer(opened.house.databaseUrl, "truncate bailiwick.duties, bailiwick.approvals cascade");
});
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

/** A question that was answered with yes two seconds after it came, by one of two people in turn. */
async function approved(index: number, more: { readonly drill?: true } = {}): Promise<void> {
  const args = { id: `T-${index}`, status: "closed" };
  const approval = heldApproval({ args, rules: [RULE], ...more });
  const { callId, operation, user, task, id, createdAt } = approval;
  await recordCall(
    opened.house,
    callId,
    "hold",
    { approval: id, verdict: "ask" },
    {
      operation: { ...operation },
      args,
      user,
      task,
      data: {},
      scope: ["tickets:*"],
      resource: { type: "Ticket", id: args.id, attributes: args },
    },
  );
  await opened.house.store.approvals.create(approval);
  const at = new Date(createdAt.getTime() + 2_000);
  const by = index % 2 === 0 ? "lena" : "ana";
  const answer = { verdict: "approve", by, at, via: "passkey", roles: ["support-lead"] } as const;
  await opened.house.store.approvals.answer("acme", id, { answer, seen: 0, state: "approved" });
}

async function wellMade(page: Page): Promise<void> {
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
}

test("a person lets somebody answer for them and ends it, by keyboard", async () => {
  const page = await opened.visit("lena", "/duty");
  await page.getByText("Nobody answers for anybody.").waitFor();
  await page.getByText("bailiwick duty put --as lena").waitFor();
  const dialog = page.getByRole("dialog", { name: "Let somebody answer while you are away" });
  // Keys work from the moment after the page is drawn.
  await expect
    .poll(async () => {
      await page.keyboard.press("n");
      return dialog.count();
    })
    .toBe(1);
  await dialog.getByRole("option", { name: "Ana Agent" }).waitFor({ state: "attached" });
  expect(await dialog.getByRole("option").allTextContents()).toEqual(["choose a person", "Ana Agent", "Olaf Operator", "Ines Owner"]);
  await dialog.getByLabel("Reason", { exact: true }).press("Enter");
  await dialog.getByText("Choose who answers meanwhile.").waitFor();
  await wellMade(page);
  await dialog.getByLabel("Who answers", { exact: true }).selectOption("Ana Agent");
  await dialog.getByLabel("Reason", { exact: true }).fill("on \u202Eholiday");
  await page.keyboard.press("Enter");
  await page.getByText("in force").waitFor();
  await page.getByText("\\u{202E}").waitFor();
  expect(await opened.house.ports.duties.inForce("acme", new Date())).toMatchObject([{ from: "lena", to: "ana", roles: [] }]);
  await page.getByRole("button", { name: "End it: ana answers for lena" }).press("Enter");
  await page.getByRole("dialog", { name: "End this duty" }).waitFor();
  // The answer that changes nothing has the focus.
  expect(await page.locator(":focus").textContent()).toBe("Leave it");
  await page.getByRole("dialog").getByRole("button", { name: "End it" }).press("Enter");
  await page.getByText("ended early").waitFor();
  expect(await opened.house.ports.duties.inForce("acme", new Date())).toEqual([]);
});

test("what the broker refuses is said in the form", async () => {
  const page = await opened.visit("lena", "/duty");
  await page.getByRole("button", { name: "Let somebody answer for you" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Who answers", { exact: true }).selectOption("Ana Agent");
  await dialog.getByLabel("Ends").fill("2020-01-01T10:00");
  await dialog.getByLabel("Reason", { exact: true }).fill("a mistake");
  await dialog.getByRole("button", { name: "Let them answer" }).click();
  await dialog.getByText("has passed").waitFor();
  expect(await opened.house.ports.duties.list("acme", new Date())).toEqual([]);
});

test("an owner says it for others, an auditor only reads", async () => {
  const owner = await opened.visit("ines", "/duty?tenant=acme");
  await owner.getByRole("button", { name: "Let somebody answer for you" }).click();
  await owner.getByLabel("Who is away").selectOption("Lena Lead");
  await owner.getByLabel("Who answers", { exact: true }).selectOption("Ana Agent");
  await owner.getByLabel("Reason", { exact: true }).fill("ill");
  await owner.getByRole("button", { name: "Let them answer" }).click();
  await owner.getByText("in force").waitFor();
  const auditor = await opened.visit("rudi", "/duty");
  await auditor.getByText("in force").waitFor();
  expect(await auditor.getByRole("button", { name: /^End|^Let/u }).count()).toBe(0);
});

test("habits show figures and what to look at, and a proposal that can be copied as it is shown", async () => {
  for (let index = 0; index < 22; index += 1) await approved(index);
  await approved(40, { drill: true });
  const page = await opened.visit("lena", "/duty?tab=habits");
  await page.getByText("people always say yes: 22 of 22 in 30 days, median 2 s").waitFor();
  await page.getByText("said yes to 1 of 1 drill").waitFor();
  const byRule = page.getByRole("table", { name: "By rule" }).getByRole("row", { name: /support\/allow\/2/u });
  expect(await byRule.getByRole("cell").allTextContents()).toEqual([
    "support/allow/22 people",
    "22",
    "22 (100 %)",
    "0",
    "0",
    "2 s",
    "2 s",
    "22 (100 %)",
    "21",
  ]);
  const proposal = page.getByRole("article");
  await proposal.getByText("roles/support.yaml:5").waitFor();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: opened.origin });
  await proposal.getByRole("button", { name: "Copy the change of support/allow/2" }).press("Enter");
  await proposal.getByText("Copied").waitFor();
  const copied = z.string().parse(await page.evaluate("navigator.clipboard.readText()"));
  expect(copied).toContain("- do: tickets:update\n");
  expect(copied).toContain('context.args.status == "closed"');
});

test.each(LOOKS)("both views are well made: %j", async (look) => {
  for (let index = 0; index < 22; index += 1) await approved(index);
  const now = Date.now();
  await opened.house.store.duties.put({
    id: "dty_1",
    tenant: "acme",
    from: "lena",
    to: "ana",
    roles: ["support-lead"],
    begins: new Date(now - 1_000),
    ends: new Date(now + 86_400_000),
    reason: "on holiday",
  });
  const page = await opened.visit("lena", "/duty", look);
  await page.getByText("in force").waitFor();
  await wellMade(page);
  await page.getByRole("tab", { name: "How people answer" }).click();
  await page.getByRole("article").waitFor();
  await wellMade(page);
});
