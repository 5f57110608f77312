import { createECDH } from "node:crypto";
import fc from "fast-check";
import { Client } from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { vapidKeys } from "../../src/adapters/notify/vapid.ts";
import { createRestApp } from "../../src/adapters/rest/app.ts";
import { openRestHouse, OPERATOR_KEY, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";
import { type NotifyHouse, openNotifyHouse } from "./house.ts";
import { PUSH_CA, pushBrowser, type PushService, pushService, vapidClaims } from "./push-service.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** What a table holds for a tenant, in the words of the database. */
async function rowsOf(databaseUrl: string, table: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("select set_config('bailiwick.tenant', 'acme', false)");
    const { rows } = await client.query<{ row: string }>(`select t::text as row from bailiwick.${table} t`);
    return rows.map(({ row }) => row).join("\n");
  } finally {
    await client.end();
  }
}

interface Opened {
  readonly service: PushService;
  readonly rest: RestHouse;
  readonly house: NotifyHouse;
  ask(person: string, method: string, path: string, body?: unknown): Promise<Response>;
}

async function open(fetchOptions: object = { allowLoopback: true, ca: PUSH_CA }): Promise<Opened> {
  const service = await pushService();
  cleanups.push(() => service.close());
  const rest = await openRestHouse();
  cleanups.push(() => rest.close());
  const config = {
    channels: { push: { webpush: { contact: "mailto:ops@acme.example" } } },
    routes: [{ name: "held", to: [{ channel: "push", people: "approvers" }] }],
  };
  const house = await openNotifyHouse(config, { store: rest.store, fetchOptions });
  cleanups.push(() => house.close());
  const app = createRestApp({ ...rest.ports, notifications: house.notifying.access });
  return {
    service,
    rest,
    house,
    ask: async (person, method, path, body) =>
      app.request(`/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${person === "operator" ? OPERATOR_KEY : await rest.token(person)}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

describe("a browser that subscribed", () => {
  test("gets what only it can read, signed with the key the broker publishes", async () => {
    const { service, house, rest, ask } = await open();
    const browser = pushBrowser(service.origin);
    expect((await ask("lena", "POST", "/notifications/push/subscribe", browser.subscription)).status).toBe(200);
    const approval = await house.hold();
    await house.pass();
    expect(house.faults).toEqual([]);
    const [pushed] = service.taken;
    if (pushed === undefined) throw new Error("nothing was pushed");
    const told: unknown = JSON.parse(browser.read(pushed.body));
    expect(told).toMatchObject({
      title: "to answer: agent `support-bot` of acme/prod wants to change `tickets:update`",
      body: expect.stringMatching(/^fingerprint [0-9a-f-]{14}$/u),
      path: `/approvals/${approval.id}`,
    });
    expect(JSON.stringify(told)).not.toMatch(/T-17|closed|ana|happy/u);
    expect(() => pushBrowser(service.origin).read(pushed.body)).toThrow();
    const { publicKey } = (await (await ask("lena", "GET", "/notifications/push")).json()) as { publicKey: string };
    const claims = await vapidClaims(pushed.headers["authorization"] ?? "", publicKey, service.origin);
    expect(claims).toMatchObject({ sub: "mailto:ops@acme.example" });
    expect(pushed.headers).toMatchObject({ ttl: "3600", urgency: "high", "content-encoding": "aes128gcm" });
    const [sent] = await rest.store.notifications.list("acme", { limit: 10 });
    expect(pushed.headers["topic"]).toBe(sent?.id);
  });

  test("is recorded, and its address stands nowhere in plain", async () => {
    const { service, rest, ask } = await open();
    const browser = pushBrowser(service.origin);
    await ask("lena", "POST", "/notifications/push/subscribe", browser.subscription);
    const said = (await rest.store.log.read("acme", 0, 50)).map(saidBy);
    expect(said).toContainEqual(
      expect.objectContaining({ event: "notification.subscribe", via: "login-link", service: new URL(service.origin).host }),
    );
    expect(JSON.stringify(said)).not.toContain(new URL(browser.subscription.endpoint).pathname);
    expect(await rest.store.notifications.devices("acme", "lena")).toHaveLength(1);
    expect(await rest.store.notifications.devices("globex", "lena")).toEqual([]);
    const rows = await rowsOf(rest.databaseUrl, "push_subscriptions");
    expect(rows).toContain("sub_");
    for (const plain of ["lena", "localhost", browser.subscription.keys.auth]) expect(rows).not.toContain(plain);
  });

  test("that the push service no longer knows is forgotten, and the message is not a dead letter", async () => {
    const { service, house, rest, ask } = await open();
    await ask("lena", "POST", "/notifications/push/subscribe", pushBrowser(service.origin).subscription);
    service.statuses.push(410);
    await house.hold();
    await house.pass();
    expect(await rest.store.notifications.devices("acme", "lena")).toEqual([]);
    expect(await rest.store.notifications.list("acme", { limit: 10 })).toMatchObject([{ state: "cancelled" }]);
  });

  test("is its person's: another cannot take it away, the person can, and then nothing comes", async () => {
    const { service, house, rest, ask } = await open();
    const { subscription } = pushBrowser(service.origin);
    await ask("lena", "POST", "/notifications/push/subscribe", subscription);
    const remove = async (person: string): Promise<unknown> =>
      (await ask(person, "POST", "/notifications/push/unsubscribe", { endpoint: subscription.endpoint })).json();
    expect(await remove("olaf")).toEqual({ unsubscribed: false });
    expect(await remove("lena")).toEqual({ unsubscribed: true });
    await house.hold();
    await house.pass();
    expect(service.taken).toEqual([]);
    expect(await rest.store.notifications.list("acme", { limit: 10 })).toEqual([]);
  });

  test("goes with its person's erasure, and so does what waits for it", async () => {
    const { service, house, rest, ask } = await open();
    await ask("lena", "POST", "/notifications/push/subscribe", pushBrowser(service.origin).subscription);
    service.statuses.push(503);
    await house.hold();
    await house.pass();
    expect(await rest.store.notifications.list("acme", { limit: 10 })).toMatchObject([{ state: "waiting", to: { person: "lena" } }]);
    await rest.store.erasure.erase("acme", "lena", { by: { person: "ines" }, via: "passkey", reason: "asked" });
    expect(await rest.store.notifications.list("acme", { limit: 10 })).toEqual([]);
    expect(await rowsOf(rest.databaseUrl, "push_subscriptions")).toBe("");
    expect(await rowsOf(rest.databaseUrl, "deliveries")).toBe("");
  });

  test("whose address leads inwards is not reached: what a browser names is no way into the network", async () => {
    const { service, house, rest, ask } = await open({ ca: PUSH_CA });
    await ask("lena", "POST", "/notifications/push/subscribe", pushBrowser(service.origin).subscription);
    await house.hold();
    await house.pass();
    expect(service.taken).toEqual([]);
    const [dead] = await rest.store.notifications.list("acme", { limit: 10 });
    expect(dead).toMatchObject({ state: "dead", lastError: expect.stringContaining("private or special address") });
  });

  test.each([
    ["no endpoint", { endpoint: "" }],
    ["an endpoint without TLS", { endpoint: "http://push.example/x" }],
    ["a key that is no point", { keys: { p256dh: "AAAA", auth: "A".repeat(22) } }],
    ["a further member", { surprise: true }],
  ])("with %s is refused", async (_, wrong) => {
    const { service, ask } = await open();
    const answer = await ask("lena", "POST", "/notifications/push/subscribe", { ...pushBrowser(service.origin).subscription, ...wrong });
    expect(answer.status).toBe(400);
  });
});

test("without web push in `notify.yaml` there is no key, and nobody can subscribe", async () => {
  const rest = await openRestHouse();
  cleanups.push(() => rest.close());
  const lena = await rest.as("lena");
  expect(await (await lena("GET", "/api/v1/notifications/push")).json()).toEqual({});
  expect((await lena("POST", "/api/v1/notifications/push/subscribe", pushBrowser("https://push.example").subscription)).status).toBe(404);
});

test("the worker is served for the whole origin, and may load nothing", async () => {
  const rest = await openRestHouse();
  cleanups.push(() => rest.close());
  const answer = await rest.anyone("GET", "/push-worker.js");
  expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(answer.headers.get("service-worker-allowed")).toBe("/");
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
});

test("the broker's key is the same for the same root key, another for another, and always a point of the curve", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (one, other) => {
      const keys = vapidKeys(one);
      const curve = createECDH("prime256v1");
      curve.setPrivateKey(keys.privateKey, "base64url");
      expect(Buffer.from(keys.privateKey, "base64url")).toHaveLength(32);
      expect(curve.getPublicKey("base64url")).toBe(keys.publicKey);
      expect(vapidKeys(one)).toEqual(keys);
      expect(vapidKeys(other).publicKey === keys.publicKey).toBe(Buffer.from(one).equals(Buffer.from(other)));
    }),
    { numRuns: 30 },
  );
});
