import { afterAll, beforeAll, expect, test } from "vitest";
import { issueSession, type SessionWish } from "../../src/adapters/oauth/issue-session.ts";
import type { Session } from "../../src/domain/session.ts";
import { randomId } from "../../src/adapters/system/random.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { CLERK, HELPER, till, tillPolicy } from "./till.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const policy = tillPolicy("{}", { agents: "session: { maxTtl: 2m, limits: { calls: 3, cost: 100 } }\n" });

function open(more: Partial<SessionWish>, name = CLERK): Promise<Session> {
  const agent = policy.agents.find((each) => each.name === name) ?? expect.fail();
  const ports = { now: () => new Date(), newId: randomId, policy: () => policy, sessions: db.store.sessions, log: db.store.log };
  const plain = { user: "u-17", userProof: "asserted", task: "t", data: {}, scope: undefined, rows: [], limits: {} } as const;
  return issueSession(ports, { agent, ...plain, grant: "client_credentials", binding: { kind: "bearer" }, ...more });
}

const lives = ({ issuedAt, expiresAt }: Session): number => expiresAt.getTime() - issuedAt.getTime();

test("a session lives no longer than its agent's sessions may, and not longer than any otherwise", async () => {
  expect(lives(await open({}))).toBe(120_000);
  expect(lives(await open({ until: new Date(Date.now() + 60_000) }))).toBeLessThanOrEqual(60_000);
  const delegator = await db.store.sessions.find("acme", (await open({})).id);
  const delegate = await open({ delegator, scope: ["till:look"] }, HELPER);
  expect(delegate.expiresAt.getTime()).toBeLessThanOrEqual((delegator ?? expect.fail()).expiresAt.getTime());
});

test("a session has its agent's budgets, or the smaller ones it asks for, never larger ones", async () => {
  expect((await open({})).limits).toEqual({ calls: 3, cost: 100 });
  expect((await open({ limits: { calls: 2, records: 7 } })).limits).toEqual({ calls: 2, records: 7, cost: 100 });
  expect((await open({ limits: { calls: 4, cost: 1_000 } })).limits).toEqual({ calls: 3, cost: 100 });
});

test("the budget that the agent's file gives is drawn from", async () => {
  const session = await open({});
  const shop = await till(db.store, policy);
  const answers = [];
  for (let no = 0; no < 4; no += 1) answers.push(await shop.call("charge", { amount: 1, no }, session));
  expect(answers.map((answer) => (answer.kind === "refused" ? answer.code : answer.kind))).toEqual([
    "result",
    "result",
    "result",
    "budget_spent",
  ]);
});
