import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { enrol, invitationCode, openPeopleBrowser, signIn, stepUp } from "../people-support/browser.ts";
import { approve } from "../people-support/answering.ts";
import { company } from "../people-support/company.ts";
import { type Ask, heldApproval, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

let house: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
});
afterAll(async () => {
  await house.close();
});

const problem = z.looseObject({ code: z.string() });
async function codeOf(answer: Response): Promise<[number, string]> {
  return [answer.status, problem.parse(await answer.json()).code];
}

const post = async (ask: Ask, path: string): Promise<Response> => ask("POST", `/api/v1${path}`, {});

test("the people of a tenant are listed to those who share it, with how they can sign in", async () => {
  await enrol(house, "ana");
  const lena = await house.as("lena");
  const text = await (await lena("GET", "/api/v1/people")).text();
  expect(JSON.parse(text)).toMatchObject({
    people: expect.arrayContaining([expect.objectContaining({ id: "ana", passkeys: 1, recoveryCodesLeft: 10 })]),
  });
  expect(text).not.toContain("greta");
  expect(text).not.toContain("globex");
});

test("an owner and the operator key invite people; operators, approvers and auditors do not", async () => {
  for (const person of ["lena", "olaf", "rudi"]) {
    expect(await codeOf(await post(await house.as(person), "/people/ana/invite")), person).toEqual([403, "role_required"]);
  }
  const answer = await post(await house.as("ines"), "/people/ana/invite");
  expect(answer.status).toBe(200);
  expect(z.object({ url: z.string() }).parse(await answer.json()).url).toMatch(/^http:\/\/localhost:7400\/enrol#[\w-]{43}$/u);
  expect(await invitationCode(house, "ana")).toMatch(/^[\w-]{43}$/u);
});

test("inviting is recorded with who did it, and without the code", async () => {
  const code = await invitationCode(house, "rudi");
  const records = await house.store.log.query("acme", { kind: "admin", limit: 1_000 });
  expect(records.map((record): unknown => saidBy(record))).toContainEqual(
    expect.objectContaining({ event: "person.invited", by: "operator", person: "rudi", via: "operator-key" }),
  );
  expect(records.map(({ text }) => text).join("\n")).not.toContain(code);
});

test("an owner of one tenant gains no other by inviting its people", async () => {
  const people = company.people.map((person) => (person.id === "ines" ? { ...person, tenants: ["acme"] } : person));
  const { people: sessions, signIn: kept } = house.store;
  const narrow = await openRestHouse({ policy: () => ({ ...company, people }), people: sessions, signIn: kept });
  const ines = await narrow.as("ines");
  for (const person of ["greta", "olaf", "nobody"]) {
    expect(await codeOf(await post(ines, `/people/${person}/invite`)), person).toEqual([404, "not_found"]);
    expect((await ines("GET", `/api/v1/people/${person}/passkeys`)).status, person).toBe(404);
  }
  await narrow.close();
});

test("inviting an owner takes an owner's signature when they have a passkey", async () => {
  const { browser, passkey } = await enrol(house, "ines");
  expect(await browser.refused("/people/ines/invite", {})).toEqual([403, "step_up_required"]);
  const signed = await stepUp(browser, passkey, { action: "invite_owner", subject: "ines" });
  expect(await browser.done("/people/ines/invite", { stepUp: signed })).toMatchObject({ person: "ines" });
  expect(await browser.done("/people/lena/invite", {})).toMatchObject({ person: "lena" });
});

test("a lost device: the operator removes a person's last passkey, and their sign-ins end", async () => {
  const { browser, passkey } = await enrol(house, "rudi");
  const removed = await post(house.operator, `/people/rudi/passkeys/${passkey.id}/remove`);
  expect(await removed.json()).toMatchObject({ removed: true });
  expect((await browser.get("/me")).status).toBe(401);
  await expect(signIn(openPeopleBrowser(house), passkey)).rejects.toThrow("ceremony_refused");
  expect((await post(house.operator, `/people/rudi/passkeys/${passkey.id}/remove`)).status).toBe(404);
});

test("an auditor only reads, whatever other roles they hold", async () => {
  const people = company.people.map((person) =>
    person.id === "rudi" ? { ...person, roles: ["auditor", "owner", "operator", "support-lead"] } : person,
  );
  const strict = await openRestHouse({ policy: () => ({ ...company, people }) });
  const rudi = await strict.as("rudi");
  const approval = heldApproval();
  await strict.store.approvals.create(approval);
  expect((await rudi("GET", "/api/v1/calls")).status).toBe(200);
  expect(await codeOf(await post(rudi, "/people/ana/invite"))).toEqual([403, "role_required"]);
  expect(await codeOf(await post(rudi, `/approvals/${approval.id}/approve`))).toEqual([403, "role_required"]);
  expect(await codeOf(await post(rudi, "/sessions/ses_x/revoke"))).toEqual([403, "role_required"]);
  const view = await (await rudi("GET", `/api/v1/approvals/${approval.id}`)).json();
  expect(view).toMatchObject({ mayAnswer: false });
  await strict.close();
});

test("an author looks at what a tool offers and operates nothing", async () => {
  const people = company.people.map((person) => (person.id === "rudi" ? { ...person, roles: ["author"] } : person));
  const authored = await openRestHouse({ policy: () => ({ ...company, people }) });
  const rudi = await authored.as("rudi");
  expect((await rudi("GET", "/api/v1/tools/tickets/offered")).status).toBe(200);
  expect(await codeOf(await post(rudi, "/sessions/ses_x/revoke"))).toEqual([403, "role_required"]);
  const lena = await authored.as("lena");
  expect(await codeOf(await lena("GET", "/api/v1/tools/tickets/offered"))).toEqual([403, "role_required"]);
  await authored.close();
});

test("nobody answers for an agent they own, owners included", async () => {
  const people = company.people.map((person) => (person.id === "ines" ? { ...person, roles: ["owner", "support-lead"] } : person));
  const owned = await openRestHouse({ policy: () => ({ ...company, people }) });
  const approval = heldApproval();
  await owned.store.approvals.create(approval);
  const ines = await owned.as("ines");
  expect(await codeOf(await approve(ines, approval.id))).toEqual([403, "separation_of_duties"]);
  expect(await (await ines("GET", `/api/v1/approvals/${approval.id}`)).json()).toMatchObject({ mayAnswer: false });
  expect((await approve(await owned.as("lena"), approval.id)).status).toBe(200);
  await owned.close();
});
