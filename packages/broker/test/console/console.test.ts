import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Approval } from "../../src/domain/approval.ts";
import { heldApproval, recordCall } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { openBrowser } from "./browser.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

let house: ServedHouse;
let opened: Awaited<ReturnType<typeof openBrowser>>;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  house = await serveRestHouse();
  opened = await openBrowser();
  browser = opened.browser;
}, 120_000);
afterAll(async () => {
  await opened.close();
  await house.close();
});
beforeEach(async () => {
  page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("status of 4")) complaints.push(message.text());
  });
});
afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

async function signIn(person: string): Promise<void> {
  await page.goto(`${house.url}/login?code=${await house.code(person)}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${house.url}/`);
}

async function held(overrides: Partial<Approval> = {}): Promise<Approval> {
  const approval = heldApproval(overrides);
  await house.store.approvals.create(approval);
  return approval;
}

function card(approval: Approval): ReturnType<Page["locator"]> {
  return page.locator(`[data-approval="${approval.id}"]`);
}

async function stateOf(approval: Approval): Promise<Approval | undefined> {
  return house.store.approvals.find("acme", approval.id);
}

test("without a sign-in the page shows the command that makes a link, and no data", async () => {
  const approval = await held();
  await page.goto(house.url);
  await page.getByText("You are not signed in").waitFor();
  expect(await page.locator("main").innerText()).toContain("bailiwick login");
  expect(await page.content()).not.toContain(approval.id);
});

test("an approver sees the change and approves it", async () => {
  const approval = await held();
  await signIn("lena");
  await card(approval).waitFor();
  const text = await card(approval).innerText();
  expect(text).toContain("wants to change Ticket `T-17`");
  expect(await card(approval).locator("del").innerText()).toBe("open");
  expect(await card(approval).locator("ins").innerText()).toBe("closed");
  expect(text).toContain("roles/support.yaml:5");
  expect(text).toMatch(/The agent says \(untrusted\)\s*the customer is happy|The agent says \(untrusted\)[\s"“]*the customer is happy/u);
  await card(approval).getByRole("button", { name: "Approve" }).click();
  await card(approval).waitFor({ state: "detached" });
  expect(await stateOf(approval)).toMatchObject({ state: "approved", answer: { by: "lena" } });
});

test("a denial asks for the reason and hands it on", async () => {
  const approval = await held();
  await signIn("lena");
  await card(approval).getByRole("button", { name: "Deny" }).click();
  await card(approval).getByText("Say why").waitFor();
  expect((await stateOf(approval))?.state).toBe("pending");
  await card(approval).getByLabel("Reason").fill("the refund is not due");
  await card(approval).getByRole("button", { name: "Deny" }).click();
  await card(approval).waitFor({ state: "detached" });
  expect(await stateOf(approval)).toMatchObject({ state: "denied", answer: { by: "lena", reason: "the refund is not due" } });
});

test("arguments can be changed before approving, and must be a JSON object", async () => {
  const approval = await held();
  await signIn("lena");
  await card(approval).getByText("Change the arguments").click();
  const args = card(approval).getByLabel("Arguments as JSON");
  await args.fill("{");
  await card(approval).getByRole("button", { name: "Approve" }).click();
  await card(approval).getByText("not a JSON object").waitFor();
  await args.fill('{"id":"T-17","status":"pending"}');
  await card(approval).getByRole("button", { name: "Approve" }).click();
  await card(approval).waitFor({ state: "detached" });
  expect((await stateOf(approval))?.answer?.args).toEqual({ id: "T-17", status: "pending" });
});

test("markup in anything an agent or a tool wrote stays text", async () => {
  const approval = await held({
    statedReason: HOSTILE,
    task: HOSTILE,
    args: { id: HOSTILE },
    diff: [{ path: HOSTILE, before: HOSTILE, after: { html: HOSTILE } }],
    resource: { type: "Ticket", id: HOSTILE, digest: "d" },
  });
  await recordCall(house, approval.callId, "hold", { verdict: "ask", task: HOSTILE, operation: HOSTILE });
  await signIn("lena");
  await card(approval).waitFor();
  expect(await card(approval).locator("q").textContent()).toBe(HOSTILE);
  await page.goto(`${house.url}/#/calls/${approval.callId}`);
  await page.getByText("held for a person").waitFor();
  expect(await page.locator("main img, main script").count()).toBe(0);
  expect(await page.title()).not.toBe("owned");
});

test("the user a call is made for sees why they cannot answer it", async () => {
  const approval = await held();
  await signIn("ana");
  await card(approval).getByText("someone else must answer").waitFor();
  expect(await card(approval).getByRole("button").count()).toBe(0);
});

test("a person of another tenant sees nothing of it, and how the first card would appear", async () => {
  const approval = await held();
  await signIn("greta");
  await page.getByText("No call waits for a person").waitFor();
  expect(await page.content()).not.toContain(approval.id);
});

test("the first deny button has the focus, and the keyboard alone answers", async () => {
  for (const approval of await house.store.approvals.list("acme", { state: "pending", limit: 100 })) {
    await house.store.approvals.answer("acme", approval.id, { state: "denied", by: "test", at: new Date(), reason: "clean up" });
  }
  const approval = await held();
  await signIn("lena");
  await card(approval).waitFor();
  expect(await page.evaluate("document.activeElement?.className")).toBe("deny");
  await page.keyboard.press("Enter");
  await card(approval).getByText("Say why").waitFor();
  await page.keyboard.type("not by keyboard");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement?.className")).toBe("deny");
  await page.keyboard.press("Enter");
  await card(approval).waitFor({ state: "detached" });
  expect(await stateOf(approval)).toMatchObject({ state: "denied", answer: { reason: "not by keyboard" } });
});

test("a new approval appears by itself and a half-typed reason survives it", async () => {
  const first = await held();
  await signIn("lena");
  await card(first).getByLabel("Reason").fill("half a sen");
  const second = await held();
  await card(second).waitFor();
  expect(await card(first).getByLabel("Reason").inputValue()).toBe("half a sen");
});

test("an answer that came too late says so and keeps the card readable", async () => {
  const approval = await held();
  await signIn("lena");
  await card(approval).waitFor();
  await page.route("**/api/v1/approvals?**", async (route) => route.abort());
  await house.store.approvals.answer("acme", approval.id, { state: "denied", by: "olaf", at: new Date(), reason: "no" });
  await card(approval).getByRole("button", { name: "Approve" }).click();
  await card(approval).getByText("the first answer counts").waitFor();
  complaints = complaints.filter((complaint) => !complaint.includes("ERR_FAILED"));
});

test("calls show their verdict by word and shape, and one call its steps and rules with file and line", async () => {
  await recordCall(house, "call_page", "refusal", { verdict: "deny", code: "no_grant" });
  await signIn("lena");
  await page.getByRole("link", { name: "Calls" }).click();
  await page.getByRole("link", { name: "tickets:read" }).first().waitFor();
  expect(await page.locator(".verdict").first().innerText()).toBe("■ deny");
  await page.locator('a[href="#/calls/call_page"]').click();
  await page.getByText("refused: nothing was sent").waitFor();
  expect(await page.locator("main").innerText()).toContain("roles/support.yaml:4");
});

test("at 320 pixels nothing has to be scrolled sideways", async () => {
  await held({ statedReason: "x".repeat(400) });
  await page.setViewportSize({ width: 320, height: 640 });
  await signIn("lena");
  await page.locator("[data-approval]").first().waitFor();
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
});

test("signing out ends the sign-in at the broker", async () => {
  await signIn("lena");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are not signed in").waitFor();
});
