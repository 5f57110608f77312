import { afterAll, beforeAll, expect, test } from "vitest";
import { explainCall } from "../../src/insight/explain-call.ts";
import { testPolicy, world } from "../call/support.ts";
import { bearer } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const explained = async (callId: string | undefined, policy = testPolicy()) => explainCall(db.store.log, policy, "acme", callId ?? "none");

test("a refusal for a field is explained by the field, also when the record was never loaded", async () => {
  const { call } = await world(db.store);
  const answer = await call("update_ticket", { id: "T-1", region: "amer" });
  expect((await explained(answer.callId))?.summary).toContain("field_not_permitted");
});

test("a refused row names what would have to be true of the record", async () => {
  const { call } = await world(db.store);
  const answer = await call("update_ticket", { id: "T-2", status: "closed" });
  expect(JSON.stringify((await explained(answer.callId))?.wouldChange)).toContain("emea");
});

test("an allowed call names the grant that allowed it, by file and line", async () => {
  const { call } = await world(db.store);
  const answer = await call("ping");
  expect((await explained(answer.callId))?.rules[0]?.at.file).toBe("roles/support.yaml");
});

test("a call of another tenant cannot be explained", async () => {
  const { call } = await world(db.store);
  const answer = await call("ping");
  expect(await explainCall(db.store.log, testPolicy(), "globex", answer.callId ?? "")).toBeUndefined();
});

test("a call that never reached a decision has no explanation", async () => {
  const { call } = await world(db.store);
  const answer = await call("no_such_thing");
  expect(await explained(answer.callId)).toBeUndefined();
});

test("a refusal by a delegator, or by the records a session is for, is explained as it was decided", async () => {
  const { call, session } = await world(db.store);
  const above = { ...session, id: `${session.id}_above`, scope: ["tickets:read"], rows: [{ Ticket: { id: ["T-1"] } }] };
  const below = { ...session, id: `${session.id}_below`, lineage: [above.id], actors: [above.agent], grant: "token_exchange" as const };
  for (const each of [above, below]) await db.store.sessions.create(each);
  const scope = await call("ping", {}, { presented: bearer(below.id) });
  expect((await explained(scope.callId))?.summary).toMatch(/outside_delegation.*opened for tickets:read/u);
  const rows = await call("get_ticket", { id: "T-3" }, { presented: bearer(above.id) });
  expect((await explained(rows.callId))?.summary).toMatch(/outside_session_scope.*opened for Ticket T-1/u);
});
