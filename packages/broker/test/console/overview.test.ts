import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { recordCall, SUPPORT_BOT } from "../people-support/rest.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'">`;

let opened: OpenedConsole;
let empty: OpenedConsole;

beforeAll(async () => {
  [opened, empty] = [await openConsole(), await openConsole()];
  const { house } = opened;
  for (let call = 0; call < 7; call += 1) {
    await recordCall(house, `call_${call}`, "intent");
    await recordCall(house, `call_${call}`, "outcome", { status: "succeeded" });
  }
  for (let call = 0; call < 3; call += 1)
    await recordCall(house, `call_no_${call}`, "refusal", {
      verdict: "deny",
      code: "no_grant",
      action: `x:${HOSTILE}`,
      rules: [{ kind: "deny", id: `never-${HOSTILE}`, file: "denies.yaml", line: 2 }],
    });
  await recordCall(house, "call_held", "hold", { verdict: "ask", approval: "apr_1" });
  await house.store.log.append("acme", {
    kind: "admin",
    callId: "call_held",
    body: { at: new Date(Date.now() + 90_000).toISOString(), event: "approval.approve", approval: "apr_1" },
    people: { user: "ana", by: "lena" },
  });
}, 240_000);
afterEach(async () => {
  expect([...(await opened.closePages()), ...(await empty.closePages())]).toEqual([]);
});
afterAll(async () => {
  await opened.close();
  await empty.close();
});

test.each([
  ["light", 1280],
  ["dark", 1280],
  ["light", 320],
  ["dark", 320],
] as const)("the overview has no accessibility problem: %s, %i px", async (theme, width) => {
  const page = await opened.visit("lena", "/overview", { theme, width });
  await page.getByText("What security teams report").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
});

test("today's figures are those of the log, and each leads to the calls it counts", async () => {
  const page = await opened.visit("lena", "/overview");
  await page.getByRole("link", { name: "11 calls today: see them" }).waitFor();
  await page.getByRole("link", { name: "1 held today: see them" }).waitFor();
  await page.getByRole("link", { name: "3 refused today: see them" }).click();
  await page.waitForURL("**/calls?*status=refused*");
  await expect.poll(() => page.locator("tr[data-row]").count()).toBe(3);
});

test("every link of a figure leads to a list that has that many calls", async () => {
  const page = await opened.visit("lena", "/overview");
  await page.getByText("Rules that refused most").waitFor();
  const places = [
    ["Rules that refused most", 3],
    ["Actions refused most", 3],
    ["Why calls were refused", 3],
    ["Busiest agents", 11],
  ] as const;
  for (const [title, count] of places) {
    await page.getByRole("region", { name: title }).getByRole("link").first().click();
    await expect.poll(() => page.locator("tr[data-row]").count(), { message: title }).toBe(count);
    await page.goBack();
  }
});

test("how long people took to decide is said, and the six figures have a value or a reason", async () => {
  const page = await opened.visit("lena", "/overview");
  await page.getByText(/median of 1; 90 % within/u).waitFor();
  const kpis = page.getByRole("region", { name: "Figures that security teams report" }).getByRole("listitem");
  expect(await kpis.count()).toBe(6);
  for (const text of await kpis.allTextContents()) expect(text).toMatch(/\d|not measured yet: \w/u);
  await page.getByText(/not measured yet: the log reaches back 0 days/u).waitFor();
});

test("a chart says in words what it shows", async () => {
  const page = await opened.visit("lena", "/overview");
  await page.getByRole("img", { name: /^calls: 11 in seven days, most at \d{4}-/u }).waitFor();
  await page.getByRole("img", { name: "outcome unknown: none in seven days" }).waitFor();
});

test("markup in the name of an action or a rule is text", async () => {
  const page = await opened.visit("lena", "/overview");
  await page.getByText(HOSTILE).first().waitFor();
  expect(await page.locator("main img:not([role])").count()).toBe(0);
  expect(await page.title()).not.toContain("owned");
});

test("an empty log shows the command that makes the first call appear", async () => {
  const page = await empty.visit("lena", "/overview");
  await page.getByText("No agent has called a tool this week.").waitFor();
  await page.getByText("bailiwick demo", { exact: true }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.goto(`${empty.origin}/calls`);
  await page.getByText("No agent has called a tool yet.").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
});

test("a figure grows by itself when a call happens", async () => {
  const page = await opened.visit("lena", "/overview");
  await page.getByText("● live").waitFor();
  await page.getByRole("link", { name: "0 outcome unknown today: see them" }).waitFor();
  await recordCall(opened.house, "call_lost", "intent");
  await recordCall(opened.house, "call_lost", "outcome", { status: "unknown" });
  await page.getByRole("link", { name: "1 outcome unknown today: see them" }).waitFor();
});

test("another tenant's people see nothing of it", async () => {
  const page = await opened.visit("greta", "/overview");
  await page.getByText("No agent has called a tool this week.").waitFor();
  expect(await page.getByText(SUPPORT_BOT).count()).toBe(0);
});
