import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../src/adapters/store/index.ts";
import type { Approval } from "../src/domain/approval.ts";
import { endHeldCalls } from "../src/held-calls.ts";
import { viewCall, viewRecord } from "../src/insight/record-view.ts";
import { heldApproval, SUPPORT_BOT } from "./people-support/rest.ts";
import { onServer } from "./support/server-statement.ts";
import { TEST_ROOT_KEY, testStore, type TestStore } from "./support/store.ts";

let opened: TestStore;
beforeEach(async () => {
  opened = await testStore();
});
afterEach(async () => {
  await opened.close();
});

/** As the call path leaves a call that waits: its hold in the log, and the question. */
async function hold(callId: string, approval: Approval): Promise<void> {
  await opened.store.log.append("acme", {
    kind: "hold",
    callId,
    body: {
      at: new Date().toISOString(),
      broker: "brk_of_the_call",
      tenant: "acme",
      environment: "prod",
      workflow: "support",
      agent: SUPPORT_BOT,
      session: "ses_1",
      run: "ses_1",
      tool: "tickets",
      operation: "update_ticket",
      action: "tickets:update",
      effect: "write",
      verdict: "ask",
      rules: [{ kind: "grant", id: "support-2", file: "roles/support.yaml", line: 5 }],
      approval: approval.id,
    },
    people: { user: approval.user },
    task: approval.task,
    facts: { args: { id: "T-17" } },
  });
}

async function asked(overrides: Partial<Approval> = {}): Promise<Approval> {
  const approval = heldApproval(overrides);
  await hold(approval.callId, approval);
  await opened.store.approvals.create(approval);
  return approval;
}

/** What happened, long enough ago that an agent on the line would have said it itself. */
async function longAgo({ id }: Approval, state: Approval["state"]): Promise<void> {
  const decided = state === "denied" || state === "cancelled" ? "now() - interval '10 minutes'" : "null";
  await onServer(
    opened.databaseUrl,
    `update bailiwick.approvals set state = '${state}', decided_at = ${decided}, expires_at = now() - interval '10 minutes' where id = '${id}'`,
  );
}

async function end(store = opened.store): Promise<number> {
  return endHeldCalls({ approvals: store.approvals, log: store.log, brokerId: "brk_upkeep", now: () => new Date() }, "acme");
}

async function statusOf(callId: string): Promise<readonly unknown[]> {
  const records = await opened.store.log.recordsOf("acme", [callId]);
  const view = viewCall(records.map(viewRecord));
  return [view?.status, view?.code, records.length];
}

test.each([
  ["denied", "approval_denied"],
  ["pending", "approval_expired"],
  ["approved", "approval_expired"],
  ["cancelled", "approval_expired"],
] as const)("a call whose question is %s and over ends as %s", async (state, code) => {
  const approval = await asked();
  await longAgo(approval, state);
  expect(await end()).toBe(1);
  expect(await statusOf(approval.callId)).toEqual(["refused", code, 2]);
});

test("what is known of the call stands in the record of its end, under its own names", async () => {
  const approval = await asked();
  await longAgo(approval, "denied");
  await end();
  const [, record] = await opened.store.log.recordsOf("acme", [approval.callId]);
  expect(JSON.parse(record?.text ?? "{}")).toMatchObject({
    broker: "brk_upkeep",
    agent: SUPPORT_BOT,
    action: "tickets:update",
    verdict: "deny",
    code: "approval_denied",
    approval: approval.id,
    rules: [{ id: "support-2" }],
  });
  expect(record?.text).not.toContain('"ana"');
  expect(Object.values(record?.people ?? {})).toEqual(["ana"]);
  expect(await opened.store.log.facts("acme", approval.callId)).toMatchObject({ args: { id: "T-17" } });
});

test("every call that waited for the question ends with it, and no call that waits for another", async () => {
  const approval = await asked();
  const other = await asked({ task: "T-18" });
  await hold("call_again", approval);
  await longAgo(approval, "pending");
  expect(await end()).toBe(2);
  expect(await statusOf(approval.callId)).toEqual(["refused", "approval_expired", 2]);
  expect(await statusOf("call_again")).toEqual(["refused", "approval_expired", 2]);
  expect(await statusOf(other.callId)).toEqual(["held", undefined, 1]);
});

test("a call whose agent waited has said its end itself, and is not ended twice", async () => {
  const approval = await asked();
  await opened.store.log.append("acme", {
    kind: "refusal",
    callId: approval.callId,
    body: { at: new Date().toISOString(), agent: SUPPORT_BOT, verdict: "deny", code: "approval_denied", rules: [] },
    people: { user: "ana" },
  });
  await longAgo(approval, "denied");
  expect(await end()).toBe(0);
  expect(await statusOf(approval.callId)).toEqual(["refused", "approval_denied", 2]);
});

test("a question that waits, or was decided a moment ago, leaves its call alone", async () => {
  const waiting = await asked();
  const denied = await asked({ task: "T-18" });
  await onServer(opened.databaseUrl, `update bailiwick.approvals set state = 'denied', decided_at = now() where id = '${denied.id}'`);
  expect(await end()).toBe(0);
  expect(await statusOf(waiting.callId)).toEqual(["held", undefined, 1]);
  expect(await statusOf(denied.callId)).toEqual(["held", undefined, 1]);
});

test("of two brokers one says the end", async () => {
  const approvals = [];
  for (let index = 0; index < 20; index += 1) approvals.push(await asked({ task: `T-${index}` }));
  await Promise.all(approvals.map(async (approval) => longAgo(approval, "pending")));
  const second = await openStore({ databaseUrl: opened.databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "brk_two" });
  const ended = await Promise.all([end(), end(second), end(), end(second)]);
  expect(ended.reduce((sum, each) => sum + each, 0)).toBe(20);
  for (const { callId } of approvals) expect(await statusOf(callId)).toEqual(["refused", "approval_expired", 2]);
  await second.close();
});

test("a drill has no call, so none is ended", async () => {
  const drill = heldApproval({ drill: true });
  await opened.store.approvals.create(drill);
  await longAgo(drill, "denied");
  expect(await end()).toBe(0);
  expect(await opened.store.log.recordsOf("acme", [drill.callId])).toEqual([]);
});
