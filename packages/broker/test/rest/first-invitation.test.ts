import { afterAll, beforeAll, expect, test } from "vitest";
import { firstInvitation } from "../../src/adapters/rest/first-invitation.ts";
import { begin, openPeopleBrowser, PLACE } from "../people-support/browser.ts";
import { softAuthenticator } from "../people-support/authenticator.ts";
import { company } from "../people-support/company.ts";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";

let house: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
});
afterAll(async () => {
  await house.close();
});

test("without an owner in the policy nobody is invited", async () => {
  const people = company.people.filter((person) => !person.roles.includes("owner"));
  expect(await firstInvitation({ ...house.ports, policy: () => ({ ...company, people }) })).toBeUndefined();
});

test("a new broker invites the first owner, again after a restart, and never once somebody is enrolled", async () => {
  await firstInvitation(house.ports);
  const link = await firstInvitation(house.ports);
  expect(link?.person).toBe("ines");
  const code = link?.url.split("#")[1] ?? "";
  const browser = openPeopleBrowser(house);
  const credential = softAuthenticator(PLACE).register(await begin(browser, "/enrolment/options", { code }));
  await browser.done("/enrolment/passkey", { code, name: "key", credential });
  expect(await firstInvitation(house.ports)).toBeUndefined();
});

test("an account linked at the identity provider counts as enrolled", async () => {
  const fresh = await openRestHouse();
  expect(await firstInvitation(fresh.ports)).toBeDefined();
  await fresh.store.signIn.sso.link({ issuer: "https://id.example", subject: "s" }, "lena", new Date());
  expect(await firstInvitation(fresh.ports)).toBeUndefined();
  await fresh.close();
});
