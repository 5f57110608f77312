import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createAccessRequests } from "../../src/adapters/authzen/access-requests.ts";
import { Refusal } from "../../src/call/refusal.ts";
import type { Session } from "../../src/domain/session.ts";
import { testPolicy, world, type World } from "../call/support.ts";
import { yesOf } from "../store/elevation-sample.ts";
import { testStore, type TestStore } from "../support/store.ts";

const policy = testPolicy({
  "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [reader]
eligible:
  - { role: cleaning, most: 2h, reason: spring cleaning, approve: { by: [support-lead], expires: 30m } }
ceiling: { allow: ["tickets:*", "health:*"] }
`,
  "roles/reader.yaml":
    "role: reader\nreason: reads\nallow:\n  - do: tickets:read\n  - do: tickets:update\n    approve: { by: [support-lead], expires: 30m }\n",
  "roles/cleaning.yaml": "role: cleaning\nreason: clears away\nallow:\n  - do: tickets:delete\n",
});

let db: TestStore;
let house: World;
let server: Server;
let url: string;
/** Milliseconds that the calls' clock is ahead. */
let aheadMs = 0;
const faults: unknown[] = [];

beforeAll(async () => {
  db = await testStore();
  house = await world(
    db.store,
    (ports) => ({
      ...ports,
      now: () => new Date(Date.now() + aheadMs),
      onFault: (failure) => {
        if (!(failure instanceof Refusal)) faults.push(failure);
      },
    }),
    policy,
  );
  const requests = createAccessRequests({ ...house.ports, issuer: "http://broker.example", entities: db.store.oauth });
  server = createServer((req, res) => requests.handle(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  url = `http://127.0.0.1:${address.port}/access/v1/requests`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await db.close();
});

const taskAnswer = z.object({
  task: z.object({ id: z.string(), status: z.string(), status_endpoint: z.string(), expires_at: z.string() }),
  result: z.object({ mode: z.string(), approval: z.object({ id: z.string(), approved_until: z.string() }) }).optional(),
});
const problem = z.object({ type: z.string(), status: z.int(), detail: z.string() });

const post = (body: unknown, token: string | undefined = house.session.id, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const get = (id: string, token: string = house.session.id): Promise<Response> =>
  fetch(`${url}/${id}`, { headers: { authorization: `Bearer ${token}` } });

function about(evaluation: string, action = "tickets:delete", more: object = {}): Record<string, unknown> {
  return {
    subject: { type: "agent", id: house.session.agent },
    resource: { type: "tool", id: "tickets" },
    action: { name: action },
    context: { business_justification: "the quarter ended" },
    denial: { evaluation_id: evaluation, expires_at: new Date(Date.now() + 300_000).toISOString() },
    ...more,
  };
}

async function refusedCall(): Promise<string> {
  const answer = await house.call("delete_ticket", { id: "T-2" });
  if (answer.kind !== "refused" || answer.callId === undefined) throw new Error(`expected a refusal, got ${answer.kind}`);
  return answer.callId;
}

async function typeOf(response: Response): Promise<[number, string]> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return [response.status, problem.parse(await response.json()).type.replace("urn:openid:authzen:access-request:error:", "")];
}

async function strangerOf(change: Partial<Session>): Promise<string> {
  const id = `${house.session.id}-${Math.random().toString(36).slice(2)}`;
  await db.store.sessions.create({ ...house.session, ...change, id });
  return id;
}

test("a refused call is asked about, polled, and approved: then the call made again runs, and the task says until when", async () => {
  const until = new Date(Date.now() + 20 * 60_000).toISOString();
  const asked = await post(about(await refusedCall(), "tickets:delete", { requested_access: { requested_until: until } }));
  const { task, result } = taskAnswer.parse(await asked.json());
  expect([asked.status, asked.headers.get("location"), asked.headers.get("retry-after")]).toEqual([202, task.status_endpoint, "5"]);
  expect([task.status, result]).toEqual(["pending", undefined]);
  expect(task.status_endpoint).toBe(`http://broker.example/access/v1/requests/${task.id}`);
  const elevation = await db.store.elevations.find("acme", task.id);
  expect(elevation).toMatchObject({ scope: ["tickets:delete"], forMs: 1_200_000, reason: "the quarter ended", task: house.session.task });
  const given = { scope: ["tickets:delete"], from: new Date(), until: new Date(Date.now() + 600_000) };
  await db.store.elevations.answer("acme", task.id, { answer: yesOf(), seen: 0, state: "active", given });
  const polled = taskAnswer.parse(await (await get(task.id)).json());
  expect(polled).toMatchObject({
    task: { status: "approved" },
    result: { mode: "reevaluate", approval: { id: task.id, approved_until: given.until.toISOString() } },
  });
  expect(await house.call("delete_ticket", { id: "T-2" })).toMatchObject({ kind: "result" });
  await db.store.elevations.revoke("acme", task.id, { by: "olaf", at: new Date(), reason: "over" });
  // A task ends once; that the right is gone is said when the call is made again.
  expect(taskAnswer.parse(await (await get(task.id)).json()).task.status).toBe("approved");
  expect(await house.call("delete_ticket", { id: "T-1" })).toMatchObject({ kind: "refused", code: "no_grant" });
});

test("a held call is the task that people were asked already, by its ticket or its call", async () => {
  const held = await house.call("update_ticket", { id: "T-1", status: "closed" });
  if (held.kind !== "pending") throw new Error(held.kind);
  for (const evaluation of [held.approval.id, held.callId]) {
    const asked = taskAnswer.parse(await (await post(about(evaluation, "tickets:update"))).json());
    expect(asked.task).toMatchObject({ id: held.approval.id, status: "pending" });
  }
  await db.store.approvals.answer("acme", held.approval.id, { answer: yesOf({ verdict: "deny", reason: "no" }), seen: 0, state: "denied" });
  expect(taskAnswer.parse(await (await get(held.approval.id)).json())).toMatchObject({ task: { status: "denied" } });
});

test("the same request asked twice, with or without a key, is one task; another one under the same key is refused", async () => {
  const evaluation = await refusedCall();
  const body = about(evaluation);
  const keyed = async (): Promise<z.output<typeof taskAnswer>> =>
    taskAnswer.parse(await (await post(body, undefined, { "idempotency-key": "k-1" })).json());
  const first = await keyed();
  expect((await keyed()).task.id).toBe(first.task.id);
  expect(taskAnswer.parse(await (await post(about(evaluation))).json()).task.id).toBe(first.task.id);
  const other = about(evaluation, "tickets:delete", { context: { business_justification: "something else" } });
  expect(await typeOf(await post(other, undefined, { "idempotency-key": "k-1" }))).toEqual([409, "duplicate_request"]);
  // Denied meanwhile, a late repetition is told so and asks nobody again.
  await db.store.elevations.answer("acme", first.task.id, { answer: yesOf({ verdict: "deny", reason: "no" }), seen: 0, state: "denied" });
  expect((await keyed()).task).toMatchObject({ id: first.task.id, status: "denied" });
});

test("without a token nothing is asked and nothing is told", async () => {
  const evaluation = await refusedCall();
  for (const response of [await post(about(evaluation), ""), await fetch(`${url}/elv_x`), await post(about(evaluation), "ses_unknown")]) {
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /u);
  }
});

test("a task and a refusal of another user, task, agent or tenant are unknown", async () => {
  const evaluation = await refusedCall();
  const { task } = taskAnswer.parse(await (await post(about(evaluation))).json());
  const foreign: Partial<Session> = { tenant: "globex", agent: "bailiwick://globex/prod/helpdesk/support" };
  for (const change of [{ user: "somebody-else" }, { task: "another task" }]) {
    const token = await strangerOf(change);
    expect(await typeOf(await get(task.id, token)), JSON.stringify(change)).toEqual([404, "unknown_task"]);
    expect(await typeOf(await post(about(evaluation), token)), JSON.stringify(change)).toEqual([400, "invalid_denial_binding"]);
  }
  // The senders of these tests look in one tenant only, so a session of another one is made known as such.
  const id = await strangerOf(foreign);
  const requests = createAccessRequests({
    ...house.ports,
    senders: { verify: async () => ({ tenant: "globex", session: id }) },
    issuer: "http://broker.example",
    entities: db.store.oauth,
  });
  const apart = createServer((req, res) => requests.handle(req, res));
  apart.listen(0, "127.0.0.1");
  await once(apart, "listening");
  const address = apart.address();
  const base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/access/v1/requests`;
  expect(await typeOf(await fetch(`${base}/${task.id}`))).toEqual([404, "unknown_task"]);
  const body = JSON.stringify({ ...about(evaluation), subject: { type: "agent", id: foreign.agent } });
  expect(await typeOf(await fetch(base, { method: "POST", headers: { "content-type": "application/json" }, body }))).toEqual([
    400,
    "invalid_denial_binding",
  ]);
  apart.closeAllConnections();
  apart.close();
});

test.each([
  ["another agent's name", { subject: { type: "agent", id: "bailiwick://acme/prod/helpdesk/other" } }, 400, "invalid_denial_binding"],
  ["a person as subject", { subject: { type: "user", id: "u-17" } }, 400, "invalid_denial_binding"],
  ["another action than was refused", { action: { name: "tickets:update" } }, 400, "invalid_denial_binding"],
  ["another tool", { resource: { type: "tool", id: "billing" } }, 400, "invalid_denial_binding"],
  ["no binding to a call", { denial: { expires_at: "2099-01-01T00:00:00Z" } }, 400, "invalid_denial_binding"],
  [
    "a call that was never made",
    { denial: { evaluation_id: "call_none", expires_at: "2099-01-01T00:00:00Z" } },
    400,
    "invalid_denial_binding",
  ],
  ["a denial that has expired", { denial: { evaluation_id: "call_none", expires_at: "2001-01-01T00:00:00Z" } }, 410, "expired_denial"],
  ["several items", { items: [] }, 400, "not_requestable"],
  ["a callback that nobody will call", { callback: { url: "http://x.example" } }, 400, "about:blank"],
  ["a time in the past", { requested_access: { requested_until: "2001-01-01T00:00:00Z" } }, 400, "about:blank"],
  ["a time that is none", { requested_access: { requested_until: "soon" } }, 400, "about:blank"],
])("a submission with %s is refused", async (_, change, status, type) => {
  expect(await typeOf(await post({ ...about(await refusedCall()), ...change }))).toEqual([status, type]);
});

test("bodies that are no JSON, too deep or too large are refused", async () => {
  expect((await post("{")).status).toBe(400);
  expect((await post("[]")).status).toBe(400);
  expect((await post(`{"a":${"[".repeat(100)}${"]".repeat(100)}}`)).status).toBe(400);
  expect((await post(JSON.stringify({ a: "x".repeat(70_000) }))).status).toBe(413);
  expect((await fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${house.session.id}` } })).status).toBe(405);
  expect((await fetch(`${url}/elv_x/cancel`, { method: "POST", headers: { authorization: `Bearer ${house.session.id}` } })).status).toBe(
    404,
  );
  expect(faults).toEqual([]);
});

test("a refusal can be asked about for ten minutes", async () => {
  const evaluation = await refusedCall();
  const late = { denial: { evaluation_id: evaluation, expires_at: "2099-01-01T00:00:00Z" } };
  aheadMs = 11 * 60_000;
  // The session has ended by then as well; one that lives on asks.
  const token = await strangerOf({ issuedAt: new Date(Date.now() + aheadMs), expiresAt: new Date(Date.now() + aheadMs + 200_000) });
  expect(await typeOf(await post(about(evaluation, "tickets:delete", late), token))).toEqual([410, "expired_denial"]);
  aheadMs = 0;
});

test("what the agent may not ask for is not requestable", async () => {
  const answer = await house.call("ping", {});
  expect(answer).toMatchObject({ kind: "refused", code: "no_grant" });
  const body = { ...about(answer.callId ?? "", "health:ping"), resource: { type: "tool", id: "tickets" } };
  expect(await typeOf(await post(body))).toEqual([400, "not_requestable"]);
});
