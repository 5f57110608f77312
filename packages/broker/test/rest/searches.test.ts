import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openStore } from "../../src/adapters/store/index.ts";
import { type Ask, openRestHouse, recordCall, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";
import { onServer } from "../support/server-statement.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";

const search = z.object({ tenant: z.string(), name: z.string(), owner: z.string().optional(), filter: z.record(z.string(), z.string()) });
const list = z.object({ searches: z.array(search) });
const problem = z.object({ code: z.string() });

let house: RestHouse;
let lena: Ask;
let rudi: Ask;
let greta: Ask;
beforeAll(async () => {
  house = await openRestHouse();
  [lena, rudi, greta] = await Promise.all([house.as("lena"), house.as("rudi"), house.as("greta")]);
  await recordCall(house, "call_mine", "refusal", { verdict: "deny", code: "no_grant" }, undefined, { people: { user: "ben" } });
  await recordCall(house, "call_other", "refusal", { verdict: "deny", code: "no_grant" });
});
afterAll(async () => {
  await house.close();
});

async function listed(ask: Ask): Promise<readonly z.output<typeof search>[]> {
  return list.parse(await (await ask("GET", "/api/v1/searches")).json()).searches;
}

async function found(ask: Ask, name: string): Promise<unknown> {
  const answer = await ask("GET", `/api/v1/searches/${encodeURIComponent(name)}/calls`);
  return answer.status === 200
    ? z
        .object({ calls: z.array(z.object({ callId: z.string() })) })
        .parse(await answer.json())
        .calls.map(({ callId }) => callId)
    : answer.status;
}

/** The rows of a search as the database's owner sees them. */
async function stored(name: string): Promise<string> {
  const owner = new Client({ connectionString: house.databaseUrl });
  await owner.connect();
  const { rows } = await owner.query("select owner, encode(sealed, 'escape') as sealed from bailiwick.searches where name = $1", [name]);
  await owner.end();
  return JSON.stringify(rows);
}

test("a search is saved for the tenant, found by everybody in it and by nobody else, and finds what its filter finds", async () => {
  const filter = { user: "ben", code: "no_grant", since: "2h" };
  expect((await lena("POST", "/api/v1/searches", { name: "Ben's refusals?", filter })).status).toBe(400);
  expect((await lena("POST", "/api/v1/searches", { name: "ben refused", filter })).status).toBe(200);
  for (const ask of [lena, rudi]) {
    expect(await listed(ask)).toEqual([{ tenant: "acme", name: "ben refused", owner: "lena", filter }]);
    expect(await found(ask, "ben refused")).toEqual(["call_mine"]);
  }
  expect(await listed(greta)).toEqual([]);
  expect(await found(greta, "ben refused")).toBe(404);
});

test("what stands in the database of a search names nobody and is sealed", async () => {
  await lena("POST", "/api/v1/searches", { name: "sealed", filter: { user: "ben", task: "the-secret-task" } });
  const text = await stored("sealed");
  expect(text).toMatch(/"owner":"sub_/u);
  expect(["lena", "ben", "the-secret-task"].filter((word) => text.includes(word))).toEqual([]);
});

test("a search belongs to who saved it: they replace and remove it, others do not, the operator key removes it", async () => {
  const save = (ask: Ask, filter: object): Promise<Response> => ask("POST", "/api/v1/searches", { name: "mine", filter });
  expect((await save(lena, { code: "no_grant" })).status).toBe(200);
  expect((await save(lena, { status: "failed" })).status).toBe(200);
  const taken = await save(rudi, { status: "held" });
  expect([taken.status, problem.parse(await taken.json()).code]).toEqual([409, "search_taken"]);
  expect((await rudi("POST", "/api/v1/searches/mine/remove", {})).status).toBe(409);
  expect((await greta("POST", "/api/v1/searches/mine/remove", {})).status).toBe(404);
  expect((await listed(lena)).find(({ name }) => name === "mine")?.filter).toEqual({ status: "failed" });
  expect((await lena("POST", "/api/v1/searches/mine/remove", {})).status).toBe(200);
  expect((await lena("POST", "/api/v1/searches/mine/remove", {})).status).toBe(404);
  await save(rudi, { status: "held" });
  expect((await house.operator("POST", "/api/v1/searches/mine/remove", { tenant: "acme" })).status).toBe(200);
  expect(
    (await house.operator("POST", "/api/v1/searches", { tenant: "acme", name: "of the operator", filter: { code: "no_grant" } })).status,
  ).toBe(200);
  expect((await listed(lena)).find(({ name }) => name === "of the operator")).toEqual({
    tenant: "acme",
    name: "of the operator",
    filter: { code: "no_grant" },
  });
});

test("saving and removing are recorded: by whom, and the words only among the facts", async () => {
  await lena("POST", "/api/v1/searches", { name: "recorded search", filter: { task: "T-1", approver: "max" } });
  await lena("POST", "/api/v1/searches/recorded%20search/remove", {});
  const records = (await house.store.log.query("acme", { kind: "admin", limit: 50 })).filter(({ text }) => text.includes('"search.'));
  expect(records.slice(0, 2).map(saidBy)).toMatchObject([
    { event: "search.remove", by: "lena", filter: ["approver", "task"] },
    { event: "search.save", by: "lena", filter: ["approver", "task"] },
  ]);
  expect(records.slice(0, 2).filter(({ text }) => /recorded search|T-1|"max"|"lena"/u.test(text))).toEqual([]);
  expect(await house.store.log.facts("acme", records[0]?.callId ?? "")).toMatchObject({ search: "recorded search" });
});

test("a search of somebody who was erased is gone, and one about them finds nothing instead of everything", async () => {
  const ines = await house.as("ines");
  await ines("POST", "/api/v1/searches", { tenant: "acme", name: "of ines", filter: { code: "no_grant" } });
  await lena("POST", "/api/v1/searches", { name: "about cleo", filter: { user: "cleo" } });
  await recordCall(house, "call_cleo", "refusal", { verdict: "deny", code: "no_grant" }, undefined, { people: { user: "cleo" } });
  expect(await found(lena, "about cleo")).toEqual(["call_cleo"]);
  const people = new Set(
    (await house.store.log.query("acme", { limit: 200 }))
      .flatMap(({ people: known }) => Object.entries(known))
      .filter(([, name]) => name === "ines" || name === "cleo")
      .map(([pseudonym]) => pseudonym),
  );
  expect(people.size).toBe(2);
  // Another broker, whose memory never held them.
  await onServer(
    house.databaseUrl,
    `delete from bailiwick.subjects where pseudonym in (${[...people].map((each) => `'${each}'`).join(", ")})`,
  );
  const other = await openStore({ databaseUrl: house.databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "other" });
  const left = await other.searches.list("acme");
  expect(left.map(({ name }) => name)).not.toContain("of ines");
  expect(await stored("of ines")).toBe("[]");
  const about = left.find(({ name }) => name === "about cleo")?.filter["user"] ?? "";
  expect(about).toMatch(/^sub_/u);
  expect(await other.log.calls("acme", { user: about, limit: 10 })).toEqual({ places: [], next: undefined });
  await other.close();
});

test.each([
  [{ name: "x", filter: { surprise: "1" } }],
  [{ name: "x", filter: { since: "1h", from: "2026-01-01T00:00:00Z" } }],
  [{ name: "x", filter: { since: 1 } }],
  [{ name: " x", filter: {} }],
  [{ name: "x".repeat(81), filter: {} }],
  [{ filter: {} }],
])("a search is not saved as %j", async (body) => {
  const answer = await lena("POST", "/api/v1/searches", body);
  expect([answer.status, problem.parse(await answer.json()).code]).toEqual([400, "malformed_request"]);
});
