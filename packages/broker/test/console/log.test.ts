import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LogStatus } from "../../src/adapters/rest/log-status.ts";
import { recordCall } from "../people-support/rest.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels, settled } from "./support.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'">`;

let opened: OpenedConsole;
const standing: LogStatus = {
  outages: [
    {
      tenant: "acme",
      since: new Date(),
      why: `the disk is full ${HOSTILE}`,
      refused: 3,
      agents: ["bailiwick://acme/prod/support/support-bot"],
    },
  ],
  anchors: [
    { tenant: "acme", anchor: "watch.example", kind: "witness", size: 12, at: new Date(), lag: 2 },
    {
      tenant: "acme",
      anchor: "backup",
      kind: "git",
      size: undefined,
      at: undefined,
      lag: 14,
      fault: "the log there is another one",
      finding: "split_view",
    },
  ],
  exports: [
    {
      name: "siem",
      tenant: "acme",
      format: "ocsf",
      state: "retrying",
      next: 7,
      newest: 14,
      lagRecords: 7,
      lastError: "no answer",
      since: new Date(),
    },
  ],
};
const calm: LogStatus = { outages: [], anchors: [], exports: [] };
let status = calm;

beforeAll(async () => {
  opened = await openConsole({ logStatus: () => status });
  const { house } = opened;
  const root = { session: "ses_root", run: "ses_root" };
  await house.store.log.append("acme", {
    kind: "admin",
    callId: "ses_root",
    body: { at: new Date().toISOString(), event: "session.create", by: "bailiwick://acme/prod/support/support-bot", ...root },
    people: { user: "ana" },
  });
  await recordCall(house, "call_a", "intent", root);
  await recordCall(house, "call_a", "outcome", { ...root, status: "succeeded", durationMs: 41 });
  await recordCall(house, "call_b", "refusal", {
    ...root,
    session: "ses_child",
    lineage: ["ses_root"],
    verdict: "deny",
    code: "no_grant",
    action: HOSTILE,
  });
}, 180_000);
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

const TABS = [
  ["records", "Records in order"],
  ["find", "Find"],
  ["proof", "Checkpoints and proof"],
  ["standing", "Witnesses, exports, outages"],
] as const;

test.each([
  ["light", 1280],
  ["dark", 1280],
  ["light", 320],
  ["dark", 320],
] as const)("each part of the log has no accessibility problem: %s, %i px", async (theme, width) => {
  status = standing;
  const page = await opened.visit("lena", "/log", { theme, width });
  for (const [tab, name] of TABS) {
    await page.goto(`${opened.origin}/log?tab=${tab}`);
    await page.getByRole("tab", { name, selected: true }).waitFor();
    await settled(page);
    expect(await accessibilityProblems(page), tab).toEqual([]);
    expect(await sidewaysPixels(page), tab).toBe(0);
  }
  await page.goto(`${opened.origin}/runs/ses_root`);
  await page.getByRole("list", { name: "Steps of the run" }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
});

test("records stand in order with the newest first, and one leads to its call", async () => {
  const page = await opened.visit("lena", "/log");
  const records = page.getByRole("list", { name: "Records" });
  await records.getByText("refusal").first().waitFor();
  await records.locator("summary", { hasText: "intent" }).first().click();
  await records.getByRole("link", { name: "call_a" }).first().click();
  await page.waitForURL("**/calls/call_a*");
});

test("one can go to any record by its index", async () => {
  const page = await opened.visit("lena", "/log");
  await page.getByRole("list", { name: "Records" }).waitFor();
  await page.getByLabel("From record").fill("2");
  await page.getByRole("button", { name: "Go", exact: true }).click();
  await expect.poll(() => page.locator("ol[aria-label='Records'] summary").last().textContent()).toMatch(/^2 /u);
});

test("a query finds calls by what their records say", async () => {
  const page = await opened.visit("lena", "/log?tab=find");
  await page.getByText("Say what to look for.").waitFor();
  await page.getByText("More conditions").click();
  await page.getByLabel("code").fill("no_grant");
  await page.getByRole("button", { name: "Find", exact: true }).click();
  await page.locator('tr[data-row="call_b"]').waitFor();
  expect(await page.locator("tr[data-row]").count()).toBe(1);
});

test("the proof of a log names its origin and key and gives the commands that verify it", async () => {
  const page = await opened.visit("lena", "/log?tab=proof");
  const { origin } = opened.house.store.evidence;
  await page.getByText(origin("acme"), { exact: true }).first().waitFor();
  await page.getByText("bailiwick audit verify --tenant acme", { exact: true }).waitFor();
  await page.getByText("bailiwick-ledger verify log-of-acme --key <key>", { exact: true }).waitFor();
  await page.getByText("none: the log is kept from its first record on").waitFor();
});

test("a checkpoint of the log is shown as it was signed", async () => {
  await opened.house.store.evidence.settle("acme");
  const page = await opened.visit("lena", "/log?tab=proof");
  const checkpoints = page.getByRole("list", { name: "Newest checkpoints" });
  await checkpoints.locator("summary").first().click();
  await expect.poll(() => checkpoints.locator("pre").first().textContent()).toContain(opened.house.store.evidence.origin("acme"));
});

test("an outage, a witness that does not agree and an export that lags are said in words", async () => {
  status = standing;
  const page = await opened.visit("lena", "/log?tab=standing");
  await page.getByText("cannot be written since").waitFor();
  await page.getByText("alarm: split view").waitFor();
  await page.getByText("the log there is another one").waitFor();
  await page.getByText("Next is record 7; 7 wait.").waitFor();
  expect(await page.locator("main img").count()).toBe(0);
});

test("a log that nobody else keeps says which command changes that", async () => {
  status = calm;
  const page = await opened.visit("lena", "/log?tab=standing");
  await page.getByText("Every log can be written.").waitFor();
  await page.getByText("No witness and no other place keeps").waitFor();
  await page.getByText("bailiwick witness --help", { exact: true }).waitFor();
});

test("a run is told in order with its delegates, and how to prove that this is all", async () => {
  const page = await opened.visit("lena", "/runs/ses_root");
  const steps = page.getByRole("list", { name: "Steps of the run" }).locator("> li");
  await expect.poll(() => steps.count()).toBe(3);
  const texts = await steps.allTextContents();
  expect(texts[0]).toContain("session.create");
  expect(texts[1]).toContain("succeeded");
  expect(texts[2]).toContain("delegated 1 deep");
  expect(await page.locator("main img").count()).toBe(0);
  await page.getByText("bailiwick audit prove run ses_root --tenant acme --out run.tlog-proof", { exact: true }).waitFor();
});

test("a person of two tenants chooses whose log it is", async () => {
  const page = await opened.visit("olaf", "/log");
  await page.getByRole("list", { name: "Records" }).waitFor();
  await page.getByLabel("Log of").selectOption("globex");
  await expect.poll(() => page.getByText("call_b").count()).toBe(0);
});

test("another tenant's run is not there", async () => {
  const page = await opened.visit("greta", "/runs/ses_root");
  await page.getByText("there is no run").waitFor();
});
