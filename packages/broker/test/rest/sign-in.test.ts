import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { secretHash } from "../../src/adapters/rest/principal.ts";
import { heldApproval, openRestHouse, OPERATOR_KEY, PUBLIC_URL, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";

let house: RestHouse;
beforeAll(async () => {
  house = await openRestHouse();
});
afterAll(async () => {
  await house.close();
});

async function redeem(code: string): Promise<Response> {
  return house.app.request("/login", { method: "POST", headers: { origin: PUBLIC_URL }, body: new URLSearchParams({ code }) });
}

function cookieOf(response: Response): string {
  return (response.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
}

test("only the operator key makes sign-in codes", async () => {
  for (const person of ["lena", "olaf"]) {
    const answer = await (await house.as(person))("POST", "/api/v1/login-links", { person: "lena" });
    expect([answer.status, z.object({ code: z.string() }).parse(await answer.json()).code]).toEqual([403, "operator_key_required"]);
  }
});

test("a code is made for people of the policy only, and its making is recorded without it", async () => {
  expect((await house.operator("POST", "/api/v1/login-links", { person: "nobody" })).status).toBe(404);
  const code = await house.code("lena");
  const records = await house.store.log.query("acme", { kind: "admin", limit: 1_000 });
  expect(records.map((record): unknown => saidBy(record))).toContainEqual(
    expect.objectContaining({ event: "person.login_link", by: "operator", person: "lena" }),
  );
  expect(records.map(({ text }) => text).join("")).not.toContain(code);
});

test("opening the link changes nothing, however often; pressing the button signs in once", async () => {
  const code = await house.code("lena");
  for (const _ of [1, 2, 3]) {
    const page = await house.anyone("GET", `/login?code=${code}`);
    expect(page.headers.get("set-cookie")).toBeNull();
    expect(await page.text()).toContain('<form method="post" action="/login">');
  }
  const first = await redeem(code);
  expect([first.status, first.headers.get("location")]).toEqual([303, "/"]);
  expect(first.headers.get("set-cookie")).toMatch(/^bailiwick_person=bwps_[\w-]{43}; Path=\/; Expires=.+; HttpOnly; SameSite=Strict$/u);
  const again = await redeem(code);
  expect([again.status, again.headers.get("set-cookie")]).toEqual([400, null]);
});

test("of two that press the button at the same time one is signed in", async () => {
  const code = await house.code("lena");
  const statuses = await Promise.all([redeem(code), redeem(code)]);
  expect(statuses.map((response) => response.status).toSorted()).toEqual([303, 400]);
});

test("a code is of no use after fifteen minutes", async () => {
  const code = await house.code("lena");
  house.setNow(new Date(Date.now() + 15 * 60_000));
  expect((await redeem(code)).status).toBe(400);
  house.setNow(new Date());
});

test("what stands in the link's code is never repeated when it is no code", async () => {
  const page = await house.anyone("GET", `/login?code=${encodeURIComponent('"><script>alert(1)</script>')}`);
  expect(page.status).toBe(400);
  expect(await page.text()).not.toContain("script>");
});

test.each([undefined, "null", "https://evil.example"])("signing in from origin %s is refused", async (origin) => {
  const code = await house.code("lena");
  const answer = await house.app.request("/login", {
    method: "POST",
    headers: origin === undefined ? {} : { origin },
    body: new URLSearchParams({ code }),
  });
  expect(answer.status).toBe(403);
  expect((await redeem(code)).status).toBe(303);
});

test("the cookie reads without more, but changes nothing without our origin and our header", async () => {
  const cookie = cookieOf(await redeem(await house.code("lena")));
  const approval = heldApproval();
  await house.store.approvals.create(approval);
  expect((await house.anyone("GET", "/api/v1/me", undefined, { cookie })).status).toBe(200);
  const path = `/api/v1/approvals/${approval.id}/deny`;
  const header = { "x-bailiwick-client": "console" };
  for (const headers of [{}, header, { origin: PUBLIC_URL }, { ...header, origin: "https://evil.example" }]) {
    expect((await house.anyone("POST", path, { reason: "no" }, { cookie, ...headers })).status).toBe(403);
  }
  expect((await house.anyone("POST", path, { reason: "no" }, { cookie, ...header, origin: PUBLIC_URL })).status).toBe(200);
});

test("a sign-in ends when the person signs out", async () => {
  const ask = await house.as("lena");
  expect((await ask("POST", "/api/v1/people/sign-out", {})).status).toBe(200);
  expect((await ask("GET", "/api/v1/me")).status).toBe(401);
});

test("a sign-in ends after eight hours, one made with the operator key after five minutes", async () => {
  const ask = await house.as("lena");
  const link = z
    .object({ code: z.string() })
    .parse(await (await house.operator("POST", "/api/v1/login-links", { person: "lena", via: "operator-key" })).json());
  const short = z
    .object({ token: z.string(), via: z.string() })
    .parse(await (await house.anyone("POST", "/api/v1/people/token", { code: link.code })).json());
  expect(short.via).toBe("operator-key");
  const authorization = `Bearer ${short.token}`;
  expect((await house.anyone("GET", "/api/v1/me", undefined, { authorization })).status).toBe(200);
  house.setNow(new Date(Date.now() + 5 * 60_000 + 1_000));
  expect((await house.anyone("GET", "/api/v1/me", undefined, { authorization })).status).toBe(401);
  expect((await ask("GET", "/api/v1/me")).status).toBe(200);
  house.setNow(new Date(Date.now() + 8 * 60 * 60_000 + 1_000));
  expect((await ask("GET", "/api/v1/me")).status).toBe(401);
  house.setNow(new Date());
});

test("a person who left the policy is signed out", async () => {
  const token = await house.token("lena");
  const { company } = await import("../people-support/company.ts");
  const without = await openRestHouse({ policy: () => ({ ...company, people: [] }), people: house.store.people });
  const answer = await without.anyone("GET", "/api/v1/me", undefined, { authorization: `Bearer ${token}` });
  expect(answer.status).toBe(401);
  await without.close();
});

test("the store holds hashes of codes and tokens, never the values", async () => {
  const token = await house.token("lena");
  expect(await house.store.people.findSession(token, new Date())).toBeUndefined();
  expect(await house.store.people.findSession(secretHash(token), new Date())).toMatchObject({ person: "lena" });
  expect(await house.store.people.redeemLoginCode(OPERATOR_KEY, new Date())).toBeUndefined();
});

test("every page forbids inline script, foreign content and framing", async () => {
  for (const path of ["/", "/login?code=x", "/theme.js", "/sign-in", "/enrol", "/account", "/people", "/sso/return"]) {
    const policy = (await house.anyone("GET", path)).headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  }
});
