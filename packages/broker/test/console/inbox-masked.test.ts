import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { companyFiles } from "../people-support/company.ts";
import { BOUNDED_TERMS, card, emptyInbox, heldInSession, press, stored } from "./inbox-support.ts";
import { policyOf } from "./rights-house.ts";
import { accessibilityProblems, openConsole, type OpenedConsole } from "./support.ts";

/** The company, whose tickets are changed for a customer that only some may see. */
const policy = policyOf(
  companyFiles.map(({ path, text }) => ({
    path,
    text: text.replace(
      'args: { id: string, "status?": string }',
      'args: { id: string, "status?": string, "customer?": string }\n    labels: { customer: [pii] }',
    ),
  })),
);
const ARGS = { id: "T-17", customer: "anna@acme.example", status: "closed" };

let opened: OpenedConsole;
beforeAll(async () => {
  opened = await openConsole({ policy: () => policy });
}, 120_000);
afterEach(async () => {
  await emptyInbox(opened.house);
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => opened.close());

test("a value that is hidden from somebody is locked where they edit, and runs as what it hides", async () => {
  const approval = await heldInSession(opened.house, { args: ARGS, policyVersion: policy.version });
  const page = await opened.visit("lena");
  await card(page, approval).waitFor();
  await press(page, "e");
  const customer = page.getByLabel("customer");
  expect([await customer.inputValue(), await customer.getAttribute("readonly")]).toEqual(["a***@acme.example", ""]);
  await page.getByText("Masked: you may not see this value").waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByLabel("status", { exact: true }).fill("pending");
  await page.getByRole("tab", { name: "JSON" }).click();
  await page.getByText("Leave masks as they stand, in customer").waitFor();
  await page.getByRole("dialog").getByText("▲ ask").waitFor();
  await page.getByRole("button", { name: "Approve with these" }).click();
  await page.getByText("Approved with other arguments.").waitFor();
  expect((await stored(opened.house, approval))?.answers[0]?.args).toEqual({ ...ARGS, status: "pending" });
  expect(await page.content()).not.toContain("anna@");
});

test("what a hidden value may be in several calls cannot be said by who does not see it: it stays, or does not matter", async () => {
  const approval = await heldInSession(opened.house, { args: ARGS, terms: BOUNDED_TERMS });
  const page = await opened.visit("lena");
  await card(page, approval).waitFor();
  await press(page, "b");
  await page.getByLabel("customer").waitFor();
  expect(await page.getByLabel("customer").locator("option").allInnerTexts()).toEqual(["exactly a***@acme.example", "any value"]);
  expect(await page.getByLabel("status").locator("option").allInnerTexts()).toContain("one of a list");
});
