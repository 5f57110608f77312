import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Approval } from "../../src/domain/approval.ts";
import { askedCall, showing } from "../people-support/answering.ts";
import { askingPolicy } from "../people-support/asking-policy.ts";
import { enrol } from "../people-support/browser.ts";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { PLAIN_TERMS } from "../store/approval-sample.ts";

const CUSTOMER = "jane.doe@customers.example";

let house: RestHouse;
/** A lead who does not see customers' addresses, and one who does. */
let lena: Awaited<ReturnType<typeof enrol>>;
let petra: Awaited<ReturnType<typeof enrol>>;
const policy = askingPolicy();
beforeAll(async () => {
  house = await openRestHouse({ policy: () => policy });
  [lena, petra] = [await enrol(house, "lena"), await enrol(house, "petra")];
});
afterAll(() => house.close());

const secretive = (stepUp: boolean): Promise<Approval> =>
  askedCall(house, {
    policyVersion: policy.version,
    args: { id: "T-17", status: "closed", customer: CUSTOMER },
    terms: { ...PLAIN_TERMS, stepUp },
  });

test("asking what to sign where the question wants no signature shows nobody what is hidden from them; they can still say yes", async () => {
  const approval = await secretive(false);
  const edits = ["parked", "legal"].map((status) => ({ args: { id: "T-17", status, customer: "j***@customers.example" } }));
  for (const body of [{}, ...edits]) {
    const answer = await lena.browser.post(`/approvals/${approval.id}/step-up`, body);
    const text = await answer.text();
    expect([answer.status, z.object({ code: z.string() }).parse(JSON.parse(text)).code]).toEqual([403, "role_required"]);
    expect(text).not.toContain("jane.doe");
  }
  expect(await (await petra.browser.post(`/approvals/${approval.id}/step-up`, {})).text()).toContain(CUSTOMER);
  const shown = await showing(await house.as("lena"), approval.id);
  expect((await lena.browser.post(`/approvals/${approval.id}/approve`, { showing: shown })).status).toBe(200);
});

test("whoever must sign sees what they sign", async () => {
  const approval = await secretive(true);
  expect(await (await lena.browser.post(`/approvals/${approval.id}/step-up`, {})).text()).toContain(CUSTOMER);
});
