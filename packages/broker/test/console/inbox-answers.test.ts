import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Approval } from "../../src/domain/approval.ts";
import { answerOf, decided } from "../store/approval-sample.ts";
import { BOUNDED_TERMS, card, emptyInbox, held, heldInSession, press, row, stored } from "./inbox-support.ts";
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

async function look(approval: Approval, person = "lena"): Promise<Page> {
  const page = await opened.visit(person);
  await card(page, approval).waitFor();
  return page;
}

test("a call is approved with two keys, and the next one is there to be answered", async () => {
  const first = await held(opened.house, { expiresAt: new Date(Date.now() + 600_000) });
  const second = await held(opened.house);
  const page = await look(first);
  expect(await press(page, "a", "Enter")).toBe(2);
  await page.getByText("Approved, once.").waitFor();
  await card(page, second).waitFor();
  expect(await stored(opened.house, first)).toMatchObject({ state: "approved", answers: [{ verdict: "approve", by: "lena" }] });
  expect((await stored(opened.house, second))?.state).toBe("pending");
});

test("no single key answers: each only opens a question, and Escape takes it back", async () => {
  const approval = await held(opened.house, { terms: BOUNDED_TERMS });
  const page = await look(approval);
  for (const key of ["a", "d", "e", "b"]) {
    await press(page, key);
    await page.getByRole("dialog").waitFor();
    await press(page, "Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  await press(page, "Enter", "Enter", "Enter");
  await page.getByText("Say why").waitFor();
  expect(await stored(opened.house, approval)).toMatchObject({ state: "pending", answers: [] });
});

test("with single letters turned off a letter does nothing, and the buttons still do", async () => {
  const approval = await held(opened.house);
  const page = await look(approval);
  await press(page, "?");
  await page.getByLabel("Single letters do something").uncheck();
  await press(page, "Escape", "a");
  expect(await page.getByRole("dialog").count()).toBe(0);
  await page.getByRole("button", { name: "Approve once" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Approve once" }).click();
  await page.getByText("Approved, once.").waitFor();
  expect((await stored(opened.house, approval))?.state).toBe("approved");
});

test("a denial asks for the reason and hands it on", async () => {
  const approval = await held(opened.house);
  const page = await look(approval);
  await press(page, "d", "Enter");
  await page.getByText("Say why").waitFor();
  await page.keyboard.type("the refund is not due");
  await press(page, "Enter");
  await page.getByText("Denied. The agent is told why.").waitFor();
  expect(await stored(opened.house, approval)).toMatchObject({
    state: "denied",
    answers: [{ verdict: "deny", by: "lena", reason: "the refund is not due" }],
  });
});

test("stopping denies the call and suspends the agent", async () => {
  const approval = await held(opened.house);
  const page = await look(approval);
  await page.getByRole("button", { name: "Stop the agent" }).click();
  await page.getByLabel("Reason").fill("it loops");
  await page.getByRole("button", { name: "Stop support-bot" }).click();
  await page.getByText("Denied. The agent is told why.").waitFor();
  expect((await stored(opened.house, approval))?.state).toBe("denied");
  const stops = await opened.house.store.stops.list("acme");
  expect(stops).toMatchObject([{ kind: "agent", name: approval.agent, state: "suspended", reason: "it loops" }]);
  await opened.house.store.stops.lift("acme", "agent", approval.agent);
});

test("other arguments are decided by policy before anybody can approve them", async () => {
  const approval = await heldInSession(opened.house);
  const page = await look(approval);
  await press(page, "e");
  const submit = page.getByRole("button", { name: "Approve with these" });
  expect(await submit.isDisabled()).toBe(true);
  await page.getByLabel("id", { exact: true }).fill("T-18");
  await page.getByRole("dialog").getByText("■ deny").waitFor();
  expect(await submit.isDisabled()).toBe(true);
  await page.getByLabel("id", { exact: true }).fill("T-17");
  await page.getByLabel("status", { exact: true }).fill("pending");
  await page.getByRole("dialog").getByText("▲ ask").waitFor();
  await submit.click();
  await page.getByText("Approved with other arguments.").waitFor();
  expect((await stored(opened.house, approval))?.answers).toMatchObject([{ args: { id: "T-17", status: "pending" } }]);
});

test("arguments can be edited as JSON, and what is none is refused where it is typed", async () => {
  const approval = await heldInSession(opened.house);
  const page = await look(approval);
  await press(page, "e");
  await page.getByRole("tab", { name: "JSON" }).click();
  const json = page.getByLabel("Arguments as JSON");
  await json.fill("{");
  await page.getByText("this is not valid JSON").waitFor();
  expect(await page.getByRole("button", { name: "Approve with these" }).isDisabled()).toBe(true);
  await json.fill("[1]");
  await page.getByText("arguments are one JSON object").waitFor();
  await json.fill('{"id":"T-17","status":"waiting"}');
  await page.getByRole("dialog").getByText("▲ ask").waitFor();
  await page.getByRole("button", { name: "Approve with these" }).click();
  await page.getByText("Approved with other arguments.").waitFor();
  expect((await stored(opened.house, approval))?.answers[0]?.args).toEqual({ id: "T-17", status: "waiting" });
});

test("a yes to several calls holds exactly the bounds that were said in one sentence", async () => {
  const args = { id: "T-17", amount: 40 };
  const approval = await held(opened.house, { terms: BOUNDED_TERMS, args });
  const page = await look(approval);
  await press(page, "b");
  await page.getByLabel("Calls at most").fill("3");
  await page.getByLabel("For", { exact: true }).selectOption({ label: "30 min" });
  await page.getByLabel("Where").selectOption({ label: "this task" });
  await page.getByLabel("amount").selectOption({ label: "a range" });
  await page.getByLabel("To", { exact: true }).fill("50");
  await page
    .getByText(
      "At most 3 calls within 30 min, in this task, in any session of the agent for this user, with id exactly as it is, amount from 0 to 50.",
    )
    .waitFor();
  const before = Date.now();
  await page.getByRole("button", { name: "Approve within these bounds" }).click();
  await page.getByText("Approved, for at most 3 calls.").waitFor();
  const bounds = (await stored(opened.house, approval))?.answers[0]?.bounds;
  expect(bounds).toMatchObject({ uses: 3, within: "task", args: { amount: { min: 0, max: 50 } } });
  expect(bounds?.until.getTime()).toBeGreaterThanOrEqual(before + 30 * 60_000 - 1_000);
  expect(bounds?.until.getTime()).toBeLessThanOrEqual(Date.now() + 30 * 60_000);
});

test("with a quorum of two the first yes counts and the second lets it go", async () => {
  const approval = await held(opened.house, { terms: { count: 2, also: [], stepUp: false }, user: "somebody@acme.example" });
  const lena = await look(approval);
  await lena.getByText("2 of support-lead: nobody yet").waitFor();
  await press(lena, "a", "Enter");
  await lena.getByText("Your yes counts. 1 more is needed.").waitFor();
  expect((await stored(opened.house, approval))?.state).toBe("pending");
  const ana = await look(approval, "ana");
  await ana.getByText("2 of support-lead: lena said yes").waitFor();
  await press(ana, "a", "Enter");
  await ana.getByText("Approved, once.").waitFor();
  expect((await stored(opened.house, approval))?.state).toBe("approved");
});

test("what others answered while the page was looked at is shown first, and only then can it be answered", async () => {
  const approval = await heldInSession(opened.house, { terms: { count: 2, also: [], stepUp: false } });
  const page = await look(approval);
  const args = { id: "T-17", status: "archived" };
  const argsDigest = opened.house.ports.argsDigest(approval.operation, args);
  await opened.house.store.approvals.answer("acme", approval.id, {
    answer: answerOf("approve", { by: "dana", args, argsDigest }),
    seen: 0,
    state: "pending",
  });
  await page.getByText("This changed while you looked at it.").waitFor();
  await card(page, approval).getByText("archived").first().waitFor();
  expect(await card(page, approval).getByRole("button", { name: "Approve once" }).isDisabled()).toBe(true);
  await press(page, "a");
  expect(await page.getByRole("dialog").count()).toBe(0);
  await page.getByRole("button", { name: "I have seen it" }).click();
  await press(page, "a", "Enter");
  await page.getByText("Approved with other arguments.").waitFor();
  expect((await stored(opened.house, approval))?.state).toBe("approved");
});

test("a page that heard of nothing cannot answer what is no longer asked: the broker refuses, and the page says why", async () => {
  const approval = await held(opened.house);
  const page = await opened.blank();
  await page.route("**/api/v1/events", async (route) => route.abort());
  await page.goto(`${opened.house.url.replace("127.0.0.1", "localhost")}/login?code=${await opened.house.code("lena")}`);
  // The card looks once by itself; what happens after that it does not hear of.
  const looked = page.waitForResponse((response) => response.url().endsWith(`/api/v1/approvals/${approval.id}`));
  await page.getByRole("button", { name: "Sign in" }).click();
  await looked;
  await card(page, approval).waitFor();
  await press(page, "a");
  await opened.house.store.approvals.answer("acme", approval.id, decided("deny", { by: "olaf", reason: "no" }));
  await press(page, "Enter");
  await page.getByText("Not answered: the approval is denied already; the first answer counts.").waitFor();
  expect((await stored(opened.house, approval))?.answers).toHaveLength(1);
  const heard = await opened.closePages();
  expect(heard.filter((complaint) => !complaint.includes("ERR_FAILED"))).toEqual([]);
});

test("questions of one shape are answered together, and no other is taken in", async () => {
  const alike = [await held(opened.house), await held(opened.house), await held(opened.house)];
  const other = await held(opened.house, { scope: "tickets:close", operation: { tool: "tickets", kind: "tool", name: "close_ticket" } });
  const [first] = alike;
  if (first === undefined) throw new Error("nothing is held");
  const page = await opened.visit("lena");
  await row(page, first).getByRole("checkbox").check();
  await row(page, other).getByRole("checkbox").click();
  await page.getByText("Only questions of the same agent, operation and rules").waitFor();
  await press(page, "X");
  await page.getByText("3 chosen, all alike").waitFor();
  await press(page, "A");
  await page.getByRole("dialog").getByText("Approve 3 calls?").waitFor();
  await press(page, "Enter");
  await page.getByText("3 approved.").waitFor();
  for (const approval of alike) expect((await stored(opened.house, approval))?.state).toBe("approved");
  expect((await stored(opened.house, other))?.state).toBe("pending");
});
