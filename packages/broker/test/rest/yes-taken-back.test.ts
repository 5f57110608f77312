import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { approve, askedCall } from "../people-support/answering.ts";
import { askingPolicy } from "../people-support/asking-policy.ts";
import { type Ask, openRestHouse, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";
import { elevationOf } from "../store/elevation-sample.ts";

const TWO = { count: 2, also: [], stepUp: false };

let house: RestHouse;
let lena: Ask;
let leo: Ask;
const policy = askingPolicy({
  "agents/support.yaml": `agent: support-bot
workflow: support
owner: ines
tenants: [acme]
environments: [prod]
roles: [support]
eligible:
  - { role: support, most: 2h, reason: for the test, approve: { by: [support-lead], count: 2 } }
ceiling: { allow: ["tickets:*"] }
`,
});
beforeAll(async () => {
  house = await openRestHouse({ policy: () => policy });
  [lena, leo] = [await house.as("lena"), await house.as("leo")];
});
afterAll(() => house.close());

const stateIn = async (answer: Response): Promise<string> => z.looseObject({ state: z.string() }).parse(await answer.json()).state;

test("who said yes before others did can still say no, and the call is refused", async () => {
  const { id } = await askedCall(house, { policyVersion: policy.version, terms: TWO });
  expect((await approve(lena, id)).status).toBe(200);
  const denied = await lena("POST", `/api/v1/approvals/${id}/deny`, { reason: "I misread the amount" });
  expect([denied.status, await stateIn(denied)]).toEqual([200, "denied"]);
  expect((await approve(leo, id)).status).toBe(409);
  // Once it is decided nobody takes anything back.
  const decided = await askedCall(house, { policyVersion: policy.version, terms: TWO });
  for (const ask of [lena, leo]) await approve(ask, decided.id);
  expect((await lena("POST", `/api/v1/approvals/${decided.id}/deny`, { reason: "too late" })).status).toBe(409);
});

test("the same for a right for a time", async () => {
  const asked = elevationOf({
    agent: SUPPORT_BOT,
    role: "support",
    askedBy: { agent: SUPPORT_BOT, user: "somebody", session: "ses_1" },
    terms: TWO,
    policyVersion: policy.version,
  });
  await house.store.elevations.ask(asked);
  const yes = await lena("POST", `/api/v1/elevations/${asked.id}/approve`, {});
  expect([yes.status, await stateIn(yes)]).toEqual([200, "pending"]);
  const no = await lena("POST", `/api/v1/elevations/${asked.id}/deny`, { reason: "I misread the role" });
  expect([no.status, await stateIn(no)]).toEqual([200, "denied"]);
});
