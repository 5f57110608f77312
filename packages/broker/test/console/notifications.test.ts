import { createECDH, randomBytes } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { NewDelivery } from "../../src/domain/notification.ts";
import { HOSTILE } from "./rights-house.ts";
import { accessibilityProblems, openConsole, type OpenedConsole, sidewaysPixels } from "./support.ts";

const ENDPOINT = "https://push.example/lena-1";

let opened: OpenedConsole;
let routes = 0;
let pushKey: string | undefined;
const woken: string[] = [];
beforeAll(async () => {
  opened = await openConsole();
  const { store } = opened.house.ports.notifications;
  Object.defineProperty(opened.house.ports, "notifications", {
    get: () => ({ store, channels: [], addresses: [], routes, pushKey, wake: (tenant: string) => void woken.push(tenant) }),
  });
}, 120_000);
afterEach(async () => {
  expect(await opened.closePages()).toEqual([]);
});
afterAll(async () => opened.close());

/** A message of acme that was given up. */
async function givenUp(over: Partial<NewDelivery>, error: string): Promise<string> {
  const { notifications } = opened.house.store;
  const now = new Date();
  const made = await notifications.put(
    "acme",
    {
      key: randomBytes(9).toString("hex"),
      route: "leads",
      channel: "mail",
      purpose: "notice",
      to: { person: "lena" },
      items: [{ kind: "approval", id: "apr_1", what: "pending" }],
      nextAt: now,
      gathers: false,
      ...over,
    },
    now,
  );
  if (made === undefined) throw new Error("there was such a message");
  await notifications.claim("acme", { now, until: new Date(now.getTime() + 60_000), limit: 10 });
  const claimed = await notifications.find("acme", made.id);
  if (claimed === undefined) throw new Error("the message is gone");
  await notifications.settle(claimed, { state: "dead", error });
  return made.id;
}

async function isSubscribed(person: string): Promise<boolean> {
  return (await opened.house.store.notifications.devices("acme", person)).length > 0;
}

test("without a route the page says that nobody is told, and how to look from a terminal", async () => {
  const page = await opened.visit("lena", "/notifications");
  await page.getByText("Nobody is told of held calls.").waitFor();
  await page.getByText("bailiwick notifications list").waitFor();
});

test("a message that was given up stands there with its reason, and an operator sends it again", async () => {
  routes = 1;
  const id = await givenUp({}, `the server said \`${HOSTILE}\``);
  for (const look of [
    { width: 1280, theme: "light" },
    { width: 320, theme: "dark" },
  ] as const) {
    const page = await opened.visit("olaf", "/notifications", look);
    await page.getByText("given up: somebody was not told").waitFor();
    await page.getByText("onerror").waitFor();
    expect(await page.title()).not.toBe("owned");
    expect(await page.getByRole("link", { name: "approval pending" }).getAttribute("href")).toBe("/approvals/apr_1");
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(await sidewaysPixels(page)).toBe(0);
  }
  const page = await opened.visit("olaf", "/notifications?state=dead");
  await page.getByRole("button", { name: "Send again to lena" }).click();
  await page.getByText("It is sent again by mail.").waitFor();
  await page.getByText("No message is in this state.").waitFor();
  expect((await opened.house.store.notifications.find("acme", id))?.state).toBe("waiting");
  expect(woken).toEqual(["acme"]);
});

test("who may only answer sees what did not arrive and no button; of another tenant nothing is seen", async () => {
  await givenUp({ to: { person: "ana" } }, "nobody there");
  const lena = await opened.visit("lena", "/notifications");
  await lena.getByText("sending again takes the role operator or owner").waitFor();
  expect(await lena.getByRole("button", { name: /Send again/u }).count()).toBe(0);
  const greta = await opened.visit("greta", "/notifications");
  await greta.getByText("No message was sent yet.").waitFor();
});

test("a person turns messages on in a browser and off again; no other page can make a worker", async () => {
  pushKey = serverKey();
  const page = await browserOf("lena");
  await page.goto(`${opened.origin}/account`);
  await page.getByRole("button", { name: "Turn them on in this browser" }).click();
  await page.getByText("This browser shows messages from now on.").waitFor();
  expect(await isSubscribed("lena")).toBe(true);
  expect(
    await page.evaluate(
      "navigator.serviceWorker.controller?.scriptURL ?? navigator.serviceWorker.ready.then(({ active }) => active.scriptURL)",
    ),
  ).toBe(`${opened.origin}/push-worker.js`);
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole("button", { name: "Turn them off in this browser" }).click();
  await page.getByText("This browser shows no messages any more.").waitFor();
  expect(await isSubscribed("lena")).toBe(false);
  await page.goto(`${opened.origin}/notifications`);
  const made = await page.evaluate(
    `(() => { try { trustedTypes.createPolicy("push-worker", { createScriptURL: () => "/push-worker.js" }); return "made"; } catch (error) { return error.name; } })()`,
  );
  expect(made).toBe("TypeError");
  // The browser says so as well, as it should.
  await opened.closePages();
});

test("a broker that sends no web push says so, and offers no button", async () => {
  pushKey = undefined;
  const page = await opened.visit("lena", "/account");
  await page.getByText("This broker sends none").waitFor();
  expect(await page.getByRole("button", { name: /in this browser/u }).count()).toBe(0);
});

/**
 * A browser of a person that lets them be shown messages. A browser without a screen shows none, and no push service is to be had here: what the
 * browser itself does is set in.
 */
async function browserOf(person: string): Promise<Page> {
  const page = await opened.visit(person);
  const subscription = {
    endpoint: ENDPOINT,
    expirationTime: null,
    keys: { p256dh: serverKey(), auth: randomBytes(16).toString("base64url") },
  };
  await page.addInitScript(`
    const subscription = { ...${JSON.stringify(subscription)}, toJSON: () => (${JSON.stringify(subscription)}) };
    subscription.unsubscribe = async () => { sessionStorage.removeItem("on"); return true; };
    let permission = "default";
    Object.defineProperty(Notification, "permission", { get: () => permission });
    Notification.requestPermission = async () => (permission = "granted");
    PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
      if (!userVisibleOnly || typeof applicationServerKey !== "string") throw new TypeError("refused");
      sessionStorage.setItem("on", "on");
      return subscription;
    };
    PushManager.prototype.getSubscription = async () => (sessionStorage.getItem("on") === null ? null : subscription);
  `);
  return page;
}

function serverKey(): string {
  return createECDH("prime256v1").generateKeys("base64url");
}
