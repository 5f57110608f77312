import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { standingOf } from "../../src/domain/answering.ts";
import { dutiesSchema, dutySchema } from "../../src/rest-contract/duties.ts";
import { company } from "../people-support/company.ts";
import { type Ask, heldApproval, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";
import { onServer } from "../support/server-statement.ts";

const problem = z.object({ code: z.string(), detail: z.string() });
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let house: RestHouse;
let lena: Ask;
let ana: Ask;
let ines: Ask;
let rudi: Ask;
let greta: Ask;
beforeAll(async () => {
  house = await openRestHouse();
  [lena, ana, ines, rudi, greta] = await Promise.all([
    house.as("lena"),
    house.as("ana"),
    house.as("ines"),
    house.as("rudi"),
    house.as("greta"),
  ]);
});
beforeEach(async () => {
  await onServer(house.databaseUrl, "truncate bailiwick.duties");
});
afterAll(async () => {
  await house.close();
});

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

async function put(ask: Ask, body: object = {}): Promise<Response> {
  return ask("POST", "/api/v1/duties", { to: "ana", ends: inMs(DAY_MS), reason: "on holiday", ...body });
}

async function made(ask: Ask, body: object = {}): Promise<z.output<typeof dutySchema>> {
  return dutySchema.parse(await (await put(ask, body)).json());
}

async function codeOf(answer: Promise<Response>): Promise<readonly [number, string]> {
  const given = await answer;
  return [given.status, problem.parse(await given.json()).code];
}

async function listed(ask: Ask): Promise<readonly z.output<typeof dutySchema>[]> {
  return dutiesSchema.parse(await (await ask("GET", "/api/v1/duties")).json()).duties;
}

test("a person lends their roles to another, who then answers in them until the end", async () => {
  const duty = await made(lena);
  expect(duty).toMatchObject({ tenant: "acme", from: "lena", to: "ana", roles: [], state: "in_force", mayEnd: true });
  const now = house.now();
  const about = { duties: await house.ports.duties.inForce("acme", now), people: company.people, barred: [], now };
  const [olaf] = company.people.filter(({ id }) => id === "olaf");
  const [deputy] = company.people.filter(({ id }) => id === "ana");
  const question = heldApproval({ approvers: ["support-lead"] });
  expect(deputy === undefined ? undefined : standingOf(question, { ...deputy, roles: [] }, about)).toEqual({
    roles: ["support-lead"],
    onDutyFor: "lena",
  });
  expect(olaf === undefined ? "" : standingOf(question, olaf, about)).toBeUndefined();
  expect(await house.ports.duties.inForce("acme", new Date(now.getTime() + 2 * DAY_MS))).toEqual([]);
});

test("whoever has become an auditor since lends nothing: they could not answer themselves", async () => {
  await made(lena);
  const now = house.now();
  const people = company.people.map((person) => (person.id === "lena" ? { ...person, roles: [...person.roles, "auditor"] } : person));
  const deputy = people.find(({ id }) => id === "ana");
  const about = { duties: await house.ports.duties.inForce("acme", now), people, barred: [], now };
  const question = heldApproval({ approvers: ["support-lead"] });
  expect(deputy === undefined ? "" : standingOf(question, { ...deputy, roles: [] }, about)).toBeUndefined();
});

test("everybody of the tenant sees who answers for whom, and nobody else does", async () => {
  const { id } = await made(lena);
  for (const ask of [lena, ana, rudi, ines]) expect((await listed(ask)).map((duty) => duty.id)).toEqual([id]);
  expect(await listed(greta)).toEqual([]);
  expect(await codeOf(greta("POST", `/api/v1/duties/${id}/revoke`, {}))).toEqual([404, "not_found"]);
  expect(await codeOf(greta("GET", "/api/v1/duties?tenant=acme"))).toEqual([403, "wrong_tenant"]);
});

test("an owner says who answers for somebody else, and never makes themselves the deputy", async () => {
  expect(await made(ines, { tenant: "acme", from: "lena" })).toMatchObject({ from: "lena", to: "ana" });
  expect(await codeOf(put(ines, { tenant: "acme", from: "lena", to: "ines" }))).toEqual([403, "separation_of_duties"]);
  expect(await codeOf(put(ana, { from: "lena", to: "olaf" }))).toEqual([403, "role_required"]);
  expect(await codeOf(put(ines, { tenant: "acme", from: "nobody" }))).toEqual([404, "not_found"]);
  expect(await codeOf(put(ines, { tenant: "acme", from: "greta" }))).toEqual([404, "not_found"]);
});

test("an auditor neither lends nor is lent anything", async () => {
  expect(await codeOf(put(rudi, { to: "lena" }))).toEqual([403, "role_required"]);
  expect(await codeOf(put(lena, { to: "rudi" }))).toEqual([403, "role_required"]);
  expect(await codeOf(put(ines, { tenant: "acme", from: "rudi", to: "lena" }))).toEqual([403, "role_required"]);
  const { id } = await made(lena);
  expect(await codeOf(rudi("POST", `/api/v1/duties/${id}/revoke`, {}))).toEqual([403, "role_required"]);
});

test("the operator key is no person: it lends nothing, but ends what people left behind", async () => {
  expect(await codeOf(put(house.operator, { tenant: "acme", from: "lena" }))).toEqual([403, "person_required"]);
  const { id } = await made(lena);
  expect((await house.operator("POST", `/api/v1/duties/${id}/revoke`, {})).status).toBe(200);
});

test.each([
  [{ to: "lena" }],
  [{ ends: inMs(-HOUR_MS) }],
  [{ begins: inMs(2 * DAY_MS), ends: inMs(DAY_MS) }],
  [{ ends: inMs(61 * DAY_MS) }],
  [{ begins: inMs(400 * DAY_MS), ends: inMs(401 * DAY_MS) }],
  [{ roles: ["owner"] }],
  [{ ends: "tomorrow" }],
  [{ reason: "" }],
  [{ reason: "two\nlines" }],
  [{ surprise: 1 }],
])("no duty is made of %j", async (body) => {
  expect(await codeOf(put(lena, body))).toEqual([400, "malformed_request"]);
  expect(await listed(lena)).toEqual([]);
});

test("somebody of another tenant, or whom nobody knows, answers for nobody here, with the same words", async () => {
  const [foreign, unknown] = await Promise.all([put(lena, { to: "greta" }), put(lena, { to: "nobody" })]);
  expect([foreign.status, unknown.status]).toEqual([404, 404]);
  const said = [problem.parse(await foreign.json()).detail, problem.parse(await unknown.json()).detail];
  expect(said[0]?.replace("greta", "nobody")).toBe(said[1]);
});

test("a duty that begins later lends nothing before, and one in the past begins now", async () => {
  const later = await made(lena, { begins: inMs(HOUR_MS) });
  expect(later.state).toBe("to_come");
  expect(await house.ports.duties.inForce("acme", house.now())).toEqual([]);
  const early = await made(lena, { begins: inMs(-5 * DAY_MS) });
  expect(early.state).toBe("in_force");
  expect(new Date(early.begins).getTime()).toBeGreaterThan(Date.now() - HOUR_MS);
});

test("either of the two ends a duty, an owner does, and others do not; it lends nothing from then on", async () => {
  const third = await house.as("olaf");
  const { id } = await made(lena);
  expect(await codeOf(third("POST", `/api/v1/duties/${id}/revoke`, {}))).toEqual([403, "role_required"]);
  expect((await listed(third))[0]?.mayEnd).toBe(false);
  for (const ask of [lena, ana, ines]) {
    const each = await made(lena);
    const ended = dutySchema.parse(await (await ask("POST", `/api/v1/duties/${each.id}/revoke`, {})).json());
    expect(ended).toMatchObject({ state: "revoked", mayEnd: false });
    expect((await house.ports.duties.inForce("acme", house.now())).map((duty) => duty.id)).toEqual([id]);
  }
});

test("a duty ends once", async () => {
  const { id } = await made(lena);
  const answers = await Promise.all([0, 1].map(async () => lena("POST", `/api/v1/duties/${id}/revoke`, {})));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404]);
});

test("both acts are recorded, with both people under pseudonyms and the reason among the facts", async () => {
  const { id } = await made(lena, { reason: "a trip to Sylt" });
  await ana("POST", `/api/v1/duties/${id}/revoke`, {});
  const records = await house.store.log.recordsOf("acme", [id]);
  expect(records.map(saidBy)).toMatchObject([
    { event: "duty.put", by: "lena", user: "lena", person: "ana" },
    { event: "duty.revoke", by: "ana", user: "lena", person: "ana" },
  ]);
  expect(records.filter(({ text }) => /lena|"ana"|Sylt/u.test(text))).toEqual([]);
  expect(await house.store.log.facts("acme", id)).toMatchObject({ reason: "a trip to Sylt" });
});
