import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";

const document = z.object({
  openapi: z.literal("3.1.0"),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ summary: z.string(), security: z.array(z.record(z.string(), z.array(z.string()))) })),
  ),
});
const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().min(1),
  code: z.string(),
  next: z.array(z.string()).min(1),
});

let house: RestHouse;
let endpoints: { method: string; path: string; open: boolean }[];

beforeAll(async () => {
  house = await openRestHouse();
  const answer = await house.anyone("GET", "/api/v1/openapi.json");
  const { paths } = document.parse(await answer.json());
  endpoints = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/gu, "x1"),
      open: operation.security.length === 0,
    })),
  );
});
afterAll(async () => {
  await house.close();
});

async function problemOf(response: Response): Promise<z.output<typeof problem>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = problem.parse(await response.json());
  expect(body.status).toBe(response.status);
  return body;
}

test("the document lists the endpoints the command line and the page use", () => {
  const known = endpoints.map((endpoint) => `${endpoint.method} ${endpoint.path}`);
  expect(known).toEqual(
    expect.arrayContaining([
      "GET /api/v1/calls",
      "GET /api/v1/calls/x1",
      "GET /api/v1/calls/x1/explanation",
      "GET /api/v1/approvals",
      "POST /api/v1/approvals/x1/approve",
      "POST /api/v1/approvals/x1/deny",
      "POST /api/v1/approvals/x1/stop",
      "POST /api/v1/approvals/x1/step-up",
      "POST /api/v1/approvals/x1/try-edit",
      "GET /api/v1/approvals/x1/similar",
      "GET /api/v1/approvals/x1/receipts",
      "POST /api/v1/approvals/bulk",
      "GET /api/v1/bounded-approvals",
      "POST /api/v1/bounded-approvals/x1/revoke",
      "GET /api/v1/events",
      "GET /api/v1/sessions",
      "POST /api/v1/sessions/x1/revoke",
      "GET /api/v1/tools",
      "GET /api/v1/agents",
      "GET /api/v1/people",
      "POST /api/v1/people/x1/invite",
      "GET /api/v1/account",
      "POST /api/v1/account/step-ups",
      "POST /api/v1/agents/keys",
      "GET /api/v1/credentials",
      "PUT /api/v1/credentials/x1",
      "GET /api/v1/policy",
      "GET /api/v1/audit/verify",
      "GET /api/v1/audit/records",
      "GET /api/v1/status",
      "POST /api/v1/login-links",
      "POST /api/v1/people/token",
    ]),
  );
});

test("only what makes a sign-in works without one", () => {
  expect(
    endpoints
      .filter((endpoint) => endpoint.open)
      .map((endpoint) => `${endpoint.method} ${endpoint.path.slice("/api/v1".length)}`)
      .toSorted(),
  ).toEqual([
    "GET /sign-in/methods",
    "POST /enrolment/options",
    "POST /enrolment/passkey",
    "POST /enrolment/sso",
    "POST /people/token",
    "POST /sign-in/options",
    "POST /sign-in/passkey",
    "POST /sign-in/recovery-code",
    "POST /sign-in/sso",
  ]);
});

test("what makes a sign-in in a browser is refused to a request that does not say it comes from our own page (login CSRF)", async () => {
  const bodies: Readonly<Record<string, unknown>> = {
    "/api/v1/enrolment/options": { code: "x".repeat(43) },
    "/api/v1/enrolment/sso": { code: "x".repeat(43) },
    "/api/v1/sign-in/options": {},
    "/api/v1/sign-in/sso": {},
    "/api/v1/sign-in/recovery-code": { person: "lena", code: "x" },
  };
  for (const [path, body] of Object.entries(bodies)) {
    expect((await problemOf(await house.anyone("POST", path, body))).code, path).toBe("origin_refused");
    expect((await problemOf(await house.anyone("POST", path, body, { origin: "null" }))).code, path).toBe("origin_refused");
  }
});

test("every endpoint refuses a request without a sign-in", async () => {
  for (const { method, path } of endpoints.filter((endpoint) => !endpoint.open)) {
    const answer = await house.anyone(method, path, method === "GET" ? undefined : {});
    expect((await problemOf(answer)).code, `${method} ${path}`).toBe("unauthenticated");
    expect(answer.status).toBe(401);
  }
});

test("every endpoint refuses an agent's token, an unknown person's token and a wrong operator key", async () => {
  const jwt = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbmEifQ.c2ln";
  for (const bearer of [jwt, `bwps_${"x".repeat(43)}`, `bwop_${"x".repeat(43)}`]) {
    for (const { method, path } of endpoints.filter((endpoint) => !endpoint.open)) {
      const answer = await house.anyone(method, path, method === "GET" ? undefined : {}, { authorization: `Bearer ${bearer}` });
      expect((await problemOf(answer)).code, `${method} ${path}`).toBe("unauthenticated");
    }
  }
});

test("every endpoint refuses a request from another site, even with a good token", async () => {
  const token = await house.token("olaf");
  for (const { method, path } of endpoints) {
    const answer = await house.anyone(method, path, method === "GET" ? undefined : {}, {
      authorization: `Bearer ${token}`,
      origin: "https://evil.example",
    });
    expect((await problemOf(answer)).code, `${method} ${path}`).toBe("origin_refused");
  }
});

test("every endpoint that takes a body refuses one that is not JSON, and one with an unknown member", async () => {
  const lena = await house.as("lena");
  const olaf = await house.as("olaf");
  for (const { method, path } of endpoints.filter((endpoint) => endpoint.method !== "GET")) {
    for (const body of ["{", '{"surprise": 1}', "[]"]) {
      const codes = await Promise.all(
        [lena, olaf, house.operator].map(async (ask) => (await problemOf(await ask(method, path, body))).code),
      );
      // Who may not do it at all is told that first; somebody may.
      const heard = codes.filter((code) => !["role_required", "person_required", "operator_key_required"].includes(code));
      expect([...new Set(heard)], `${method} ${path} ${body}`).toEqual(["malformed_request"]);
    }
  }
});

test("every list refuses an unknown query parameter and one given twice", async () => {
  const lena = await house.as("lena");
  for (const { path } of endpoints.filter((endpoint) => endpoint.method === "GET" && !endpoint.path.endsWith("/offered"))) {
    const ask = path.includes("/people/x1/") ? house.operator : lena;
    expect((await problemOf(await ask("GET", `${path}?surprise=1`))).code, path).toBe("malformed_request");
  }
  expect((await problemOf(await lena("GET", "/api/v1/calls?limit=1&limit=2"))).code).toBe("malformed_request");
});

test("every list refuses a tenant that is not the person's, with the same words for one that does not exist", async () => {
  const lena = await house.as("lena");
  for (const path of [
    "calls",
    "approvals",
    "approvals/habits",
    "approvals/habits/proposals",
    "duties",
    "bounded-approvals",
    "elevations",
    "matrix",
    "overview",
    "policy/catalog",
    "sessions",
    "tools",
    "agents",
    "credentials",
    "audit/records",
    "audit/verify",
    "audit/holds",
    "audit/ended",
    "searches",
    "runs/x1/timeline",
    "searches/x1/calls",
  ]) {
    const foreign = await problemOf(await lena("GET", `/api/v1/${path}?tenant=globex`));
    const unknown = await problemOf(await lena("GET", `/api/v1/${path}?tenant=nowhere`));
    expect(foreign.code, path).toBe("wrong_tenant");
    expect(foreign.detail).toBe(unknown.detail);
  }
});

test("a body above the limit is refused", async () => {
  const answer = await house.operator("POST", "/api/v1/login-links", { person: "x".repeat(300_000) });
  expect((await problemOf(answer)).code).toBe("body_too_large");
});

test("a body of another content type is refused", async () => {
  const answer = await house.operator("POST", "/api/v1/login-links", "person=lena", { "content-type": "text/plain" });
  expect((await problemOf(answer)).code).toBe("unsupported_media_type");
});

test("an address that does not exist answers with a problem too", async () => {
  expect((await problemOf(await house.anyone("GET", "/api/v1/nothing"))).code).toBe("not_found");
});

test("without a policy nobody is let in", async () => {
  const { Refusal } = await import("../../src/call/refusal.ts");
  const without = await openRestHouse({
    policy: () => {
      throw new Refusal("internal_fault", "no policy is in force");
    },
  });
  expect((await problemOf(await without.operator("GET", "/api/v1/status"))).code).toBe("policy_unavailable");
  await without.close();
});

test("a failure of ours says nothing of its cause", async () => {
  const broken = await openRestHouse({
    verify: async () => {
      throw new Error("secret-connection-string");
    },
  });
  const answer = await broken.operator("GET", "/api/v1/audit/verify");
  const text = await answer.text();
  expect(answer.status).toBe(500);
  expect(text).not.toContain("secret-connection-string");
  expect(broken.faults).toHaveLength(1);
  await broken.close();
});

test("health answers while the process lives, readiness only while the store works", async () => {
  expect((await house.anyone("GET", "/healthz")).status).toBe(200);
  expect((await house.anyone("GET", "/readyz")).status).toBe(200);
  const broken = await openRestHouse({ readiness: [{ name: "store", check: async () => Promise.reject(new Error("down")) }] });
  const answer = await broken.anyone("GET", "/readyz");
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ checks: [{ name: "store", ok: false }] });
  await broken.close();
});
