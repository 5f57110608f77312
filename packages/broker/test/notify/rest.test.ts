import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createRestApp } from "../../src/adapters/rest/app.ts";
import type { Delivery } from "../../src/domain/notification.ts";
import { notificationsSchema } from "../../src/rest-contract/notifications.ts";
import { type WebhookReceiver, webhookReceiver } from "../export/receivers.ts";
import { openRestHouse, OPERATOR_KEY, type RestHouse } from "../people-support/rest.ts";
import { hookConfig, type NotifyHouse, openNotifyHouse, WEBHOOK_SECRET } from "./house.ts";

let hook: WebhookReceiver;
let rest: RestHouse;
let house: NotifyHouse;
let app: ReturnType<typeof createRestApp>;
let dead: Delivery;

beforeAll(async () => {
  hook = await webhookReceiver();
  rest = await openRestHouse();
  house = await openNotifyHouse(hookConfig(hook.url), { environment: { HOOK_SECRET: WEBHOOK_SECRET }, store: rest.store });
  app = createRestApp({ ...rest.ports, notifications: house.notifying.access });
  hook.statuses.push(410);
  await house.hold();
  await house.pass();
  const [given] = await rest.store.notifications.list("acme", { state: "dead", limit: 1 });
  if (given === undefined) throw new Error("nothing was given up");
  dead = given;
});
afterAll(async () => {
  await house.close();
  await rest.close();
  await hook.close();
});

async function ask(person: string, method: string, path: string, body?: unknown): Promise<Response> {
  return app.request(`/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${person === "operator" ? OPERATOR_KEY : await rest.token(person)}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const problem = z.looseObject({ code: z.string(), detail: z.string() });

async function codeOf(answer: Response): Promise<readonly [number, string]> {
  return [answer.status, problem.parse(await answer.json()).code];
}

test("a tenant's people see its messages, what became of them and why, and the channels there are", async () => {
  const listed = notificationsSchema.parse(await (await ask("rudi", "GET", "/notifications")).json());
  expect(listed).toMatchObject({
    notifications: [{ id: dead.id, tenant: "acme", to: "hook", state: "dead", lastError: expect.stringContaining("status 410") }],
    counts: { dead: 1, waiting: 0 },
    channels: [{ name: "hook", kind: "webhook" }],
    routes: 1,
  });
  expect(JSON.stringify(listed)).not.toContain(WEBHOOK_SECRET);
});

test("another tenant's people see none of them, and cannot send one again", async () => {
  expect(notificationsSchema.parse(await (await ask("greta", "GET", "/notifications")).json()).notifications).toEqual([]);
  expect(await codeOf(await ask("greta", "GET", "/notifications?tenant=acme"))).toEqual([403, "wrong_tenant"]);
  expect(await codeOf(await ask("greta", "POST", `/notifications/${dead.id}/retry`, {}))).toEqual([404, "not_found"]);
  expect(await codeOf(await ask("greta", "POST", "/notifications/test", { tenant: "acme", channel: "hook" }))).toEqual([
    403,
    "wrong_tenant",
  ]);
});

test("who only reads or answers cannot send one again", async () => {
  for (const person of ["rudi", "lena"]) {
    expect(await codeOf(await ask(person, "POST", `/notifications/${dead.id}/retry`, {}))).toEqual([403, "role_required"]);
    expect(await codeOf(await ask(person, "POST", "/notifications/test", { channel: "hook" }))).toEqual([403, "role_required"]);
  }
});

test.each([
  ["GET", "/notifications?limit=0", undefined],
  ["GET", "/notifications?state=lost", undefined],
  ["GET", "/notifications?surprise=1", undefined],
  ["POST", "/notifications/test", {}],
  ["POST", "/notifications/test", { channel: "hook", surprise: 1 }],
  ["POST", "/notifications/push/subscribe", { endpoint: 1 }],
  ["POST", "/notifications/push/unsubscribe", {}],
])("%s %s with %j is malformed", async (method, path, body) => {
  expect(await codeOf(await ask("olaf", method, path, body))).toEqual([400, "malformed_request"]);
});

test("one that was given up goes again, once", async () => {
  const again = await ask("olaf", "POST", `/notifications/${dead.id}/retry`, {});
  expect(await again.json()).toMatchObject({ id: dead.id, state: "waiting", attempts: 0 });
  await house.pass();
  expect(hook.taken.map(({ headers }) => headers["webhook-id"])).toEqual([dead.id]);
  expect(await codeOf(await ask("olaf", "POST", `/notifications/${dead.id}/retry`, {}))).toEqual([409, "notification_not_dead"]);
});

test("a test goes where the configuration sends, and nowhere else", async () => {
  expect(await (await ask("operator", "POST", "/notifications/test", { tenant: "acme", channel: "hook" })).json()).toMatchObject({
    purpose: "test",
    to: "hook",
  });
  await house.pass();
  expect(hook.taken.at(-1)?.body).toContain('"type":"test"');
  expect(await codeOf(await ask("operator", "POST", "/notifications/test", { tenant: "acme", channel: "elsewhere" }))).toEqual([
    404,
    "not_found",
  ]);
});

test("the operator key has no browser to subscribe", async () => {
  expect(await codeOf(await ask("operator", "GET", "/notifications/push"))).toEqual([403, "person_required"]);
});
