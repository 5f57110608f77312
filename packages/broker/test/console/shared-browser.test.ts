import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { BOUNDED_TERMS, card, emptyInbox, held, press, row, stored } from "./inbox-support.ts";
import { openConsole, type OpenedConsole } from "./support.ts";

const MINUTE = 60_000;

let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole();
}, 120_000);
afterEach(async () => {
  await emptyInbox(opened.house);
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => opened.close());

test("when somebody else signs in in another tab, no answer of this one counts as theirs, and it becomes theirs", async () => {
  const approval = await held(opened.house, { user: "somebody@acme.example" });
  const page = await opened.visit("lena");
  await card(page, approval).waitFor();
  await page.getByRole("link", { name: "Lena Lead" }).waitFor();
  const other = await page.context().newPage();
  await other.goto(`${opened.origin}/login?code=${await opened.house.code("ana")}`);
  await Promise.all([other.waitForURL(`${opened.origin}/`), other.getByRole("button", { name: "Sign in" }).click()]);
  await press(page, "a", "Enter");
  await page.getByRole("link", { name: "Ana Agent" }).waitFor();
  expect(await stored(opened.house, approval)).toMatchObject({ state: "pending", answers: [] });
});

test.each([
  ["fast", 10 * MINUTE],
  ["slow", -10 * MINUTE],
])("a machine whose clock is ten minutes %s shows what waits and how long, and can approve for as long as there is", async (_, off) => {
  const approval = await held(opened.house, { expiresAt: new Date(Date.now() + 5 * MINUTE), terms: BOUNDED_TERMS });
  const page = await opened.blank();
  await page.clock.install({ time: Date.now() + off });
  await page.clock.resume();
  await page.goto(`${opened.origin}/login?code=${await opened.house.code("lena")}`);
  await Promise.all([page.waitForURL(`${opened.origin}/`), page.getByRole("button", { name: "Sign in" }).click()]);
  await row(page, approval).getByText("in 5 min").waitFor();
  await press(page, "b");
  await page.getByLabel("For", { exact: true }).selectOption({ label: "8 h" });
  await page.getByRole("button", { name: "Approve within these bounds" }).click();
  await page.getByText("Approved, for at most 5 calls.").waitFor();
  const until = (await stored(opened.house, approval))?.answers[0]?.bounds?.until.getTime() ?? 0;
  expect(Math.abs(until - Date.now() - 8 * 60 * MINUTE)).toBeLessThan(MINUTE);
});
