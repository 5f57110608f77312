import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { softAuthenticator } from "../people-support/authenticator.ts";
import { begin, enrol, invitationCode, openPeopleBrowser, PLACE, signIn, stepUp } from "../people-support/browser.ts";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

let house: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
});
afterEach(() => {
  house.setNow(new Date());
});
afterAll(async () => {
  await house.close();
});

async function eventsOf(tenant: string): Promise<string> {
  return (await house.store.log.read(tenant, 0, 1_000)).map((record) => record.text).join("\n");
}

test("an enrolment link registers a passkey, makes ten recovery codes and signs in, once", async () => {
  const code = await invitationCode(house, "lena");
  const browser = openPeopleBrowser(house);
  const passkey = softAuthenticator(PLACE);
  const credential = passkey.register(await begin(browser, "/enrolment/options", { code }));
  const made = await browser.done("/enrolment/passkey", { code, name: "laptop", credential });
  expect(
    z
      .array(z.string().regex(/^([0-9a-z]{4}-){3}[0-9a-z]{4}$/u))
      .length(10)
      .parse(made["recoveryCodes"]),
  ).toHaveLength(10);
  expect(await (await browser.get("/me")).json()).toMatchObject({ id: "lena", via: "passkey" });
  expect(await (await browser.get("/account")).json()).toMatchObject({ passkeys: [{ name: "laptop" }], recoveryCodesLeft: 10 });
  expect(await openPeopleBrowser(house).refused("/enrolment/options", { code })).toEqual([403, "enrolment_refused"]);
});

test("the store and the log hold neither the link's code nor a recovery code nor a token", async () => {
  const { browser, recoveryCodes } = await enrol(house, "lena");
  const log = await eventsOf("acme");
  expect(log).toContain("person.enrolled");
  for (const secret of [...recoveryCodes, ...browser.cookies.values()]) expect(log).not.toContain(secret);
});

test("an enrolment link is of no use after fifteen minutes", async () => {
  const code = await invitationCode(house, "lena");
  house.setNow(new Date(Date.now() + 15 * 60_000 + 1_000));
  expect(await openPeopleBrowser(house).refused("/enrolment/options", { code })).toEqual([403, "enrolment_refused"]);
});

test("of two that use one enrolment link at the same time one is enrolled", async () => {
  const code = await invitationCode(house, "lena");
  const attempts = await Promise.all(
    [1, 2].map(async () => {
      const browser = openPeopleBrowser(house);
      const options = await begin(browser, "/enrolment/options", { code });
      return { browser, body: { code, name: "key", credential: softAuthenticator(PLACE).register(options) } };
    }),
  );
  const answers = await Promise.all(attempts.map(async ({ browser, body }) => browser.post("/enrolment/passkey", body)));
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 403]);
});

test("a passkey signs in by itself: nobody has to type a name", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  expect(await signIn(browser, passkey)).toEqual({ person: "lena", next: "/" });
  expect(await (await browser.get("/me")).json()).toMatchObject({ id: "lena", via: "passkey" });
});

test("a stolen challenge: an assertion made for one browser signs no other one in", async () => {
  const { passkey } = await enrol(house, "lena");
  const [victim, attacker] = [openPeopleBrowser(house), openPeopleBrowser(house)];
  const credential = passkey.assert(await begin(victim, "/sign-in/options"));
  await begin(attacker, "/sign-in/options");
  expect(await attacker.refused("/sign-in/passkey", { credential })).toEqual([403, "ceremony_refused"]);
  expect((await attacker.get("/me")).status).toBe(401);
});

test("login CSRF: an attacker's own assertion signs nobody in whose browser did not ask for it", async () => {
  const { passkey } = await enrol(house, "lena");
  const credential = passkey.assert(await begin(openPeopleBrowser(house), "/sign-in/options"));
  const victim = openPeopleBrowser(house);
  expect(await victim.refused("/sign-in/passkey", { credential })).toEqual([403, "ceremony_refused"]);
  expect(victim.cookies.has("bailiwick_person")).toBe(false);
});

test("a replayed assertion is refused", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  const options = await begin(browser, "/sign-in/options");
  const cookie = browser.cookies.get("bailiwick_ceremony") ?? "";
  const credential = passkey.assert(options);
  await browser.done("/sign-in/passkey", { credential });
  browser.cookies.set("bailiwick_ceremony", cookie);
  expect(await browser.refused("/sign-in/passkey", { credential })).toEqual([403, "ceremony_refused"]);
});

test("a challenge is of no use after five minutes", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  const credential = passkey.assert(await begin(browser, "/sign-in/options"));
  house.setNow(new Date(Date.now() + 5 * 60_000 + 1_000));
  expect(await browser.refused("/sign-in/passkey", { credential })).toEqual([403, "ceremony_refused"]);
});

test("a cloned authenticator: a counter that does not grow is refused, and recorded", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  await signIn(browser, passkey);
  await signIn(browser, passkey);
  for (const counter of [2, 1, 0]) {
    const credential = passkey.assert(await begin(browser, "/sign-in/options"), { counter });
    expect(await browser.refused("/sign-in/passkey", { credential }), String(counter)).toEqual([403, "ceremony_refused"]);
  }
  expect((await eventsOf("acme")).split('"event":"person.passkey_suspect"')).toHaveLength(4);
});

test("a phishing page: an assertion made on another origin is refused", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  const credential = passkey.assert(await begin(browser, "/sign-in/options"), { origin: "https://bailiwick.evil.example" });
  expect(await browser.refused("/sign-in/passkey", { credential })).toEqual([403, "ceremony_refused"]);
});

test("an authenticator that did not verify its person neither registers nor signs in", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  const credential = passkey.assert(await begin(browser, "/sign-in/options"), { verified: false });
  expect(await browser.refused("/sign-in/passkey", { credential })).toEqual([403, "ceremony_refused"]);
  const code = await invitationCode(house, "lena");
  const weak = softAuthenticator(PLACE).register(await begin(browser, "/enrolment/options", { code }), { verified: false });
  expect(await browser.refused("/enrolment/passkey", { code, name: "key", credential: weak })).toEqual([403, "ceremony_refused"]);
});

test("a challenge for registering signs nobody in, and one for signing in registers nothing", async () => {
  const { passkey, browser } = await enrol(house, "lena");
  const registering = await begin(browser, "/account/passkeys/options", {
    stepUp: await stepUp(browser, passkey, { action: "add_passkey", subject: "lena" }),
  });
  expect(await browser.refused("/sign-in/passkey", { credential: passkey.assert(registering) })).toEqual([403, "ceremony_refused"]);
  const signing = await begin(browser, "/sign-in/options");
  const credential = softAuthenticator(PLACE).register(signing);
  expect(await browser.refused("/account/passkeys", { name: "key", credential })).toEqual([403, "ceremony_refused"]);
});

test("a passkey of a person who has left the policy opens nothing", async () => {
  const { passkey } = await enrol(house, "lena");
  const { company } = await import("../people-support/company.ts");
  const { people, signIn: kept } = house.store;
  const without = await openRestHouse({ policy: () => ({ ...company, people: [] }), people, signIn: kept });
  const browser = openPeopleBrowser(without);
  const credential = passkey.assert(await begin(browser, "/sign-in/options"));
  expect(await browser.refused("/sign-in/passkey", { credential })).toEqual([401, "unauthenticated"]);
  await without.close();
});

test("malformed credentials are refused with the member at fault", async () => {
  const browser = openPeopleBrowser(house);
  const good = softAuthenticator(PLACE).assert(await begin(browser, "/sign-in/options"));
  for (const credential of [
    {},
    { ...good, id: "not base64url!" },
    { ...good, type: "password" },
    { ...good, response: { ...good.response, clientDataJSON: "x".repeat(70_000) } },
  ]) {
    expect(await browser.refused("/sign-in/passkey", { credential })).toEqual([400, "malformed_request"]);
  }
  const garbled = { ...good, response: { ...good.response, clientDataJSON: Buffer.from("{").toString("base64url") } };
  expect(await browser.refused("/sign-in/passkey", { credential: garbled })).toEqual([403, "ceremony_refused"]);
});

test("a recovery code signs in once, says how many are left, and works however it is typed", async () => {
  const { recoveryCodes } = await enrol(house, "lena");
  const typed = (recoveryCodes[0] ?? "").toUpperCase().replaceAll("-", " ").replaceAll("0", "O");
  const browser = openPeopleBrowser(house);
  expect(await browser.done("/sign-in/recovery-code", { person: "lena", code: typed })).toEqual({
    person: "lena",
    next: "/",
    recoveryCodesLeft: 9,
  });
  expect(await (await browser.get("/me")).json()).toMatchObject({ id: "lena", via: "recovery-code" });
  expect(await browser.refused("/sign-in/recovery-code", { person: "lena", code: typed })).toEqual([401, "unauthenticated"]);
});

test("a recovery code of one person does not sign another in", async () => {
  const { recoveryCodes } = await enrol(house, "ana");
  const body = { person: "rudi", code: recoveryCodes[0] };
  expect(await openPeopleBrowser(house).refused("/sign-in/recovery-code", body)).toEqual([401, "unauthenticated"]);
});

test("a code that is none is recorded: for a person of the policy in their tenants' logs, for any other name without it in all", async () => {
  const refusedIn = async (tenant: string): Promise<unknown[]> => {
    const records = await house.store.log.query(tenant, { kind: "admin", limit: 2_000 });
    return records.map((record) => saidBy(record)).filter(({ event }) => event === "sign_in.recovery_refused");
  };
  const before = await Promise.all(["acme", "globex"].map(async (tenant) => (await refusedIn(tenant)).length));
  for (const person of ["rudi", "stranger-77"]) await openPeopleBrowser(house).refused("/sign-in/recovery-code", { person, code: "guess" });
  const [acme = [], globex = []] = await Promise.all(["acme", "globex"].map(refusedIn));
  expect(acme.slice(0, acme.length - (before[0] ?? 0))).toMatchObject([{ by: "anonymous" }, { by: "anonymous", person: "rudi" }]);
  expect(globex.slice(0, globex.length - (before[1] ?? 0))).toMatchObject([{ by: "anonymous" }]);
  expect(JSON.stringify([acme, globex])).not.toContain("stranger-77");
});

test("guessing recovery codes ends after five tries in a quarter of an hour, for a name that exists and for one that does not", async () => {
  const { recoveryCodes } = await enrol(house, "greta");
  const browser = openPeopleBrowser(house);
  for (const person of ["greta", "nobody-here"]) {
    for (const attempt of [1, 2, 3, 4, 5]) {
      expect(await browser.refused("/sign-in/recovery-code", { person, code: `guess-${attempt}` })).toEqual([401, "unauthenticated"]);
    }
    const right = { person, code: recoveryCodes[0] };
    expect(await browser.refused("/sign-in/recovery-code", right)).toEqual([429, "too_many_attempts"]);
  }
  house.setNow(new Date(Date.now() + 15 * 60_000));
  expect(await browser.done("/sign-in/recovery-code", { person: "greta", code: recoveryCodes[1] })).toMatchObject({ person: "greta" });
});

test("open redirect: signing in leads to a path of our own and nowhere else", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  for (const next of ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", "evil"]) {
    expect(await signIn(browser, passkey, next), next).toMatchObject({ next: "/" });
  }
  expect(await signIn(browser, passkey, "/oauth/consent?id=1#top")).toMatchObject({ next: "/oauth/consent?id=1#top" });
});
