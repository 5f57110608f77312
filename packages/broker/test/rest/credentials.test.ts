import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Ask, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

let house: RestHouse;
let olaf: Ask;
let lena: Ask;
let greta: Ask;
const place = { tenant: "acme", environment: "prod", workflow: "support" };
const changed = z.looseObject({ version: z.int(), state: z.string(), verification: z.string().optional() });
const kept = z.object({
  credentials: z.array(z.looseObject({ name: z.string(), version: z.int(), state: z.string(), source: z.string() })),
});
const problem = z.looseObject({ code: z.string(), detail: z.string(), next: z.array(z.string()).min(1) });

const STEPS: readonly (readonly [method: string, step: string, more: object])[] = [
  ["PUT", "", { hosts: [], value: "value-of-the-test" }],
  ["POST", "/stage", { hosts: [], value: "value-of-the-test" }],
  ["POST", "/verify", { version: 1 }],
  ["POST", "/activate", { version: 1 }],
  ["POST", "/revoke", { version: 1 }],
  ["POST", "/rotate", {}],
];

beforeAll(async () => {
  house = await openRestHouse();
  [olaf, lena, greta] = await Promise.all([house.as("olaf"), house.as("lena"), house.as("greta")]);
});
afterAll(async () => house.close());

async function put(name: string, value: string, more: object = {}): Promise<Response> {
  return olaf("PUT", `/api/v1/credentials/${name}`, { ...place, hosts: ["api.example"], value, ...more });
}

async function step(name: string, what: string, more: object): Promise<Response> {
  return olaf("POST", `/api/v1/credentials/${name}/${what}`, { ...place, ...more });
}

async function codeOf(response: Response): Promise<string> {
  return problem.parse(await response.json()).code;
}

async function statesOf(name: string): Promise<readonly string[]> {
  const { credentials } = kept.parse(await (await lena("GET", "/api/v1/credentials")).json());
  return credentials.filter((one) => one.name === name).map((one) => `${one.version} ${one.state}`);
}

test("a version goes from staged to active to previous to revoked, each step asked for by itself", async () => {
  expect(changed.parse(await (await put("crm", "value-number-one")).json())).toMatchObject({
    version: 1,
    state: "active",
    verification: "initial",
  });
  const staged = await olaf("POST", "/api/v1/credentials/crm/stage", { ...place, hosts: ["api.example"], value: "value-number-two" });
  expect(changed.parse(await staged.json())).toMatchObject({ version: 2, state: "pending" });
  const activated = await step("crm", "activate", { version: 2, verify: false });
  expect(changed.parse(await activated.json())).toMatchObject({ state: "active", verification: "skipped" });
  expect(await statesOf("crm")).toEqual(["1 previous", "2 active"]);
  expect((await step("crm", "revoke", { version: 1 })).status).toBe(200);
  expect(await statesOf("crm")).toEqual(["1 revoked", "2 active"]);
});

test("a credential that no tool uses cannot be tried, and is used untried only when a person says so", async () => {
  await put("unused", "value-number-one");
  const answer = await put("unused", "value-number-two");
  expect(answer.status).toBe(409);
  expect(problem.parse(await answer.json())).toMatchObject({
    code: "credential_not_verified",
    next: [expect.stringContaining("--without-verification")],
  });
  expect(await statesOf("unused")).toEqual(["1 active", "2 revoked"]);
  expect((await put("unused", "value-number-two", { verify: false })).status).toBe(200);
});

test("what the versions do not allow is a conflict, and what does not exist is not found", async () => {
  await put("conflict", "value-number-one");
  expect(await codeOf(await step("conflict", "activate", { version: 1, verify: false }))).toBe("credential_conflict");
  expect(await codeOf(await step("conflict", "activate", { version: 7 }))).toBe("not_found");
  expect(await codeOf(await step("conflict", "revoke", { version: 7 }))).toBe("not_found");
  expect(await codeOf(await step("conflict", "verify", { version: 7 }))).toBe("not_found");
  expect(await codeOf(await step("conflict", "rotate", {}))).toBe("credential_conflict");
});

test("a value too short to be kept out of results is refused", async () => {
  const answer = await put("short", "1234567");
  expect(answer.status).toBe(400);
  expect(await answer.text()).not.toContain("1234567");
});

test.each(STEPS)(
  "%s /credentials/{name}%s is refused across tenants, without a sign-in, without the role, and malformed",
  async (method, path, more) => {
    const url = `/api/v1/credentials/crm${path}`;
    const body = { ...place, ...more };
    expect(await codeOf(await greta(method, url, body))).toBe("wrong_tenant");
    expect(await codeOf(await greta(method, url, { ...body, tenant: "nowhere" }))).toBe("wrong_tenant");
    expect(await codeOf(await house.anyone(method, url, body))).toBe("unauthenticated");
    expect(await codeOf(await lena(method, url, body))).toBe("role_required");
    for (const broken of [
      { ...body, tenant: "" },
      { ...body, environment: "a|b" },
      { ...body, version: "one", value: 7, surprise: 1 },
      { ...body, workflow: ["x"] },
    ])
      expect(await codeOf(await olaf(method, url, broken))).toBe("malformed_request");
  },
);

test("attack: a value in the audit log, a list, an answer or a problem", async () => {
  const value = "a-value-that-must-not-be-seen";
  const texts: string[] = [];
  for (const answer of [
    await put("seen", value),
    await put("seen", `${value}-2`),
    await olaf("POST", "/api/v1/credentials/seen/stage", { ...place, hosts: [], value: `${value}-3` }),
    await step("seen", "verify", { version: 3 }),
    await step("seen", "activate", { version: 3, verify: false }),
    await step("seen", "revoke", { version: 1 }),
    await olaf("PUT", "/api/v1/credentials/seen", { ...place, hosts: "no-list", value }),
    await lena("GET", "/api/v1/credentials"),
  ])
    texts.push(await answer.text());
  texts.push(...(await house.store.log.read("acme", 0, 1_000)).map((record) => record.text));
  for (const form of [value, Buffer.from(value).toString("base64"), Buffer.from(value).toString("hex")])
    expect(texts.filter((text) => text.includes(form))).toEqual([]);
});

test("every transition is a record with name, version, place and who", async () => {
  await put("recorded", "value-number-one");
  await olaf("POST", "/api/v1/credentials/recorded/stage", { ...place, hosts: [], value: "value-number-two" });
  await step("recorded", "activate", { version: 2, verify: false });
  await step("recorded", "revoke", { version: 1 });
  const records = await house.store.log.recordsOf("acme", ["credential_recorded"]);
  const about = { credential: "recorded", environment: "prod", workflow: "support", by: "olaf", via: "login-link" };
  expect(records.map((record): unknown => saidBy(record))).toMatchObject([
    { ...about, event: "credential.put", version: 1 },
    { ...about, event: "credential.stage", version: 2 },
    { ...about, event: "credential.activate", version: 2, verification: "skipped" },
    { ...about, event: "credential.revoke", version: 1 },
  ]);
});
