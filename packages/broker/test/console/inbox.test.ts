import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Approval } from "../../src/domain/approval.ts";
import { decided } from "../store/approval-sample.ts";
import { card, emptyInbox, held, press, row } from "./inbox-support.ts";
import { openConsole, type OpenedConsole } from "./support.ts";

let opened: OpenedConsole;

beforeAll(async () => {
  opened = await openConsole();
}, 120_000);
beforeEach(async () => {
  await emptyInbox(opened.house);
});
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

function inMinutes(minutes: number): Date {
  return new Date(Date.now() + minutes * 60_000);
}

test("what ends soonest stands first, and its card is shown beside the list with the focus on Deny", async () => {
  const late = await held(opened.house, { expiresAt: inMinutes(50) });
  const soon = await held(opened.house, { expiresAt: inMinutes(10) });
  const page = await opened.visit("lena");
  await card(page, soon).waitFor();
  expect(await page.locator("li[data-approval]").evaluateAll((rows) => rows.map((each) => each.getAttribute("data-approval")))).toEqual([
    soon.id,
    late.id,
  ]);
  expect(await page.evaluate("document.activeElement?.hasAttribute('data-deny')")).toBe(true);
});

test("the card says what would change, who holds it and where, what is at stake and where values came from", async () => {
  const approval = await held(opened.house, {
    origins: [{ argument: "id", from: "result", callId: "call_origin", action: "tickets:read", untrusted: true }],
    reach: { records: 1, destinations: [{ argument: "to", value: "sam@elsewhere.example", external: true }] },
    supersedes: { id: "apr_before0000000000000000", because: ["record"], changes: [{ path: "status", before: "new", after: "open" }] },
  });
  const page = await opened.visit("lena");
  const text = await card(page, approval).innerText();
  expect(text).toContain("wants to change Ticket T-17 (tickets:update) for user ana");
  expect(await card(page, approval).locator("del").first().innerText()).toContain("open");
  expect(await card(page, approval).locator("ins").first().innerText()).toContain("closed");
  expect(text).toMatch(/The agent says \(untrusted\)\s+the customer is happy/u);
  expect(text).toContain("roles/support.yaml:5");
  expect(text).toContain("high stakes");
  expect(text).toMatch(/sam@elsewhere.example.*outside the company/u);
  expect(text).toMatch(/first appeared in the answer of tickets:read, in a field that holds somebody else's words\s+untrusted/u);
  expect(text).toContain("Asked again: the record changed");
  expect(text).toContain("cannot be taken back by an action of the catalog");
  await card(page, approval).getByRole("link", { name: "roles/support.yaml:5" }).click();
  await page.waitForURL(/\/policy\?.*#L5$/u);
});

test("j and k move through the cards, u goes back to the one before, and Escape and Enter between list and card", async () => {
  const [first, second, third] = [
    await held(opened.house, { expiresAt: inMinutes(10) }),
    await held(opened.house, { expiresAt: inMinutes(20) }),
    await held(opened.house, { expiresAt: inMinutes(30) }),
  ];
  const page = await opened.visit("lena");
  await card(page, first).waitFor();
  await press(page, "j");
  await card(page, second).waitFor();
  expect(new URL(page.url()).pathname).toBe(`/approvals/${second.id}`);
  await press(page, "j");
  await card(page, third).waitFor();
  await press(page, "k");
  await card(page, second).waitFor();
  await press(page, "u");
  await card(page, third).waitFor();
  await press(page, "Escape");
  expect(await page.evaluate("document.activeElement?.closest('li')?.dataset.approval")).toBe(third.id);
  await press(page, "Enter");
  expect(await page.evaluate("document.activeElement?.hasAttribute('data-deny')")).toBe(true);
});

test("a new call appears by itself, an answered one goes, and a half-typed reason survives both", async () => {
  const first = await held(opened.house, { expiresAt: inMinutes(10) });
  const page = await opened.visit("lena");
  await card(page, first).waitFor();
  await page.getByText("● live").waitFor();
  await press(page, "d");
  await page.getByLabel("Reason").fill("half a sen");
  const second = await held(opened.house, { expiresAt: inMinutes(5) });
  await row(page, second).waitFor();
  await opened.house.store.approvals.answer("acme", second.id, decided("deny", { by: "olaf", reason: "no" }));
  await row(page, second).waitFor({ state: "detached" });
  expect(await page.getByLabel("Reason").inputValue()).toBe("half a sen");
});

test("the inbox is narrowed by agent and by rule, and says how many of how many", async () => {
  const other = "bailiwick://acme/prod/billing/billing-bot";
  const rules: Approval["rules"] = [{ kind: "gate", id: "big", at: { file: "gates.yaml", line: 3 }, reason: "big" }];
  const mine = await held(opened.house);
  const billed = await held(opened.house, { agent: other, rules });
  const page = await opened.visit("lena");
  await row(page, mine).waitFor();
  await page.getByRole("combobox", { name: /^Agent/u }).selectOption({ label: "billing-bot" });
  await row(page, mine).waitFor({ state: "detached" });
  await row(page, billed).waitFor();
  await page.getByText("1 of 2 waiting").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("combobox", { name: /^Rule/u }).selectOption({ label: "support-2" });
  await row(page, billed).waitFor({ state: "detached" });
  await row(page, mine).waitFor();
  expect(new URL(page.url()).searchParams.get("rule")).toBe("support-2");
});

test("a person of another tenant sees nothing of it, and the command that makes the first one appear", async () => {
  const approval = await held(opened.house);
  const page = await opened.visit("greta");
  await page.getByText("No call waits for a person").waitFor();
  expect(await page.locator("main").innerText()).toContain("bailiwick demo");
  expect(await page.content()).not.toContain(approval.id);
  await page.goto(`${opened.origin}/approvals/${approval.id}`);
  await page.getByRole("alert").getByText("no approval").waitFor();
});

test("the user a call is made for sees why they cannot answer it, and has no button that does", async () => {
  const approval = await held(opened.house);
  const page = await opened.visit("ana");
  await card(page, approval).getByText("someone else must answer").waitFor();
  expect(
    await card(page, approval)
      .getByRole("button", { name: /Deny|Approve|Stop/u })
      .count(),
  ).toBe(0);
  await press(page, "a", "d");
  expect(await page.getByRole("dialog").count()).toBe(0);
});

test("what runs out while it is looked at can no longer be answered", async () => {
  const approval = await held(opened.house, { expiresAt: new Date(Date.now() + 4_000) });
  const page = await opened.visit("lena");
  await row(page, approval).waitFor();
  await row(page, approval).waitFor({ state: "detached" });
  await page.goto(`${opened.origin}/approvals/${approval.id}`);
  await page.getByText("Nobody answered in time").waitFor();
});

test("where there is no room for both, the list leads to the card and back", async () => {
  const approval = await held(opened.house);
  const page = await opened.visit("lena", "/", { width: 320, height: 640 });
  await row(page, approval).getByRole("link").click();
  await card(page, approval).waitFor();
  expect(await row(page, approval).isVisible()).toBe(false);
  await page.getByRole("button", { name: "Back to the list" }).click();
  await row(page, approval).waitFor();
  expect(await card(page, approval).count()).toBe(0);
});
