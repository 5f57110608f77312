import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type Receipt, verifyReceipt } from "../../src/domain/receipt.ts";
import { company } from "../people-support/company.ts";
import { startIdentityProvider, type TestIdentityProvider } from "../people-support/identity-provider.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { openBrowser } from "./browser.ts";
import { addAuthenticator, type PageAuthenticator } from "./passkey-page.ts";

let house: ServedHouse;
let provider: TestIdentityProvider;
let opened: Awaited<ReturnType<typeof openBrowser>>;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let authenticator: PageAuthenticator;
let home: string;
let complaints: string[];

beforeAll(async () => {
  house = await serveRestHouse({
    policy: () => {
      const { issuer, clientId } = provider;
      return { ...company, signIn: { sso: { issuer, clientId, clientSecret: "${env:SSO_SECRET}", name: "Example login" } } };
    },
    environment: (name) => (name === "SSO_SECRET" ? provider.clientSecret : undefined),
  });
  home = house.url.replace("127.0.0.1", "localhost");
  provider = await startIdentityProvider(home, { deliver: true });
  opened = await openBrowser();
  browser = opened.browser;
}, 120_000);
afterAll(async () => {
  await opened.close();
  await provider.close();
  await house.close();
});
beforeEach(async () => {
  complaints = [];
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("status of 4")) complaints.push(message.text());
  });
  authenticator = await addAuthenticator(page);
});
afterEach(async () => {
  await context.close();
  expect(complaints).toEqual([]);
});

async function invitation(person: string): Promise<string> {
  const answer = await house.operator("POST", `/api/v1/people/${person}/invite`, {});
  return z.object({ url: z.string() }).parse(await answer.json()).url;
}

/** Enrols through the page and returns the recovery codes that it showed. */
async function enrol(person: string): Promise<readonly string[]> {
  await page.goto(await invitation(person));
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.getByText("You are enrolled and signed in").waitFor();
  return page.locator(".codes code").allInnerTexts();
}

async function signOut(): Promise<void> {
  await page.goto(`${home}/account`);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.waitForURL(`${home}/sign-in`);
}

async function whoIs(): Promise<unknown> {
  return page.evaluate("fetch('/api/v1/me').then((answer) => answer.json()).then(({ id, via }) => ({ id, via }))");
}

test("a person opens the enrolment link, makes a passkey, sees ten recovery codes once, and is signed in", async () => {
  const link = await invitation("lena");
  await page.goto(link);
  await page.getByText("Lena Lead (lena)").waitFor();
  expect(page.url()).toBe(`${home}/enrol`);
  await page.getByLabel("Name of this passkey").fill("laptop");
  await page.keyboard.press("Enter");
  await page.getByText("You are enrolled and signed in").waitFor();
  expect(new Set(await page.locator(".codes code").allInnerTexts()).size).toBe(10);
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  expect(await whoIs()).toEqual({ id: "lena", via: "passkey" });
  await page.goto(link);
  await page.getByText("unknown, used or expired").waitFor();
});

test("a person signs in with the passkey by keyboard alone, and goes on to where they wanted to", async () => {
  await enrol("lena");
  await signOut();
  await page.goto(`${home}/sign-in?next=${encodeURIComponent("/account")}`);
  await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(`${home}/account`);
  expect(await whoIs()).toEqual({ id: "lena", via: "passkey" });
});

test("open redirect: the sign-in page leads to no other site", async () => {
  await enrol("lena");
  for (const next of ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:document.title='owned'"]) {
    await page.goto(`${home}/sign-in?next=${encodeURIComponent(next)}`);
    await page.waitForURL(`${home}/`);
  }
});

test("a device that does not recognise its person signs nobody in, and the page says so", async () => {
  await enrol("lena");
  await signOut();
  await authenticator.verifies(false);
  await page.goto(`${home}/sign-in`);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("alert").getByText("cancelled or took too long").waitFor();
  await authenticator.verifies(true);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.waitForURL(`${home}/`);
});

test("on a loopback address the page moves to localhost, where passkeys exist, and takes the link along", async () => {
  const link = await invitation("lena");
  await page.goto(link.replace("localhost", "127.0.0.1"));
  await page.getByText("Lena Lead (lena)").waitFor();
  expect(page.url()).toBe(`${home}/enrol`);
});

/** Receipts beside the records of a tenant, in the order of the log. */
async function receiptsIn(tenant: string): Promise<readonly Receipt[]> {
  const facts = z.object({ receipt: z.custom<Receipt>((value) => typeof value === "object") });
  const records = await house.store.log.read(tenant, 0, 2_000);
  const beside = await Promise.all(records.map(({ callId }) => house.store.log.facts(tenant, callId)));
  return beside.flatMap((each) => facts.safeParse(each).data?.receipt ?? []);
}

test("making new recovery codes and removing a passkey are signed by the passkey, and the receipts verify offline", async () => {
  const old = await enrol("olaf");
  await page.goto(`${home}/account`);
  await page.getByRole("button", { name: "Make new recovery codes" }).click();
  await page.locator(".codes code").first().waitFor();
  expect(await page.locator(".codes code").allInnerTexts()).not.toContain(old[0]);
  await page.getByRole("button", { name: "Remove passkey My passkey" }).click();
  await page.getByText("You have no passkey yet").waitFor();
  const receipts = await receiptsIn("globex");
  expect(receipts.map(({ document }) => document["action"])).toEqual(["regenerate_recovery_codes", "remove_passkey"]);
  for (const receipt of receipts) {
    expect(verifyReceipt(receipt, { rpId: "localhost", origin: home, publicKey: receipt.publicKey })).toEqual({ ok: true });
  }
});

test("a step-up that the person does not confirm changes nothing", async () => {
  await enrol("greta");
  await page.goto(`${home}/account`);
  await authenticator.verifies(false);
  await page.getByRole("button", { name: "Remove passkey My passkey" }).click();
  await page.getByRole("alert").getByText("nothing was done").waitFor();
  expect(await house.store.signIn.passkeys.list("greta")).toHaveLength(1);
});

test("without the passkey a recovery code signs in, and a new passkey can be registered at once", async () => {
  const codes = await enrol("ana");
  await context.close();
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await addAuthenticator(page);
  await page.goto(`${home}/sign-in`);
  await page.getByText("Use a recovery code").click();
  await page.getByLabel("Your name in the policy").fill("ana");
  await page.getByLabel("Recovery code").fill(codes[3] ?? "");
  await page.getByRole("button", { name: "Sign in with the code" }).click();
  await page.getByText("9 left").waitFor();
  await page.getByRole("link", { name: "Register a new one" }).click();
  await page.getByLabel("Name of a new passkey").fill("new phone");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The passkey new phone is registered").waitFor();
  expect((await house.store.signIn.passkeys.list("ana")).map(({ name }) => name)).toEqual(["My passkey", "new phone"]);
});

test("single sign-on: an enrolment link links the account, and from then on the button on the sign-in page is enough", async () => {
  provider.setAccount("rudi-at-the-provider");
  await page.goto(await invitation("rudi"));
  await page.getByRole("button", { name: "Use Example login instead" }).click();
  await page.waitForURL(`${home}/account`);
  await page.getByText(`Linked: ${provider.issuer}`).waitFor();
  await signOut();
  await page.goto(`${home}/sign-in?next=${encodeURIComponent("/account")}`);
  await page.getByRole("button", { name: "Sign in with Example login" }).click();
  await page.waitForURL(`${home}/account`);
  expect(await whoIs()).toEqual({ id: "rudi", via: "sso" });
});

test("when the identity provider ends its session, the browser is signed out here as well (back-channel logout)", async () => {
  provider.setAccount("olaf-at-the-provider");
  await page.goto(await invitation("olaf"));
  await page.getByRole("button", { name: "Use Example login instead" }).click();
  await page.waitForURL(`${home}/account`);
  await page.getByText(`Linked: ${provider.issuer}`).waitFor();
  await provider.logoutToken({ sub: "olaf-at-the-provider", sid: provider.lastSid() });
  await page.reload();
  await page.waitForURL(`${home}/sign-in?next=/account`);
  expect(provider.faults).toEqual([]);
});

test("an account that nobody linked is told what to do", async () => {
  provider.setAccount("a stranger");
  await page.goto(`${home}/sign-in`);
  await page.getByRole("button", { name: "Sign in with Example login" }).click();
  await page.getByText("not linked to any person here").waitFor();
  await page.getByRole("link", { name: "Back to the sign-in page" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
});

test("an owner invites on the people page; for another owner the passkey signs it; others see no button", async () => {
  await enrol("ines");
  await page.goto(`${home}/people`);
  await page.getByRole("button", { name: "Invite Lena Lead" }).click();
  await page.getByText("becomes lena").waitFor();
  await page.getByRole("button", { name: "Invite Ines Owner" }).click();
  await page.getByText("becomes ines").waitFor();
  expect(await page.locator("#link code").innerText()).toMatch(new RegExp(`^${home}/enrol#[\\w-]{43}$`, "u"));
  expect((await receiptsIn("acme")).filter(({ document }) => document["action"] === "invite_owner")).toHaveLength(1);
  await enrol("lena");
  await page.goto(`${home}/people`);
  await page.getByText("Ana Agent").waitFor();
  expect(await page.getByRole("button", { name: /^Invite/u }).count()).toBe(0);
});

test("signing out everywhere ends the other browser's sign-in", async () => {
  await enrol("lena");
  const token = (await context.cookies(home)).find(({ name }) => name === "bailiwick_person")?.value;
  const other = await browser.newContext();
  await other.addCookies([{ name: "bailiwick_person", value: token ?? "", url: home }]);
  const elsewhere = await other.newPage();
  await elsewhere.goto(`${home}/account`);
  await elsewhere.getByRole("heading", { name: "Passkeys" }).waitFor();
  await page.goto(`${home}/account`);
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.waitForURL(`${home}/sign-in`);
  await elsewhere.reload();
  await elsewhere.waitForURL(`${home}/sign-in?next=/account`);
  await other.close();
});

test("at 320 pixels no page has to be scrolled sideways", async () => {
  const width = async (): Promise<unknown> => page.evaluate("document.documentElement.scrollWidth");
  await page.setViewportSize({ width: 320, height: 640 });
  await enrol("lena");
  expect(await width()).toBeLessThanOrEqual(320);
  await page.goto(`${home}/account`);
  await page.getByRole("button", { name: "Remove passkey My passkey" }).first().waitFor();
  expect(await width()).toBeLessThanOrEqual(320);
  await signOut();
  await page.goto(`${home}/sign-in`);
  await page.getByText("Use a recovery code").click();
  expect(await width()).toBeLessThanOrEqual(320);
});
