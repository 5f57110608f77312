import { generateKeyPairSync } from "node:crypto";
import { type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { enrol, invitationCode, openPeopleBrowser, PEOPLE_URL, type PeopleBrowser, stepUp } from "../people-support/browser.ts";
import { company } from "../people-support/company.ts";
import { startIdentityProvider, type TestIdentityProvider } from "../people-support/identity-provider.ts";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";

let provider: TestIdentityProvider;
let house: RestHouse;
beforeAll(async () => {
  provider = await startIdentityProvider(PEOPLE_URL);
  const { issuer, clientId, clientSecret } = provider;
  const sso = { issuer, clientId, clientSecret: "${env:SSO_SECRET}", name: "Example login" };
  house = await openRestHouse({
    policy: () => ({ ...company, signIn: { sso } }),
    environment: (name) => (name === "SSO_SECRET" ? clientSecret : undefined),
  });
});
afterEach(() => {
  expect(provider.faults).toEqual([]);
  house.setNow(new Date());
});
afterAll(async () => {
  await house.close();
  await provider.close();
});

let accounts = 0;
function newAccount(): string {
  accounts += 1;
  provider.setAccount(`subject-${accounts}`);
  return `subject-${accounts}`;
}

/** Goes to the provider and returns the address it sends the browser back to. */
async function toProvider(browser: PeopleBrowser, path: string, body: unknown = {}): Promise<string> {
  const { url } = z.object({ url: z.string() }).parse(await browser.done(path, body));
  return (await provider.visit(url)).slice(PEOPLE_URL.length);
}

async function link(person: string): Promise<{ readonly browser: PeopleBrowser; readonly subject: string }> {
  const subject = newAccount();
  const browser = openPeopleBrowser(house);
  const back = await toProvider(browser, "/enrolment/sso", { code: await invitationCode(house, person) });
  expect((await browser.send("GET", back)).status).toBe(200);
  return { browser, subject };
}

async function whoIs(browser: PeopleBrowser): Promise<unknown> {
  const answer = await browser.get("/me");
  return answer.status === 200 ? z.object({ id: z.string(), via: z.string() }).parse(await answer.json()) : answer.status;
}

test("the holder of an enrolment link links their account, is signed in, and signs in by it from then on", async () => {
  const { browser } = await link("lena");
  expect(await whoIs(browser)).toEqual({ id: "lena", via: "sso" });
  const other = openPeopleBrowser(house);
  const answer = await other.send("GET", await toProvider(other, "/sign-in/sso", { next: "/oauth/consent?id=7&x=1" }));
  expect(await answer.text()).toContain('content="0;url=/oauth/consent?id=7&amp;x=1"');
  expect(await whoIs(other)).toEqual({ id: "lena", via: "sso" });
});

test("an account that nobody linked is refused with what to do, whatever its e-mail address says", async () => {
  newAccount();
  const browser = openPeopleBrowser(house);
  const answer = await browser.send("GET", await toProvider(browser, "/sign-in/sso"));
  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain("bailiwick people invite");
  expect(await whoIs(browser)).toBe(401);
});

test("an enrolment link links one account, once, and then enrols nobody else", async () => {
  const code = await invitationCode(house, "ana");
  newAccount();
  const browser = openPeopleBrowser(house);
  const back = await toProvider(browser, "/enrolment/sso", { code });
  await browser.send("GET", back);
  expect(await whoIs(browser)).toEqual({ id: "ana", via: "sso" });
  expect(await openPeopleBrowser(house).refused("/enrolment/sso", { code })).toEqual([403, "enrolment_refused"]);
});

test("a signed-in person links an account with a signature, and another person cannot take it over", async () => {
  const subject = newAccount();
  const { browser, passkey } = await enrol(house, "olaf");
  expect(await browser.refused("/account/sso", {})).toEqual([403, "step_up_required"]);
  const signed = await stepUp(browser, passkey, { action: "link_sso", subject: "olaf" });
  expect((await browser.send("GET", await toProvider(browser, "/account/sso", { stepUp: signed }))).status).toBe(200);
  expect(await (await browser.get("/account")).json()).toMatchObject({ sso: [{ issuer: provider.issuer }] });
  provider.setAccount(subject);
  const greta = openPeopleBrowser(house);
  const back = await toProvider(greta, "/enrolment/sso", { code: await invitationCode(house, "greta") });
  expect((await greta.send("GET", back)).status).toBe(403);
  expect(await whoIs(greta)).toBe(401);
});

test("login CSRF: the provider's answer to an attacker's sign-in signs nobody in whose browser did not begin it", async () => {
  await link("lena");
  const back = await toProvider(openPeopleBrowser(house), "/sign-in/sso");
  const victim = openPeopleBrowser(house);
  expect((await victim.send("GET", back)).status).toBe(403);
  await victim.done("/sign-in/sso", {});
  expect((await victim.send("GET", back)).status).toBe(403);
  expect(await whoIs(victim)).toBe(401);
});

test("code replay: an answer of the provider counts once", async () => {
  await link("lena");
  const browser = openPeopleBrowser(house);
  const back = await toProvider(browser, "/sign-in/sso");
  const cookies = new Map(browser.cookies);
  expect((await browser.send("GET", back)).status).toBe(200);
  const again = openPeopleBrowser(house);
  for (const [name, value] of cookies) again.cookies.set(name, value);
  expect((await again.send("GET", back)).status).toBe(403);
});

test("a code injected from another browser's flow is refused: it was issued for another verifier and nonce", async () => {
  await link("lena");
  const stolen = new URL(await toProvider(openPeopleBrowser(house), "/sign-in/sso"), PEOPLE_URL);
  const attacker = openPeopleBrowser(house);
  const own = new URL(await toProvider(attacker, "/sign-in/sso"), PEOPLE_URL);
  own.searchParams.set("code", stolen.searchParams.get("code") ?? "");
  expect((await attacker.send("GET", `${own.pathname}${own.search}`)).status).toBe(403);
  expect(await whoIs(attacker)).toBe(401);
  provider.faults.splice(0);
});

test.each([
  ["a changed state", (query: URLSearchParams) => query.set("state", "x")],
  ["the issuer of another provider (mix-up)", (query: URLSearchParams) => query.set("iss", "https://evil.example")],
  ["no issuer although the provider names itself", (query: URLSearchParams) => query.delete("iss")],
  ["an error instead of a code", (query: URLSearchParams) => (query.delete("code"), query.set("error", "access_denied"))],
  ["two codes", (query: URLSearchParams) => query.append("code", "another")],
])("%s is refused", async (_, change) => {
  await link("lena");
  const browser = openPeopleBrowser(house);
  const back = new URL(await toProvider(browser, "/sign-in/sso"), PEOPLE_URL);
  change(back.searchParams);
  expect((await browser.send("GET", `${back.pathname}${back.search}`)).status).toBe(403);
  expect(await whoIs(browser)).toBe(401);
});

test("a sign-in at the provider that takes longer than ten minutes is refused", async () => {
  await link("lena");
  const browser = openPeopleBrowser(house);
  const back = await toProvider(browser, "/sign-in/sso");
  house.setNow(new Date(Date.now() + 10 * 60_000 + 1_000));
  expect((await browser.send("GET", back)).status).toBe(403);
});

test("the return's cookie is Lax because it comes from another site; the sign-in's stays Strict", async () => {
  await link("lena");
  const browser = openPeopleBrowser(house);
  const back = await toProvider(browser, "/sign-in/sso");
  expect(browser.attributes.get("bailiwick_sso")).toMatch(/HttpOnly; SameSite=Lax$/u);
  await browser.send("GET", back);
  expect(browser.attributes.get("bailiwick_person")).toMatch(/HttpOnly; SameSite=Strict$/u);
});

test("without a configured provider, or without its secret, the answer says what to set", async () => {
  const none = await openRestHouse();
  expect(await openPeopleBrowser(none).refused("/sign-in/sso", {})).toEqual([502, "sso_unavailable"]);
  await none.close();
  const { issuer, clientId } = provider;
  const sso = { issuer, clientId, clientSecret: "${env:UNSET}", name: "Example login" };
  const unset = await openRestHouse({ policy: () => ({ ...company, signIn: { sso } }) });
  const answer = await openPeopleBrowser(unset).post("/sign-in/sso", {});
  expect(await answer.text()).toContain("`UNSET`");
  await unset.close();
});

test("a provider that is down is said to be, and is asked again after a few seconds", async () => {
  const late = await startIdentityProvider(PEOPLE_URL);
  await late.close();
  const { issuer, clientId, clientSecret } = late;
  const sso = { issuer, clientId, clientSecret: "${env:S}", name: "Example login" };
  const port = Number(new URL(issuer).port);
  const down = await openRestHouse({ policy: () => ({ ...company, signIn: { sso } }), environment: () => clientSecret });
  const browser = openPeopleBrowser(down);
  expect(await browser.refused("/sign-in/sso", {})).toEqual([502, "sso_unavailable"]);
  const again = await startIdentityProvider(PEOPLE_URL, { port });
  expect(await browser.refused("/sign-in/sso", {})).toEqual([502, "sso_unavailable"]);
  down.setNow(new Date(Date.now() + 6_000));
  expect(await browser.done("/sign-in/sso", {})).toEqual({ url: expect.stringContaining(`${issuer}/auth?`) });
  await again.close();
  await down.close();
});

const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };

async function logOut(token: string): Promise<number> {
  const body = new URLSearchParams({ logout_token: token }).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return (await house.app.request("/sso/back-channel-logout", { method: "POST", headers, body })).status;
}

function claims(more: JWTPayload = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  const jti = `jti-${Math.trunc(performance.now() * 1000)}`;
  return { iss: provider.issuer, aud: provider.clientId, iat: now, exp: now + 120, jti, events: EVENTS, ...more };
}

test("back-channel logout by the provider's session ends that sign-in and no other, once", async () => {
  const { browser, subject } = await link("lena");
  const sid = provider.lastSid();
  const other = openPeopleBrowser(house);
  await other.send("GET", await toProvider(other, "/sign-in/sso"));
  const token = await provider.logoutToken({ sub: subject, sid });
  expect(await logOut(token)).toBe(200);
  expect(await whoIs(browser)).toBe(401);
  expect(await whoIs(other)).toEqual({ id: "lena", via: "sso" });
  expect(await logOut(token)).toBe(400);
});

test("back-channel logout by the subject ends all sign-ins of that account and leaves a passkey's alone", async () => {
  const { browser, subject } = await link("ana");
  const other = openPeopleBrowser(house);
  await other.send("GET", await toProvider(other, "/sign-in/sso"));
  const byKey = await enrol(house, "ana");
  expect(await logOut(await provider.sign(claims({ sub: subject })))).toBe(200);
  expect([await whoIs(browser), await whoIs(other)]).toEqual([401, 401]);
  expect(await whoIs(byKey.browser)).toEqual({ id: "ana", via: "passkey" });
});

test("a forged, foreign, stale or malformed logout token ends nothing", async () => {
  const { browser, subject } = await link("lena");
  const own = { sub: subject };
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const forged = await new SignJWT(claims(own)).setProtectedHeader({ alg: "RS256", kid: "k1", typ: "logout+jwt" }).sign(privateKey);
  const shared = await new SignJWT(claims(own)).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(Buffer.from(provider.clientSecret));
  const past = Math.floor(Date.now() / 1000) - 3_600;
  const { jti: _jti, ...withoutJti } = claims(own);
  const bad: Readonly<Record<string, string>> = {
    "signed with another key": forged,
    "signed with the client's secret": shared,
    "not signed": new UnsecuredJWT(claims(own)).encode(),
    "of another issuer": await provider.sign(claims({ ...own, iss: "https://evil.example" })),
    "for another client": await provider.sign(claims({ ...own, aud: "someone-else" })),
    expired: await provider.sign(claims({ ...own, iat: past, exp: past + 60 })),
    "with a nonce, so an ID token": await provider.sign(claims({ ...own, nonce: "n" })),
    "without the event": await provider.sign(claims({ ...own, events: {} })),
    "about nobody": await provider.sign(claims()),
    "without an id": await provider.sign(withoutJti),
    "of another type": await provider.sign(claims(own), { typ: "at+jwt" }),
    "an ID token": provider.lastIdToken(),
    "no token": "x.y.z",
    "too large": "x".repeat(20_000),
  };
  for (const [name, token] of Object.entries(bad)) expect(await logOut(token), name).toBe(400);
  expect((await house.app.request("/sso/back-channel-logout", { method: "POST" })).status).toBe(400);
  expect(await whoIs(browser)).toEqual({ id: "lena", via: "sso" });
});
