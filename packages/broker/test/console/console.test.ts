import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { card, emptyInbox, held, press, row } from "./inbox-support.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

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

test("without a sign-in any page leads to the sign-in page with no data, and from there back", async () => {
  const approval = await held(opened.house);
  const page = await opened.blank();
  await page.goto(`${opened.origin}/approvals/${approval.id}`);
  await page.waitForURL(`${opened.origin}/sign-in?next=${encodeURIComponent(`/approvals/${approval.id}`)}`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await page.content()).not.toContain("T-17");
  await page.goto(opened.origin);
  await page.waitForURL(`${opened.origin}/sign-in`);
});

test("signing out ends the sign-in at the broker", async () => {
  const page = await opened.visit("lena");
  await page.getByText("No call waits for a person").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${opened.origin}/sign-in`);
  expect(await page.evaluate("fetch('/api/v1/me').then(({ status }) => status)")).toBe(401);
});

test("the palette finds pages and actions by typing, and goes to a single thing by its id", async () => {
  const approval = await held(opened.house);
  const page = await opened.visit("lena", "/calls");
  await page.getByRole("heading", { name: "Calls", level: 1 }).waitFor();
  await press(page, "Control+k");
  await page.getByPlaceholder("Type a page").fill("inbo");
  await press(page, "Enter");
  await card(page, approval).waitFor();
  await press(page, "Control+k");
  await page.getByPlaceholder("Type a page").fill("deny this");
  await press(page, "Enter");
  await page.getByRole("dialog").getByText("Deny?").waitFor();
  await press(page, "Escape", "Control+k");
  await page.getByPlaceholder("Type a page").fill(approval.id);
  await press(page, "Enter");
  await page.waitForURL(`${opened.origin}/approvals/${approval.id}`);
  for (const run of ["run_0123456789", "ses_0123456789"]) {
    await press(page, "Control+k");
    await page.getByPlaceholder("Type a page").fill(run);
    await press(page, "Enter");
    await page.waitForURL(`${opened.origin}/runs/${run}`);
  }
});

test("? shows the keys that work here, and g with a letter goes to a section", async () => {
  await held(opened.house);
  const page = await opened.visit("lena");
  await page.getByRole("link", { name: "Inbox 1 waiting" }).waitFor();
  await press(page, "?");
  const keys = await page.getByRole("dialog").innerText();
  for (const does of ["approve this call once", "deny this call", "next call", "choose this call", "go to a page"])
    expect(keys).toContain(does);
  await press(page, "Escape", "g", "c");
  await page.waitForURL(`${opened.origin}/calls`);
});

test("the chosen tenant stays in the address from page to page, and narrows what is shown", async () => {
  const approval = await held(opened.house);
  const page = await opened.visit("olaf");
  await row(page, approval).waitFor();
  await page.getByRole("combobox", { name: /^Tenant/u }).selectOption("globex");
  await row(page, approval).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Calls" }).click();
  await page.waitForURL(`${opened.origin}/calls?tenant=globex`);
  await page.getByRole("combobox", { name: /^Tenant/u }).selectOption("");
  await page.waitForURL(`${opened.origin}/calls`);
});

test("the theme is the system's until another is chosen, which then holds on every page without a flash of the other", async () => {
  const page = await opened.visit("lena", "/", { theme: "dark" });
  const background = async (): Promise<unknown> => page.evaluate("getComputedStyle(document.body).backgroundColor");
  await page.getByText("No call waits").waitFor();
  const dark = await background();
  await page.getByRole("button", { name: "Theme: system" }).click();
  const light = await background();
  expect(light).not.toBe(dark);
  await page.goto(`${opened.origin}/account`);
  expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("light");
  expect(await page.evaluate("getComputedStyle(document.documentElement).colorScheme")).toBe("light");
});

test("when the stream of events breaks the page says so, and still finds what is new", async () => {
  const page = await opened.blank();
  await page.route("**/api/v1/events", async (route) => route.abort());
  await page.goto(`${opened.origin}/login?code=${await opened.house.code("lena")}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("not live: looks every 10 s").waitFor();
  const approval = await held(opened.house);
  await row(page, approval).waitFor({ timeout: 20_000 });
  const heard = await opened.closePages();
  expect(heard.filter((complaint) => !complaint.includes("ERR_FAILED"))).toEqual([]);
});

test("a page that was open while the broker was upgraded is loaded anew when a part of it is no longer there", async () => {
  const approval = await held(opened.house);
  const page = await opened.visit("lena");
  await card(page, approval).waitFor();
  await expect.poll(async () => page.evaluate("performance.now()"), { timeout: 10_000 }).toBeGreaterThan(3_000);
  await page.route("**/assets/edit-dialog*", async (route) => route.fulfill({ status: 404, body: "gone" }));
  await Promise.all([page.waitForEvent("load"), press(page, "e")]);
  await page.unroute("**/assets/edit-dialog*");
  await card(page, approval).waitFor();
  await press(page, "e");
  await page.getByRole("dialog").waitFor();
  const heard = await opened.closePages();
  expect(heard.filter((complaint) => !/dynamically imported module/u.test(complaint))).toEqual([]);
});

test("axe finds nothing on an empty inbox, in the palette and at an address without a page", async () => {
  for (const theme of ["light", "dark"] as const) {
    const page = await opened.visit("lena", "/", { theme, width: 320 });
    await page.getByText("No call waits").waitFor();
    expect([await accessibilityProblems(page), await sidewaysPixels(page)]).toEqual([[], 0]);
    await press(page, "Control+k");
    await page.getByPlaceholder("Type a page").fill("in");
    expect([await accessibilityProblems(page), await sidewaysPixels(page)]).toEqual([[], 0]);
  }
});
