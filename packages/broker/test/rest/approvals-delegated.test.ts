import { load } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { approve } from "../people-support/answering.ts";
import { companyFiles } from "../people-support/company.ts";
import { type Ask, heldApproval, liveSession, openRestHouse, type RestHouse } from "../people-support/rest.ts";

const LENAS_BOT = "bailiwick://acme/prod/support/lenas-bot";
const LENAS_AGENT = `agent: lenas-bot
workflow: support
owner: lena
tenants: [acme]
environments: [prod]
roles: [support]
ceiling: { allow: ["tickets:*"] }
`;

let house: RestHouse;
let lena: Ask;
beforeAll(async () => {
  const loaded = load([...companyFiles, { path: "agents/lenas-bot.yaml", text: LENAS_AGENT }]);
  if (!loaded.ok) throw new Error("the policy of this test does not load");
  house = await openRestHouse({ policy: () => loaded.policy });
  lena = await house.as("lena");
});
afterAll(() => house.close());

/** An approval that the support agent asks for in a session which Lena's agent delegated to it. */
async function askedForLenasAgent(): Promise<string> {
  const root = liveSession({ agent: LENAS_BOT });
  const lent = liveSession({ lineage: [root.id], actors: [LENAS_BOT], grant: "token_exchange", expiresAt: root.expiresAt });
  await house.store.sessions.create(root);
  await house.store.sessions.create(lent);
  const approval = heldApproval({ session: lent.id, actors: lent.actors });
  await house.store.approvals.create(approval);
  return approval.id;
}

describe("the owner of an agent that had another agent make the call", () => {
  test.each(["approve", "deny"])("cannot %s it", async (verb) => {
    const id = await askedForLenasAgent();
    const answer = verb === "approve" ? await approve(lena, id) : await lena("POST", `/api/v1/approvals/${id}/deny`, { reason: "mine" });
    expect(await answer.json()).toMatchObject({ status: 403, code: "separation_of_duties" });
    expect(await house.store.approvals.find("acme", id)).toMatchObject({ state: "pending" });
  });

  test("is shown in advance that they cannot", async () => {
    const id = await askedForLenasAgent();
    expect(await (await lena("GET", `/api/v1/approvals/${id}`)).json()).toMatchObject({ mayAnswer: false });
    const { approvals } = z
      .object({ approvals: z.array(z.looseObject({ id: z.string(), mayAnswer: z.boolean() })) })
      .parse(await (await lena("GET", "/api/v1/approvals")).json());
    expect(approvals.find((each) => each.id === id)?.mayAnswer).toBe(false);
  });
});
