import { logPolicy, openSequenceProof } from "@bailiwick/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { approve } from "../people-support/answering.ts";
import { heldApproval, liveSession, openRestHouse, type RestHouse } from "../people-support/rest.ts";

let house: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
});
afterAll(() => house.close());

test("a person's answer to a held call is among the proven records of the call's run, and so is the end of a session by a person", async () => {
  const { store } = house;
  const run = "run_0123456789abcdef";
  const session = liveSession({ run });
  await store.sessions.create(session);
  const approval = heldApproval({ session: session.id, run });
  await store.approvals.create(approval);
  const lena = await house.as("lena");
  expect((await approve(lena, approval.id)).status).toBe(200);
  expect((await house.operator("POST", `/api/v1/sessions/${session.id}/revoke`, {})).status).toBe(200);

  await store.evidence.settle("acme");
  const trusted = logPolicy({ origin: store.evidence.origin("acme"), keys: await store.evidence.keys("acme") });
  const proven = openSequenceProof(await store.evidence.proveSequence("acme", { kind: "run", name: run }), trusted);
  expect(proven.records.map(({ text }): unknown => JSON.parse(text))).toMatchObject([
    { event: "approval.approve", call: approval.callId, run },
    { event: "session.revoke", run },
    { event: "session.revoked", run },
  ]);
});

test("the list of sessions says the run of each", async () => {
  const session = liveSession({ run: "run_fedcba9876543210" });
  await house.store.sessions.create(session);
  const answer: unknown = await (await house.operator("GET", "/api/v1/sessions?tenant=acme")).json();
  expect(answer).toMatchObject({ sessions: expect.arrayContaining([expect.objectContaining({ id: session.id, run: session.run })]) });
});
