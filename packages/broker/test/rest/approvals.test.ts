import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { argumentsDigest } from "../../src/call/identify.ts";
import { Fault } from "../../src/domain/fault.ts";
import { approve, askedCall, showing } from "../people-support/answering.ts";
import { type Ask, heldApproval, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

const approvalAnswer = z.looseObject({
  id: z.string(),
  state: z.string(),
  sentence: z.string(),
  mayAnswer: z.boolean(),
  mayNotBecause: z.string().optional(),
});
const problem = z.object({ code: z.string(), detail: z.string() });

let house: RestHouse;
let lena: Ask;
beforeAll(async () => {
  house = await openRestHouse();
  lena = await house.as("lena");
});
afterAll(async () => {
  await house.close();
});

async function held(overrides: Parameters<typeof heldApproval>[0] = {}): Promise<ReturnType<typeof heldApproval>> {
  const approval = heldApproval(overrides);
  await house.store.approvals.create(approval);
  return approval;
}

async function codeOf(response: Response): Promise<[number, string]> {
  return [response.status, problem.parse(await response.json()).code];
}

async function events(callId: string): Promise<Record<string, unknown>[]> {
  const records = await house.store.log.query("acme", { callId, limit: 20 });
  return records.toSorted((a, b) => a.index - b.index).map((record) => z.record(z.string(), z.unknown()).parse(saidBy(record)));
}

test("an approver sees what would change, why it is held, and the agent's words apart", async () => {
  const approval = await held();
  const body = await (await lena("GET", `/api/v1/approvals/${approval.id}`)).json();
  expect(body).toMatchObject({
    sentence: "agent `support-bot` of acme/prod wants to change Ticket `T-17` (`tickets:update`) for user `ana`",
    diff: [{ path: "status", before: "open", after: "closed" }],
    statedReason: "the customer is happy",
    rules: [{ at: { file: "roles/support.yaml", line: 5 } }],
    mayAnswer: true,
    state: "pending",
  });
});

test("an approval is stored, and recorded with who answered, how they proved it and for which arguments", async () => {
  const approval = await held();
  const answer = approvalAnswer.parse(await (await approve(lena, approval.id, { reason: "checked" })).json());
  expect(answer.state).toBe("approved");
  expect(await house.store.approvals.find("acme", approval.id)).toMatchObject({
    state: "approved",
    answers: [{ verdict: "approve", by: "lena", via: "login-link", roles: ["support-lead"], reason: "checked" }],
  });
  expect(await events(approval.callId)).toMatchObject([
    { event: "approval.approve", by: "lena", user: "ana", via: "login-link", approval: approval.id, edited: false, state: "approved" },
  ]);
  expect(await house.store.log.facts("acme", approval.callId)).toMatchObject({ reason: "checked", argsDigest: approval.argsDigest });
});

test("approving other arguments stores them with their own digest", async () => {
  const approval = await askedCall(house);
  const args = { id: "T-17", status: "pending" };
  expect((await approve(lena, approval.id, { args })).status).toBe(200);
  const digest = argumentsDigest(approval.operation, args);
  expect((await house.store.approvals.find("acme", approval.id))?.answers).toMatchObject([{ args, argsDigest: digest }]);
  expect((await events(approval.callId)).at(-1)).toMatchObject({ event: "approval.approve", edited: true });
  expect(await house.store.log.facts("acme", approval.callId)).toMatchObject({ argsDigest: digest });
});

test("a denial needs a reason, and one of blanks is none", async () => {
  const approval = await held();
  for (const body of [{}, { reason: "" }, { reason: "   " }]) {
    expect((await lena("POST", `/api/v1/approvals/${approval.id}/deny`, body)).status).toBe(400);
  }
  expect((await lena("POST", `/api/v1/approvals/${approval.id}/deny`, { reason: "the refund is not due" })).status).toBe(200);
  expect(await house.store.approvals.find("acme", approval.id)).toMatchObject({
    state: "denied",
    answers: [{ verdict: "deny", by: "lena", reason: "the refund is not due" }],
  });
});

test.each(["ana", "ANA", " ana ", "ana@acme.example", "Ana@Acme.Example"])(
  "the user a call is made for (%j) cannot answer it, whatever their roles",
  async (user) => {
    const approval = await held({ user });
    const ana = await house.as("ana");
    for (const answer of [approve(ana, approval.id), ana("POST", `/api/v1/approvals/${approval.id}/deny`, { reason: "mine" })])
      expect(await codeOf(await answer)).toEqual([403, "separation_of_duties"]);
    expect(await house.store.approvals.find("acme", approval.id)).toMatchObject({ state: "pending" });
    expect(await events(approval.callId)).toEqual([]);
    const seen = approvalAnswer.parse(await (await ana("GET", `/api/v1/approvals/${approval.id}`)).json());
    expect(seen.mayAnswer).toBe(false);
    expect(seen.mayNotBecause).toContain("someone else must answer");
  },
);

test.each(["rudi", "olaf"])("%s, who holds none of the roles, cannot answer", async (person) => {
  const approval = await held();
  const ask = await house.as(person);
  expect(await codeOf(await approve(ask, approval.id))).toEqual([403, "role_required"]);
});

test("an approval that names no role cannot be answered by anyone", async () => {
  const approval = await held({ approvers: [] });
  expect(await codeOf(await approve(lena, approval.id))).toEqual([403, "role_required"]);
});

test("the operator key is no person and cannot answer", async () => {
  const approval = await held();
  expect(await codeOf(await approve(house.operator, approval.id))).toEqual([403, "person_required"]);
});

test("another tenant's approval is not there, for reading and for answering", async () => {
  const approval = await held();
  const greta = await house.as("greta");
  expect((await greta("GET", `/api/v1/approvals/${approval.id}`)).status).toBe(404);
  expect(
    await codeOf(await greta("POST", `/api/v1/approvals/${approval.id}/approve`, { showing: await showing(lena, approval.id) })),
  ).toEqual([404, "not_found"]);
  expect(await (await greta("GET", "/api/v1/approvals")).json()).toEqual({ approvals: [], pending: 0 });
  expect((await house.store.approvals.find("acme", approval.id))?.state).toBe("pending");
});

test("the first answer counts; the second is told so", async () => {
  const approval = await held();
  await lena("POST", `/api/v1/approvals/${approval.id}/deny`, { reason: "no" });
  expect(await codeOf(await approve(lena, approval.id))).toEqual([409, "already_answered"]);
});

test("of two answers at the same time one wins, and the log says that the other came too late", async () => {
  const approval = await held();
  const answers = await Promise.all([approve(lena, approval.id), lena("POST", `/api/v1/approvals/${approval.id}/deny`, { reason: "no" })]);
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 409]);
  const won = await house.store.approvals.find("acme", approval.id);
  const names = (await events(approval.callId)).map((event) => event["event"]);
  expect(names).toContain(won?.state === "approved" ? "approval.approve" : "approval.deny");
  // Both may have been recorded before either was stored; then the loser's record is followed by one that says so.
  if (names.length > 1) expect(names).toContain("approval.answer_too_late");
});

test("an expired approval cannot be answered and shows as expired", async () => {
  const approval = await held({ createdAt: new Date(Date.now() - 120_000), expiresAt: new Date(Date.now() - 1_000) });
  expect(await codeOf(await approve(lena, approval.id))).toEqual([409, "approval_expired"]);
  expect(approvalAnswer.parse(await (await lena("GET", `/api/v1/approvals/${approval.id}`)).json()).state).toBe("expired");
});

test("no answer is given when it cannot be recorded", async () => {
  const approval = await held();
  const { log, approvals, people } = house.store;
  const failing = await openRestHouse({
    approvals,
    people,
    log: {
      ...log,
      append: async () => Promise.reject(new Fault("log_unavailable", "the disk is full; free some space")),
    },
  });
  const answer = await failing.anyone(
    "POST",
    `/api/v1/approvals/${approval.id}/approve`,
    { showing: await showing(lena, approval.id) },
    { authorization: `Bearer ${await house.token("lena")}` },
  );
  expect(await codeOf(answer)).toEqual([503, "log_unavailable"]);
  expect((await approvals.find("acme", approval.id))?.state).toBe("pending");
  await failing.close();
});

test("the list shows pending ones first asked for, newest first, and only the person's tenants", async () => {
  const one = await held({ createdAt: new Date(Date.now() + 1_000) });
  const two = await held({ createdAt: new Date(Date.now() + 2_000) });
  const list = z.object({ approvals: z.array(approvalAnswer) });
  const pending = list.parse(await (await lena("GET", "/api/v1/approvals?state=pending")).json()).approvals;
  expect(pending.slice(0, 2).map((approval) => approval.id)).toEqual([two.id, one.id]);
  expect(new Set(pending.map((approval) => approval.state))).toEqual(new Set(["pending"]));
});
