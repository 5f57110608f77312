import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { recordCall, SUPPORT_BOT } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels, settled } from "./support.ts";

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
const BIDI = "safe\u202Egnp.exe";
const LONG = 130;

let opened: OpenedConsole;

beforeAll(async () => {
  opened = await openConsole();
  const { house } = opened;
  for (let call = 0; call < LONG; call += 1) {
    await recordCall(house, `call_old_${call}`, "intent");
    await recordCall(house, `call_old_${call}`, "outcome", { status: "succeeded", durationMs: 7 });
  }
  const rules = [{ kind: "grant", id: "support-2", file: "roles/support.yaml", line: 5, reason: "support works tickets" }];
  const update = { operation: "update_ticket", action: "tickets:update", effect: "write", binding: "dpop", rules };
  await recordCall(house, "call_held_1", "hold", { ...update, verdict: "ask", approval: "apr_12345678", approvers: ["support-lead"] });
  await recordCall(
    house,
    "call_ran_1",
    "intent",
    { ...update, limits: 2 },
    {
      operation: { tool: "tickets", kind: "tool", name: "update_ticket" },
      args: { id: "T-17", status: HOSTILE, note: BIDI },
      user: "ana",
      task: HOSTILE,
      statedReason: HOSTILE,
      resource: { type: "Ticket", id: "T-17", attributes: { status: "open" } },
    },
  );
  const outcome = { ...update, status: "succeeded", durationMs: 41, upstreamMs: 12, records: 1 };
  await recordCall(house, "call_ran_1", "outcome", outcome, { after: { id: "T-17", status: HOSTILE } });
  await recordCall(house, "call_refused_1", "refusal", {
    verdict: "deny",
    code: "no_grant",
    tool: HOSTILE,
    operation: HOSTILE,
    action: `x:${HOSTILE}`,
    rules: [{ kind: "deny", id: HOSTILE, file: "denies.yaml", line: 2, reason: HOSTILE }],
  });
}, 180_000);
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

async function reads(): Promise<readonly Record<string, unknown>[]> {
  const records = await opened.house.store.log.query("acme", { kind: "admin", limit: 1_000 });
  return records.map((record) => saidBy(record)).filter(({ event }) => event === "log.read");
}

test.each([
  ["light", 1280],
  ["dark", 1280],
  ["light", 320],
  ["dark", 320],
] as const)("the list and a call's page have no accessibility problem: %s, %i px", async (theme, width) => {
  const page = await opened.visit("lena", "/calls", { theme, width });
  await page.getByRole("link", { name: "tickets:update" }).first().waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
  await page.goto(`${opened.origin}/calls/call_ran_1`);
  await page.getByRole("heading", { name: "What it was about" }).waitFor();
  await page.getByText("By the policy in force now").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await sidewaysPixels(page)).toBe(0);
});

test("where the list is narrow its first call begins at its top", async () => {
  const page = await opened.visit("lena", "/calls", { width: 320 });
  const first = page.locator("tr[data-row]").first();
  await first.waitFor();
  const top = (await page.getByRole("region", { name: "Calls" }).boundingBox())?.y ?? 0;
  expect(((await first.boundingBox())?.y ?? 0) - top).toBeLessThan(8);
});

test("whoever goes down the list with the keyboard opens a call with Enter", async () => {
  const page = await opened.visit("lena", "/calls");
  const rows = page.locator("tr[data-row]");
  await rows.first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  expect(await page.locator('tr[aria-current="true"]').getAttribute("data-row")).toBe("call_ran_1");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/calls/call_ran_1*");
  await page.getByText("tickets:update (write)").waitFor();
});

test("a filter stands in the address, is said above the list, and can be taken away", async () => {
  const page = await opened.visit("lena", "/calls");
  await page.getByLabel("status").selectOption("refused");
  await page.getByRole("button", { name: "Find" }).click();
  await page.waitForURL("**/calls?*status=refused*");
  await expect.poll(() => page.locator("tr[data-row]").count()).toBe(1);
  expect(await page.locator("tr[data-row]").getAttribute("data-row")).toBe("call_refused_1");
  await page.getByRole("button", { name: "Without status" }).click();
  await expect.poll(() => page.locator("tr[data-row]").count()).toBeGreaterThan(1);
});

test("a filter that nothing matches says what to do", async () => {
  const page = await opened.visit("lena", "/calls?rule=no-such-rule");
  await page.getByText("No call matches.").waitFor();
});

test("older calls come when the end of the list comes near", async () => {
  const page = await opened.visit("lena", "/calls");
  const region = page.getByRole("region", { name: "Calls" });
  await page.locator("tr[data-row]").first().waitFor();
  for (let times = 0; times < 12 && (await page.locator('tr[data-row="call_old_0"]').count()) === 0; times += 1) {
    await region.evaluate((element) => {
      element.scrollTo(0, element.scrollHeight);
    });
    await settled(page);
  }
  expect(await page.locator('tr[data-row="call_old_0"]').count()).toBe(1);
});

test("a call that happens while the page is open appears, and older ones stay", async () => {
  const page = await opened.visit("lena", "/calls?status=failed");
  await page.getByText("No call matches.").waitFor();
  await page.getByText("● live").waitFor();
  // What the page asks for anew because its stream has just begun.
  await settled(page);
  await recordCall(opened.house, "call_new_1", "intent");
  await recordCall(opened.house, "call_new_1", "outcome", { status: "failed" });
  await expect.poll(() => page.locator('tr[data-row="call_new_1"]').count(), { timeout: 30_000 }).toBe(1);
});

test("a search is saved, found again by others of the tenant, and removed by its owner only", async () => {
  const page = await opened.visit("lena", "/calls?status=refused&since=7d");
  await page.getByRole("button", { name: "Save this search" }).click();
  await page.getByLabel("Name").fill("refused this week");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("is saved for everybody").waitFor();
  const other = await opened.visit("ana", "/calls");
  await other.getByRole("button", { name: "Saved searches" }).click();
  await other.getByRole("button", { name: "refused this week" }).waitFor();
  expect(await accessibilityProblems(other)).toEqual([]);
  expect(await other.getByRole("button", { name: "Remove refused this week" }).count()).toBe(0);
  await other.getByRole("button", { name: "refused this week" }).click();
  await other.waitForURL("**/calls?*since=7d*");
  await page.getByRole("button", { name: "Saved searches" }).click();
  await page.getByRole("button", { name: "Remove refused this week" }).click();
  await page.getByText("Nobody has saved a search yet").waitFor();
});

test("a call's page tells its path, step by step, with the rule that spoke and where it stands", async () => {
  const page = await opened.visit("lena", "/calls/call_ran_1");
  const steps = page.locator("[data-step]");
  await steps.first().waitFor();
  expect(
    await steps.evaluateAll((all) => all.map((each) => `${each.getAttribute("data-step")} ${each.getAttribute("data-state")}`)),
  ).toEqual([
    "authenticate passed",
    "session passed",
    "identify passed",
    "decide passed",
    "limit passed",
    "approve skipped",
    "intend passed",
    "inject skipped",
    "execute passed",
    "filter passed",
    "record passed",
  ]);
  const decide = page.locator('[data-step="decide"]');
  expect(await decide.textContent()).toContain("support-2");
  expect(await decide.textContent()).toContain("roles/support.yaml:5");
  expect(await page.locator('[data-step="execute"]').textContent()).toContain("the tool took 12 ms");
});

test("a held call leads to its approval", async () => {
  const page = await opened.visit("lena", "/calls/call_held_1");
  const link = page.getByRole("link", { name: "apr_12345678" });
  await link.waitFor();
  expect(await link.getAttribute("href")).toBe("/approvals/apr_12345678");
  expect(await page.locator('[data-step="approve"]').textContent()).toContain("waits for support-lead");
});

test("a call's page gives the command that proves it", async () => {
  const page = await opened.visit("lena", "/calls/call_ran_1");
  await page.getByText("bailiwick audit prove call call_ran_1 --tenant acme --out proof-of-call", { exact: true }).waitFor();
});

test("markup in arguments, results, reasons, tasks, tools, actions and rules is text and nothing else", async () => {
  const page = await opened.visit("lena", "/calls");
  await page.locator('tr[data-row="call_refused_1"]').waitFor();
  expect(await page.locator("tr[data-row] img, tr[data-row] script").count()).toBe(0);
  for (const call of ["call_ran_1", "call_refused_1"]) {
    await page.goto(`${opened.origin}/calls/${call}`);
    await page.getByText("By the policy in force now").or(page.getByText("What would change it")).first().waitFor();
    await expect.poll(() => page.locator("main").textContent()).toContain(HOSTILE);
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.title()).not.toContain("owned");
  }
});

test("the agent's words are named as untrusted, and a mark that turns text around is written out", async () => {
  const page = await opened.visit("lena", "/calls/call_ran_1");
  await page.getByText("The agent's reason (untrusted)").waitFor();
  const args = page.getByRole("region", { name: "Arguments (untrusted)" });
  expect(await args.textContent()).toContain("\\u{202E}");
  expect(await args.textContent()).not.toContain("\u202E");
});

test("of a call whose facts were erased the page says so, and that its proof stands", async () => {
  const { house } = opened;
  const facts = { operation: { tool: "tickets", kind: "tool", name: "get_ticket" }, args: { id: "T-9" }, user: "bo", task: "x" };
  await recordCall(house, "call_erased_1", "refusal", { verdict: "deny", code: "no_grant" }, facts, { people: { user: "bo" } });
  const erased = await house.store.erasure.erase("acme", "bo", { by: { named: "operator" }, via: "operator-key", reason: "asked" });
  expect(erased).toMatchObject({ ok: true });
  const page = await opened.visit("lena", "/calls/call_erased_1");
  await page.getByText("Erased.").waitFor();
  await page.getByText("Its records stand, and so does their proof").waitFor();
});

test("another tenant's call is not there", async () => {
  const page = await opened.visit("greta", "/calls/call_ran_1");
  await page.getByText("there is no call").waitFor();
});

test("an open page does not fill the log with its own reads", async () => {
  opened.house.setNow(new Date(Date.now() + 3_600_000));
  const page = await opened.visit("rudi", "/calls/call_held_1");
  await page.getByText("By the policy in force now").waitFor();
  await page.getByText("What it was about").waitFor();
  await settled(page);
  const before = (await reads()).length;
  for (let times = 0; times < 3; times += 1) {
    const asked = page.waitForResponse(/calls\/call_held_1\/path/u);
    await recordCall(opened.house, `call_noise_${times}`, "refusal", { verdict: "deny", code: "no_grant" });
    await asked;
  }
  expect((await reads()).length - before).toBe(0);
  expect((await reads()).filter(({ read, of }) => read === "call" && of === "call_held_1").length).toBeGreaterThan(0);
});

test("the list shows the same agent the command line shows", async () => {
  const page = await opened.visit("lena", `/calls?agent=${encodeURIComponent(SUPPORT_BOT)}&action=tickets%3Aupdate`);
  await expect.poll(() => page.locator("tr[data-row]").count()).toBe(2);
});
