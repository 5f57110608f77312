import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import type { Approval } from "../../src/domain/approval.ts";
import { heldApproval } from "../people-support/rest.ts";
import { card, press, row } from "./inbox-support.ts";
import { openConsole, type OpenedConsole } from "./support.ts";

const MANY = 10_000;

let opened: OpenedConsole;
let approvals: Approval[];

beforeAll(async () => {
  opened = await openConsole();
  const now = Date.now();
  approvals = Array.from({ length: MANY }, (_, at) =>
    heldApproval({ createdAt: new Date(now), expiresAt: new Date(now + 3_600_000 + at * 1_000), task: `T-${at}` }),
  );
  const AT_ONCE = 200;
  for (let from = 0; from < MANY; from += AT_ONCE) {
    await Promise.all(approvals.slice(from, from + AT_ONCE).map(async (approval) => opened.house.store.approvals.create(approval)));
  }
}, 300_000);
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

test("of 10,000 pending approvals only those in view are drawn, and more are loaded as one scrolls", async () => {
  const page = await opened.visit("lena");
  const [first] = approvals;
  const far = approvals[400];
  if (first === undefined || far === undefined) throw new Error("too few are held");
  await card(page, first).waitFor();
  await page.getByText(`${MANY} waiting`).first().waitFor();
  expect(await page.locator("li[data-approval]").count()).toBeLessThan(60);
  const list = page.getByRole("list", { name: "Calls that wait for a person" });
  expect(await list.getByRole("listitem").first().getAttribute("aria-setsize")).toBe(String(MANY));
  await list.hover();
  // How many turns it takes is up to how fast further pages of the list arrive.
  await vi.waitFor(
    async () => {
      await page.mouse.wheel(0, 1_500);
      expect(await row(page, far).isVisible()).toBe(true);
    },
    { timeout: 60_000, interval: 10 },
  );
  expect(await page.locator("li[data-approval]").count()).toBeLessThan(60);
});

test("a hundred steps with j among 10,000 end at the hundred and first card", async () => {
  const page = await opened.visit("lena");
  const [first] = approvals;
  const hundredth = approvals[100];
  if (first === undefined || hundredth === undefined) throw new Error("too few are held");
  await card(page, first).waitFor();
  await page.evaluate(
    "globalThis.longest = 0; new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) longest = Math.max(longest, duration); }).observe({ type: 'longtask', buffered: false })",
  );
  for (let steps = 0; steps < 100; steps += 1) await press(page, "j");
  await card(page, hundredth).waitFor();
  const longest = z.number().parse(await page.evaluate("longest"));
  process.stderr.write(`longest task while stepping through 100 of ${MANY} pending approvals: ${Math.round(longest)} ms\n`);
});
