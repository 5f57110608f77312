import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { verifyReceipt } from "../../src/domain/receipt.ts";
import { receiptFileSchema } from "../../src/rest-contract/receipts.ts";
import { card, emptyInbox, held, heldInSession, press, stored } from "./inbox-support.ts";
import { addAuthenticator, type PageAuthenticator } from "./passkey-page.ts";
import { openConsole, type OpenedConsole } from "./support.ts";

const SIGNED = { count: 1, also: [], stepUp: true, bounded: { uses: 5, forMs: 3_600_000 } } as const;

let opened: OpenedConsole;
let page: Page;
let authenticator: PageAuthenticator;

beforeAll(async () => {
  opened = await openConsole();
}, 120_000);
beforeEach(async () => {
  await emptyInbox(opened.house);
  page = await opened.blank();
  authenticator = await addAuthenticator(page);
  await enrol("lena");
});
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => {
  await opened.close();
});

async function enrol(person: string): Promise<void> {
  const answer = await opened.house.operator("POST", `/api/v1/people/${person}/invite`, {});
  await page.goto(z.object({ url: z.string() }).parse(await answer.json()).url);
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByText("You are enrolled and signed in").waitFor();
}

test("a yes that a rule wants signed shows what is signed, is signed, and leaves a receipt that verifies offline", async () => {
  const approval = await held(opened.house, { terms: SIGNED });
  await page.goto(`${opened.origin}/`);
  await card(page, approval).waitFor();
  await press(page, "a");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("fingerprint", { exact: true }).waitFor();
  const shown = await dialog.innerText();
  expect(shown).toContain('"status": "closed"');
  expect(shown).toContain(approval.agent);
  expect(shown).toMatch(/signed by\s+lena/u);
  await press(page, "Enter");
  await page.getByText("Approved, once.").waitFor();
  const answer = (await stored(opened.house, approval))?.answers[0];
  expect(answer).toMatchObject({ verdict: "approve", by: "lena" });

  await page.goto(`${opened.origin}/approvals/${approval.id}`);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download the receipts" }).click(),
  ]);
  const [file] = z.array(receiptFileSchema).parse(JSON.parse(await readFile(await download.path(), "utf8")));
  if (file === undefined || answer?.receipt === undefined) throw new Error("there is no receipt");
  expect(file.receipt.document).toMatchObject({
    type: "bailiwick.approval.v1",
    approval: approval.id,
    args: approval.args,
    person: "lena",
  });
  expect(shown.replaceAll(" ", "")).toContain(challengeOf(file.receipt.clientDataJSON));
  expect(verifyReceipt(answer.receipt, { publicKey: answer.receipt.publicKey, rpId: file.rpId, origin: file.origin })).toMatchObject({
    ok: true,
  });
});

/** What the signature is over, as the authenticator was given it. */
function challengeOf(clientData: string): string {
  return z.object({ challenge: z.string() }).parse(JSON.parse(Buffer.from(clientData, "base64url").toString())).challenge;
}

test("a device that does not recognise its person approves nothing, says so, and can be tried again", async () => {
  const approval = await held(opened.house, { terms: SIGNED });
  await page.goto(`${opened.origin}/`);
  await card(page, approval).waitFor();
  await authenticator.verifies(false);
  await press(page, "a");
  await page.getByRole("dialog").getByText("fingerprint", { exact: true }).waitFor();
  await press(page, "Enter");
  await page.getByText("nothing was signed: it was cancelled or took too long").waitFor();
  expect(await stored(opened.house, approval)).toMatchObject({ state: "pending", answers: [] });
  await authenticator.verifies(true);
  await page.getByRole("button", { name: "Sign and approve" }).click();
  await page.getByText("Approved, once.").waitFor();
  expect((await stored(opened.house, approval))?.state).toBe("approved");
});

test("edits and bounds are signed as well: what the passkey signs holds them", async () => {
  const edited = await heldInSession(opened.house, { terms: SIGNED });
  await page.goto(`${opened.origin}/approvals/${edited.id}`);
  await card(page, edited).waitFor();
  await press(page, "e");
  await page.getByLabel("status", { exact: true }).fill("pending");
  await page.getByRole("button", { name: "Approve with these" }).click();
  await page.getByRole("dialog").getByText("fingerprint", { exact: true }).waitFor();
  expect(await page.getByRole("dialog").innerText()).toContain('"status": "pending"');
  await page.getByRole("button", { name: "Sign and approve" }).click();
  await page.getByText("Approved with other arguments.").waitFor();
  expect((await stored(opened.house, edited))?.answers[0]?.receipt?.document).toMatchObject({ args: { status: "pending" } });

  const bounded = await held(opened.house, { terms: SIGNED });
  await page.goto(`${opened.origin}/approvals/${bounded.id}`);
  await card(page, bounded).waitFor();
  await press(page, "b");
  await page.getByLabel("Calls at most").fill("2");
  await page.getByRole("button", { name: "Approve within these bounds" }).click();
  await page.getByRole("dialog").getByText("fingerprint", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign and approve" }).click();
  await page.getByText("Approved, for at most 2 calls.").waitFor();
  expect((await stored(opened.house, bounded))?.answers[0]?.receipt?.document).toMatchObject({ bounds: { uses: 2, within: "session" } });
});
