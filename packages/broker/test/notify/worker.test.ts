import type { Browser, BrowserContext, CDPSession, Page, Worker } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { PAGE_HEADERS } from "../../src/adapters/rest/console.ts";
import { openBrowser } from "../console/browser.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";

let house: ServedHouse;
let opened: { readonly browser: Browser; close(): Promise<void> };
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  house = await serveRestHouse();
  opened = await openBrowser();
}, 120_000);
afterAll(async () => {
  await opened.close();
  await house.close();
});

beforeEach(async () => {
  context = await opened.browser.newContext();
  await context.grantPermissions(["notifications"], { origin: house.url });
  page = await context.newPage();
  // A page of ours under its own headers, with the one policy that turning messages on needs.
  const csp = (PAGE_HEADERS["content-security-policy"] ?? "").replace("trusted-types 'none'", "trusted-types push-worker");
  const headers = { ...PAGE_HEADERS, "content-security-policy": csp, "content-type": "text/html" };
  await page.route(`${house.url}/settings`, async (route) => route.fulfill({ headers, body: "<!doctype html><title>settings</title>" }));
  await page.goto(`${house.url}/settings`);
});
afterEach(async () => {
  await context.close();
});

/** Registers the worker as the console does. A browser without a screen shows no messages, so the worker's last step is noted instead of shown. */
async function registered(): Promise<{ readonly client: CDPSession; readonly registrationId: string; readonly worker: Worker }> {
  const client = await context.newCDPSession(page);
  const seen = new Promise<string>((resolve) => {
    client.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [first] = registrations;
      if (first !== undefined) resolve(first.registrationId);
    });
  });
  await client.send("ServiceWorker.enable");
  const scope = await page.evaluate(`(async () => {
    const policy = trustedTypes.createPolicy("push-worker", { createScriptURL: () => "/push-worker.js" });
    await navigator.serviceWorker.register(policy.createScriptURL(""));
    return (await navigator.serviceWorker.ready).scope;
  })()`);
  expect(scope).toBe(`${house.url}/`);
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  await worker.evaluate(`
    self.shown = [];
    self.registration.showNotification = async (title, options) => void self.shown.push({ title, ...options });
    self.opened = [];
    self.clients.openWindow = async (url) => void self.opened.push(url);
  `);
  return { client, registrationId: await seen, worker };
}

test("a push reaches the worker in a real browser, which shows what the broker said, under the delivery's id", async () => {
  const { client, registrationId, worker } = await registered();
  await client.send("ServiceWorker.deliverPushMessage", {
    origin: house.url,
    registrationId,
    data: JSON.stringify({ title: "to answer: a thing", body: "fingerprint 1-2-3", path: "/approvals/apr_1", tag: "ntf_1" }),
  });
  await expect
    .poll(async () => worker.evaluate("self.shown"), { timeout: 10_000 })
    .toEqual([
      { title: "to answer: a thing", body: "fingerprint 1-2-3", tag: "ntf_1", icon: "/icon.svg", data: { path: "/approvals/apr_1" } },
    ]);
});

test("a click opens the broker's page, and a message that names another site opens nothing", async () => {
  const { worker } = await registered();
  const clicked = async (path: string): Promise<unknown> =>
    worker.evaluate(`
      self.opened.length = 0;
      const event = Object.assign(new ExtendableEvent("notificationclick"), {
        notification: { close: () => undefined, data: { path: ${JSON.stringify(path)} } },
        waitUntil: () => undefined,
      });
      self.dispatchEvent(event);
      [...self.opened];
    `);
  expect(await clicked("/approvals/apr_1")).toEqual([`${house.url}/approvals/apr_1`]);
  for (const path of ["https://evil.example/", "//evil.example/x", "\\\\evil.example", "javascript:alert(1)"])
    expect(await clicked(path), path).toEqual([]);
});

test("without that policy a page of ours cannot register any worker", async () => {
  // The page moves from an address to `localhost` by itself.
  await page.goto(`${house.url.replace("127.0.0.1", "localhost")}/enrol`);
  const refused = await page.evaluate(
    `navigator.serviceWorker.register("/push-worker.js").then(() => "registered", (error) => String(error))`,
  );
  expect(refused).toContain("TrustedScriptURL");
});
