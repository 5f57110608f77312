import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Approval } from "../../src/domain/approval.ts";
import { recordCall } from "../people-support/rest.ts";
import { answerOf } from "../store/approval-sample.ts";
import { BOUNDED_TERMS, card, held, heldInSession, press, row } from "./inbox-support.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

let opened: OpenedConsole;
let full: Approval;
let over: Approval;

beforeAll(async () => {
  opened = await openConsole();
  const { house } = opened;
  await recordCall(house, "call_origin", "intent", { run: "run_look" });
  full = await heldInSession(house, {
    run: "run_look",
    terms: { ...BOUNDED_TERMS, count: 2, escalate: { afterMs: 600_000, to: ["operator"] } },
    statedReason: "x".repeat(400),
    expiresAt: new Date(Date.now() + 240_000),
    origins: [{ argument: "id", from: "result", callId: "call_origin", action: "tickets:read", untrusted: true }],
    reach: { records: 300, cost: 12, destinations: [{ argument: "to", value: `${"long".repeat(30)}@elsewhere.example`, external: true }] },
    supersedes: {
      id: "apr_before0000000000000000",
      because: ["record", "policy"],
      changes: [{ path: "status", before: "new", after: "open" }],
    },
  });
  over = await held(house);
  await house.store.approvals.answer("acme", over.id, { answer: answerOf("deny", { reason: "no" }), seen: 0, state: "denied" });
}, 120_000);
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

for (const theme of ["light", "dark"] as const) {
  for (const width of [320, 1280]) {
    test(`axe finds nothing on the inbox, its cards and its dialogs, and nothing is wider than the window: ${theme}, ${width} px`, async () => {
      const page = await opened.visit("lena", "/", { theme, width, height: 700 });
      await row(page, full).waitFor();
      const check = async (what: string): Promise<void> => {
        expect([what, await accessibilityProblems(page), await sidewaysPixels(page)]).toEqual([what, [], 0]);
      };
      await check("list");
      await row(page, full).getByRole("link").click();
      await card(page, full).getByText("The whole run").waitFor();
      await check("card");
      for (const key of ["a", "d", "e", "b", "?", "Control+k"]) {
        await press(page, key);
        await page.getByRole("dialog").waitFor();
        await page.getByRole("dialog").locator("input, button").first().waitFor();
        await check(`dialog of ${key}`);
        await press(page, "Escape");
      }
      await page.goto(`${opened.origin}/approvals/${over.id}`);
      await page.getByText("Denied: the agent was told").waitFor();
      await check("a card that is over");
      await page.goto(`${opened.origin}/approvals/apr_none`);
      await page.getByRole("alert").waitFor();
      await check("no such approval");
    });
  }
}

test("text at twice its size still fits where it is narrow", async () => {
  const page = await opened.visit("lena", `/approvals/${full.id}`, { width: 640, height: 700 });
  await card(page, full).waitFor();
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  expect(await sidewaysPixels(page)).toBe(0);
});
