import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBrowser } from "../console/browser.ts";
import { given } from "./support/answers.ts";
import { openOAuthHouse, type OAuthHouse } from "./support/house.ts";
import { personClient, registerClient } from "./support/person-client.ts";

/** Starting Chromium takes seconds on a busy machine. */
const SLOW_MS = 120_000;

let house: OAuthHouse;
let opened: { readonly browser: Browser; close(): Promise<void> };
let client: Server;
let callback: string;
/** What came to the client's callback. */
let arrived: PromiseWithResolvers<URLSearchParams>;
let context: BrowserContext;

beforeAll(async () => {
  house = await openOAuthHouse();
  opened = await openBrowser();
  client = createServer((req, res) => {
    const url = new URL(req.url ?? "/", "http://client.invalid");
    res.setHeader("content-type", "text/html");
    if (url.pathname === "/callback") {
      arrived.resolve(url.searchParams);
      res.end("<p>done</p>");
      return;
    }
    const to = url.searchParams.get("to") ?? "";
    res.end(url.pathname === "/frame" ? `<iframe src="${to}"></iframe>` : `<a href="${to}">connect</a>`);
  });
  client.listen(0, "127.0.0.1");
  await once(client, "listening");
  const address = client.address();
  if (address === null || typeof address === "string") throw new Error("the client has no port");
  callback = `http://127.0.0.1:${address.port}/callback`;
}, SLOW_MS);
afterAll(async () => {
  await opened.close();
  client.closeAllConnections();
  client.close();
  await house.close();
}, SLOW_MS);
afterEach(async () => context.close());

/** A browser without script in which Ana is signed in, on the client's own page, which is another site than ours. */
async function onClientsPage(): Promise<{
  readonly page: Awaited<ReturnType<BrowserContext["newPage"]>>;
  readonly redeem: (code: string) => Promise<Response>;
}> {
  arrived = Promise.withResolvers<URLSearchParams>();
  context = await opened.browser.newContext({ javaScriptEnabled: false });
  const [name = "", value = ""] = (await house.cookieOf("ana")).split("=");
  await context.addCookies([{ name, value, url: house.peopleUrl, httpOnly: true, sameSite: "Strict" }]);
  const { client_id: id } = (await (await registerClient(house, { redirect_uris: [callback] })).json()) as { client_id: string };
  const desk = await personClient(house, "ana", id);
  const start = desk.addressOf({ redirect_uri: callback });
  const page = await context.newPage();
  await page.goto(`${new URL(callback).origin}/?to=${encodeURIComponent(start)}`);
  await page.click("a");
  await page.waitForSelector('button[value="deny"]');
  return { page, redeem: (code) => desk.redeem(code, { redirect_uri: callback }) };
}

test(
  "a person who comes from the client's site, signed in, allows without script and is led to the client",
  async () => {
    const { page, redeem } = await onClientsPage();
    await page.check('input[value="bailiwick://acme/prod/support/support-bot"]');
    await page.fill('input[name="task"]', "T-17");
    await page.click('button[value="allow"]');
    const token = await given(await redeem((await arrived.promise).get("code") ?? ""));
    expect(await house.store.sessions.find("acme", token.session)).toMatchObject({ user: "ana", task: "T-17" });
  },
  SLOW_MS,
);

test(
  "Enter on the page denies: the way out has the focus",
  async () => {
    const { page } = await onClientsPage();
    await page.waitForSelector('button[value="deny"]:focus');
    await page.keyboard.press("Enter");
    expect((await arrived.promise).get("error")).toBe("access_denied");
  },
  SLOW_MS,
);

test(
  "clickjacking: the page is shown in no frame, not even on the same site",
  async () => {
    const { page } = await onClientsPage();
    const address = page.url();
    // The same site, so that the person's cookies travel along, and another origin.
    await page.goto(`http://localhost:${new URL(callback).port}/frame?to=${encodeURIComponent(address)}`);
    const framed = page.frames().find((frame) => frame !== page.mainFrame());
    expect(framed).toBeDefined();
    expect(await framed?.locator('button[value="allow"]').count()).toBe(0);
  },
  SLOW_MS,
);
