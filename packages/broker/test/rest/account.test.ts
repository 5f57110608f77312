import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { asAssertion, assertionSchema } from "../../src/adapters/rest/assertion-schema.ts";
import { beginStepUp, finishStepUp } from "../../src/adapters/rest/step-up.ts";
import { type Receipt, verifyReceipt } from "../../src/domain/receipt.ts";
import { softAuthenticator } from "../people-support/authenticator.ts";
import { begin, enrol, openPeopleBrowser, PLACE, signIn, stepUp } from "../people-support/browser.ts";
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

const factsSchema = z.object({ receipt: z.custom<Receipt>((value) => typeof value === "object") });
/** The facts beside the newest record of an event. */
async function lastFacts(tenant: string, event: string): Promise<unknown> {
  const records = await house.store.log.query(tenant, { kind: "admin", limit: 2_000 });
  return house.store.log.facts(tenant, records.find((record) => saidBy(record)["event"] === event)?.callId ?? "");
}

const COOKIE = "bailiwick_person";

test("removing a passkey takes a signature over exactly that, and the record holds a receipt that verifies offline", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const path = `/account/passkeys/${passkey.id}/remove`;
  expect(await browser.refused(path, {})).toEqual([403, "step_up_required"]);
  const signed = await stepUp(browser, passkey, { action: "remove_passkey", subject: passkey.id });
  expect(await browser.done(path, { stepUp: signed })).toEqual({ removed: true });
  const { receipt } = factsSchema.parse(await lastFacts("acme", "person.passkey_removed"));
  expect(receipt.document).toMatchObject({ action: "remove_passkey", subject: passkey.id, person: "lena", origin: PLACE.origin });
  expect(verifyReceipt(receipt, { ...PLACE, publicKey: receipt.publicKey })).toEqual({ ok: true });
});

test("removing a passkey ends the person's other sign-ins, which its device may have begun, and keeps the one at hand", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const other = openPeopleBrowser(house);
  await signIn(other, passkey);
  const signed = await stepUp(browser, passkey, { action: "remove_passkey", subject: passkey.id });
  await browser.done(`/account/passkeys/${passkey.id}/remove`, { stepUp: signed });
  expect([(await browser.get("/me")).status, (await other.get("/me")).status]).toEqual([200, 401]);
});

test("a replayed step-up answers 409", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const signed = await stepUp(browser, passkey, { action: "regenerate_recovery_codes", subject: "lena" });
  await browser.done("/account/recovery-codes", { stepUp: signed });
  expect(await browser.refused("/account/recovery-codes", { stepUp: signed })).toEqual([409, "step_up_used"]);
});

test("a step-up over a changed document is refused", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const signed = await stepUp(browser, passkey, { action: "regenerate_recovery_codes", subject: "lena" });
  const changed = { ...signed, document: { ...signed.document, nonce: "x".repeat(43) } };
  expect(await browser.refused("/account/recovery-codes", { stepUp: changed })).toEqual([403, "step_up_mismatch"]);
});

test("a step-up for one act does not serve another", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const signed = await stepUp(browser, passkey, { action: "regenerate_recovery_codes", subject: "lena" });
  const path = `/account/passkeys/${passkey.id}/remove`;
  expect(await browser.refused(path, { stepUp: signed })).toEqual([403, "step_up_mismatch"]);
  const relabelled = { ...signed, document: { ...signed.document, action: "remove_passkey", subject: passkey.id } };
  expect(await browser.refused(path, { stepUp: relabelled })).toEqual([403, "step_up_mismatch"]);
});

test("a step-up for one act does not serve another on the same subject", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const signed = await stepUp(browser, passkey, { action: "add_passkey", subject: "lena" });
  expect(await browser.refused("/account/recovery-codes", { stepUp: signed })).toEqual([403, "step_up_mismatch"]);
});

test("a document that one person was asked to sign is not signed by another, whatever it says", async () => {
  const [lena, ana] = [await enrol(house, "lena"), await enrol(house, "ana")];
  const document = { type: "test", nonce: lena.passkey.id };
  const options = await beginStepUp(house.ports, "lena", document);
  const byAna = asAssertion(assertionSchema.parse(ana.passkey.assert(options)));
  await expect(finishStepUp(house.ports, "ana", document, byAna)).rejects.toMatchObject({ code: "step_up_mismatch" });
  await beginStepUp(house.ports, "lena", { ...document, second: true });
  const byLena = asAssertion(assertionSchema.parse(lena.passkey.assert(options)));
  await expect(finishStepUp(house.ports, "lena", { ...document, second: true }, byLena)).rejects.toMatchObject({
    code: "ceremony_refused",
  });
});

test("a step-up signed by another person's passkey is refused, and so is one signed for another person", async () => {
  const [lena, ana] = [await enrol(house, "lena"), await enrol(house, "ana")];
  const act = { action: "regenerate_recovery_codes", subject: "lena" };
  const byAna = await stepUp(lena.browser, ana.passkey, act);
  expect(await lena.browser.refused("/account/recovery-codes", { stepUp: byAna })).toEqual([403, "ceremony_refused"]);
  const byLena = await stepUp(lena.browser, lena.passkey, act);
  expect(await ana.browser.refused("/account/recovery-codes", { stepUp: byLena })).toEqual([403, "step_up_mismatch"]);
});

test("a step-up is of no use after five minutes", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const signed = await stepUp(browser, passkey, { action: "regenerate_recovery_codes", subject: "lena" });
  house.setNow(new Date(Date.now() + 5 * 60_000 + 1_000));
  expect(await browser.refused("/account/recovery-codes", { stepUp: signed })).toEqual([403, "step_up_mismatch"]);
});

test("a step-up gives the browser another token: one that was copied before opens nothing", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const stolen = openPeopleBrowser(house);
  stolen.cookies.set(COOKIE, browser.cookies.get(COOKIE) ?? "");
  expect((await stolen.get("/me")).status).toBe(200);
  const signed = await stepUp(browser, passkey, { action: "regenerate_recovery_codes", subject: "lena" });
  await browser.done("/account/recovery-codes", { stepUp: signed });
  expect((await browser.get("/me")).status).toBe(200);
  expect((await stolen.get("/me")).status).toBe(401);
});

test("new recovery codes make the old ones worth nothing", async () => {
  const { browser, passkey, recoveryCodes } = await enrol(house, "olaf");
  const signed = await stepUp(browser, passkey, { action: "regenerate_recovery_codes", subject: "olaf" });
  const made = z.array(z.string()).parse((await browser.done("/account/recovery-codes", { stepUp: signed }))["recoveryCodes"]);
  const other = openPeopleBrowser(house);
  expect(await other.refused("/sign-in/recovery-code", { person: "olaf", code: recoveryCodes[0] })).toEqual([401, "unauthenticated"]);
  expect(await other.done("/sign-in/recovery-code", { person: "olaf", code: made[0] })).toMatchObject({ recoveryCodesLeft: 9 });
});

test("the last passkey stays while no recovery code is left", async () => {
  const { browser, passkey } = await enrol(house, "greta");
  await house.store.signIn.recoveryCodes.replace("greta", ["only"], new Date());
  await house.store.signIn.recoveryCodes.use("greta", "only", new Date());
  const act = { action: "remove_passkey", subject: passkey.id };
  const path = `/account/passkeys/${passkey.id}/remove`;
  expect(await browser.refused(path, { stepUp: await stepUp(browser, passkey, act) })).toEqual([409, "last_passkey"]);
  const second = softAuthenticator(PLACE);
  const options = await begin(browser, "/account/passkeys/options", {
    stepUp: await stepUp(browser, passkey, { action: "add_passkey", subject: "greta" }),
  });
  await browser.done("/account/passkeys", { name: "second", credential: second.register(options) });
  expect(await browser.done(path, { stepUp: await stepUp(browser, passkey, act) })).toEqual({ removed: true });
});

test("of two removals at the same time one passkey is left", async () => {
  const { passkeys } = house.store.signIn;
  for (const id of ["k1", "k2"]) {
    const key = { id, person: "solo", name: id, publicKey: "AA", counter: 0, transports: [], backedUp: false, createdAt: new Date() };
    await passkeys.add(key);
  }
  const outcomes = await Promise.all(["k1", "k2"].map(async (id) => passkeys.remove("solo", id, { force: false })));
  expect(outcomes.toSorted()).toEqual(["last", "removed"]);
});

test("one person neither sees nor removes another's passkey", async () => {
  const [lena, ana] = [await enrol(house, "lena"), await enrol(house, "ana")];
  const signed = await stepUp(ana.browser, ana.passkey, { action: "remove_passkey", subject: lena.passkey.id });
  expect(await ana.browser.refused(`/account/passkeys/${lena.passkey.id}/remove`, { stepUp: signed })).toEqual([404, "not_found"]);
  expect(await (await ana.browser.get("/account")).text()).not.toContain(lena.passkey.id);
});

test("a passkey signed in with adds another only with a signature; after a recovery code a fresh sign-in suffices", async () => {
  const { browser, recoveryCodes } = await enrol(house, "ines");
  expect(await browser.refused("/account/passkeys/options", {})).toEqual([403, "step_up_required"]);
  const recovered = openPeopleBrowser(house);
  await recovered.done("/sign-in/recovery-code", { person: "ines", code: recoveryCodes[0] });
  await begin(recovered, "/account/passkeys/options");
  house.setNow(new Date(Date.now() + 15 * 60_000 + 1_000));
  expect(await recovered.refused("/account/passkeys/options", {})).toEqual([403, "step_up_required"]);
});

test("a passkey that is registered already is not registered again, for anybody", async () => {
  const [lena, ana] = [await enrol(house, "lena"), await enrol(house, "ana")];
  const options = await begin(ana.browser, "/account/passkeys/options", {
    stepUp: await stepUp(ana.browser, ana.passkey, { action: "add_passkey", subject: "ana" }),
  });
  const credential = lena.passkey.register(options);
  expect(await ana.browser.refused("/account/passkeys", { name: "key", credential })).toEqual([403, "ceremony_refused"]);
});

test("the operator key has no account, and a person without a passkey has nothing to sign with", async () => {
  for (const [method, path] of [
    ["GET", "/account"],
    ["GET", "/account/sessions"],
    ["POST", "/account/sign-out-everywhere"],
  ] as const) {
    const answer = await house.operator(method, `/api/v1${path}`, method === "GET" ? undefined : {});
    expect([answer.status, z.looseObject({ code: z.string() }).parse(await answer.json()).code]).toEqual([403, "person_required"]);
  }
  const rudi = await house.as("rudi");
  const answer = await rudi("POST", "/api/v1/account/step-ups", { action: "regenerate_recovery_codes", subject: "rudi" });
  expect(z.looseObject({ code: z.string() }).parse(await answer.json()).code).toBe("passkey_required");
});

test("an old stolen sign-in of a person without a passkey adds no other way in", async () => {
  const rudi = await house.as("rudi");
  house.setNow(new Date(Date.now() + 15 * 60_000 + 1_000));
  for (const path of ["/account/passkeys/options", "/account/recovery-codes"]) {
    const answer = await rudi("POST", `/api/v1${path}`, {});
    expect([answer.status, await answer.json()], path).toMatchObject([403, { code: "step_up_required" }]);
  }
});

test("session fixation: a token planted before the sign-in opens nothing afterwards", async () => {
  const { passkey } = await enrol(house, "lena");
  const browser = openPeopleBrowser(house);
  await signIn(browser, passkey);
  const planted = browser.cookies.get(COOKIE) ?? "";
  await signIn(browser, passkey);
  expect(browser.cookies.get(COOKIE)).not.toBe(planted);
  const attacker = openPeopleBrowser(house);
  attacker.cookies.set(COOKIE, planted);
  expect((await attacker.get("/me")).status).toBe(401);
});

test("a person sees their own sign-ins and ends one, and nobody else's", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const other = openPeopleBrowser(house);
  await signIn(other, passkey);
  const list = z.object({ sessions: z.array(z.looseObject({ id: z.string(), current: z.boolean() })) });
  const { sessions } = list.parse(await (await browser.get("/account/sessions")).json());
  expect(sessions.filter((session) => session.current)).toHaveLength(1);
  const { id } = list.parse(await (await other.get("/account/sessions")).json()).sessions.find((session) => session.current) ?? { id: "" };
  const ana = await house.as("ana");
  expect((await ana("POST", `/api/v1/account/sessions/${id}/end`, {})).status).toBe(404);
  expect((await other.get("/me")).status).toBe(200);
  expect(await browser.done(`/account/sessions/${id}/end`, {})).toEqual({ ended: true });
  expect((await other.get("/me")).status).toBe(401);
  expect((await browser.get("/me")).status).toBe(200);
});

test("signing out everywhere ends every sign-in of this person and of nobody else", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  const ana = await house.as("ana");
  const other = openPeopleBrowser(house);
  await signIn(other, passkey);
  await browser.done("/account/sign-out-everywhere", {});
  expect([(await browser.get("/me")).status, (await other.get("/me")).status]).toEqual([401, 401]);
  expect((await ana("GET", "/api/v1/me")).status).toBe(200);
});

test("a sign-in that nobody used for an hour has ended, and its row is deleted with the next sign-in", async () => {
  const { browser, passkey } = await enrol(house, "lena");
  house.setNow(new Date(Date.now() + 59 * 60_000));
  expect((await browser.get("/me")).status).toBe(200);
  house.setNow(new Date(Date.now() + 118 * 60_000));
  expect((await browser.get("/me")).status).toBe(200);
  house.setNow(new Date(Date.now() + 179 * 60_000));
  expect((await browser.get("/me")).status).toBe(401);
  expect(passkey.id).not.toBe("");
});

test("the cookie is HttpOnly, Strict and, behind https, bound to the host by its name", async () => {
  const { browser } = await enrol(house, "lena");
  expect(browser.attributes.get(COOKIE)).toMatch(/^Path=\/; Expires=.+; HttpOnly; SameSite=Strict$/u);
  const secure = await openRestHouse({ publicUrl: "https://broker.example", origins: ["https://broker.example"] });
  const over = openPeopleBrowser(secure, "https://broker.example");
  const code = await secure.code("lena");
  const form = new URLSearchParams({ code }).toString();
  await over.send("POST", "/login", form, { "content-type": "application/x-www-form-urlencoded" });
  expect(over.attributes.get("__Host-bailiwick_person")).toMatch(/^Path=\/; Expires=.+; HttpOnly; Secure; SameSite=Strict$/u);
  expect((await over.get("/me")).status).toBe(200);
  over.cookies.set("bailiwick_person", over.cookies.get("__Host-bailiwick_person") ?? "");
  over.cookies.delete("__Host-bailiwick_person");
  expect((await over.get("/me")).status).toBe(401);
  await secure.close();
});

test("where browsers offer no passkeys the answer says what to change", async () => {
  const plain = await openRestHouse({ publicUrl: "http://10.0.0.5:7400", origins: ["http://10.0.0.5:7400"] });
  const browser = openPeopleBrowser(plain, "http://10.0.0.5:7400");
  expect(await browser.refused("/sign-in/options", {})).toEqual([409, "passkeys_unavailable"]);
  expect(await (await browser.get("/sign-in/methods")).json()).toEqual({});
  await plain.close();
});
