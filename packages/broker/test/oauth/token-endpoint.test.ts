import { generateKeyPairSync, randomBytes, type KeyObject } from "node:crypto";
import type { Hono } from "hono";
import { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, exportJWK, jwtVerify, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { asSigningKey, type SigningKey } from "../../src/adapters/oauth/signing-key.ts";
import { createTokenRoutes } from "../../src/adapters/oauth/token-routes.ts";
import { createTokenVerifier } from "../../src/adapters/oauth/token-verifier.ts";
import { company } from "../people-support/company.ts";
import { testStore, type TestStore } from "../support/store.ts";

const ISSUER = "https://broker.example";
const ENDPOINT = `${ISSUER}/oauth/token`;
const AGENT = "bailiwick://acme/prod/support/support-bot";
const DEV_AGENT = "bailiwick://acme/dev/support/support-bot";
const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const realm = { issuer: ISSUER, audience: `${ISSUER}/mcp` };
const tokenAnswer = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.number(),
  scope: z.string(),
  session: z.string(),
});
const errorAnswer = z.object({ error: z.string(), error_description: z.string() });

let opened: TestStore;
let store: TestStore["store"];
let signingKey: SigningKey;
let agentKey: KeyObject;
let app: Hono;
let clock: Date;
const faults: unknown[] = [];

beforeAll(async () => {
  opened = await testStore();
  store = opened.store;
  signingKey = await asSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
  agentKey = await register(AGENT);
});

afterAll(async () => {
  await opened.close();
});

beforeEach(() => {
  clock = new Date();
  faults.length = 0;
  app = routes();
});

function routes(overrides: Partial<Parameters<typeof createTokenRoutes>[0]> = {}): Hono {
  return createTokenRoutes({
    realm,
    signingKey,
    now: () => clock,
    newId: (prefix) => `${prefix}_${randomBytes(16).toString("base64url")}`,
    policy: () => company,
    agentKeys: store.agentKeys,
    sessions: store.sessions,
    log: store.log,
    onFault: (error) => faults.push(error),
    ...overrides,
  });
}

async function register(agent: string): Promise<KeyObject> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = await exportJWK(publicKey);
  const publicJwk = { kty: "EC", crv: "P-256", x: jwk.x ?? "", y: jwk.y ?? "" };
  await store.agentKeys.add({ agent, tenant: "acme", thumbprint: await calculateJwkThumbprint(publicJwk), publicJwk, status: "active" });
  return privateKey;
}

interface AssertionOptions {
  readonly name?: string;
  readonly iss?: string;
  readonly audience?: string | string[];
  readonly aheadSeconds?: number;
  readonly jti?: string;
  readonly key?: KeyObject;
}

async function assertion(options: AssertionOptions = {}): Promise<string> {
  const name = options.name ?? AGENT;
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer(options.iss ?? name)
    .setSubject(name)
    .setAudience(options.audience ?? ENDPOINT)
    .setExpirationTime(Math.floor(clock.getTime() / 1000) + (options.aheadSeconds ?? 50))
    .setJti(options.jti ?? randomBytes(12).toString("hex"))
    .sign(options.key ?? agentKey);
}

async function ask(fields: Record<string, string>, on: Hono = app): Promise<Response> {
  return on.request("/oauth/token", { method: "POST", body: new URLSearchParams(fields) });
}

async function form(more: Record<string, string> = {}, options: AssertionOptions = {}): Promise<Record<string, string>> {
  return {
    grant_type: "client_credentials",
    client_assertion_type: JWT_BEARER,
    client_assertion: await assertion(options),
    user: "ana",
    task: "T-17",
    ...more,
  };
}

async function refused(response: Response, status: number, error: string): Promise<string> {
  expect(response.status).toBe(status);
  const body = errorAnswer.parse(await response.json());
  expect(body.error).toBe(error);
  return body.error_description;
}

test("a registered agent gets a token that names user, agent, session and tenant as RFC 9068 says", async () => {
  const response = await ask(await form({ data: '{"ticket":"T-17"}', scope: "tickets:read" }));
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  const body = tokenAnswer.parse(await response.json());
  expect(body.expires_in).toBeGreaterThan(290);
  expect(body.expires_in).toBeLessThanOrEqual(300);
  const keys = z
    .object({ keys: z.array(z.record(z.string(), z.unknown())) })
    .parse(await (await app.request("/.well-known/jwks.json")).json());
  expect(JSON.stringify(keys)).not.toContain('"d"');
  const { payload } = await jwtVerify(body.access_token, createLocalJWKSet(keys), {
    issuer: ISSUER,
    audience: realm.audience,
    typ: "at+jwt",
    algorithms: ["ES256"],
  });
  expect(payload).toMatchObject({ sub: "ana", client_id: AGENT, act: { sub: AGENT }, sid: body.session, tenant: "acme" });
  expect(decodeProtectedHeader(body.access_token).kid).toBe(signingKey.kid);
  const session = await store.sessions.find("acme", body.session);
  expect(session).toMatchObject({
    agent: AGENT,
    user: "ana",
    task: "T-17",
    data: { ticket: "T-17" },
    scope: ["tickets:read"],
    environment: "prod",
    workflow: "support",
  });
  const records = await store.log.query("acme", { callId: body.session, limit: 5 });
  expect(records.map((record) => record.kind)).toEqual(["admin"]);
  expect(JSON.parse(records[0]?.body ?? "{}")).toMatchObject({ event: "session.create", user: "ana", agent: AGENT });
});

test("without a scope the session covers the catalog's actions and no more", async () => {
  const body = tokenAnswer.parse(await (await ask(await form())).json());
  expect(body.scope).toBe("tickets:*");
});

test("an assertion can be used once", async () => {
  const fields = await form();
  expect((await ask(fields)).status).toBe(200);
  expect(await refused(await ask(fields), 401, "invalid_client")).toContain("used before");
});

test("of two requests with one assertion at the same time exactly one gets a token", async () => {
  const fields = await form();
  const statuses = (await Promise.all([ask(fields), ask(fields)])).map((response) => response.status);
  expect(statuses.toSorted()).toEqual([200, 401]);
});

test("a replay is recorded, because somebody holds a copy of the assertion", async () => {
  const fields = await form({}, { jti: "jti-of-the-replay-test" });
  await ask(fields);
  await ask(fields);
  const records = await store.log.read("acme", 0, 1_000);
  expect(
    records.some(
      (record) => record.kind === "admin" && record.body.includes("token.replay") && record.body.includes("jti-of-the-replay-test"),
    ),
  ).toBe(true);
});

test("a key that is not registered is refused with the words used for an unknown agent", async () => {
  const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const wrongKey = await refused(await ask(await form({}, { key: foreign })), 401, "invalid_client");
  const unknown = await refused(await ask(await form({}, { name: "bailiwick://acme/prod/support/nobody" })), 401, "invalid_client");
  expect(wrongKey).toBe(unknown);
});

test("the key of one environment's agent does not open another environment", async () => {
  const devKey = await register(DEV_AGENT);
  expect((await ask(await form({}, { name: DEV_AGENT, key: devKey }))).status).toBe(200);
  await refused(await ask(await form({}, { name: AGENT, key: devKey })), 401, "invalid_client");
});

test.each<[string, AssertionOptions]>([
  ["another audience", { audience: "https://other.example/oauth/token" }],
  ["a second audience beside ours", { audience: [ENDPOINT, "https://other.example/oauth/token"] }],
  ["an expiry more than a minute ahead", { aheadSeconds: 600 }],
  ["an expiry in the past", { aheadSeconds: -30 }],
  ["an issuer that is not the subject", { iss: DEV_AGENT }],
  ["an empty jti", { jti: "" }],
])("an assertion with %s is refused", async (_, options) => {
  await refused(await ask(await form({}, options)), 401, "invalid_client");
});

test("an unsigned assertion is refused", async () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(clock.getTime() / 1000) + 30;
  const unsigned = `${encode({ alg: "none" })}.${encode({ iss: AGENT, sub: AGENT, aud: ENDPOINT, exp, jti: "x" })}.`;
  await refused(await ask({ ...(await form()), client_assertion: unsigned }), 401, "invalid_client");
});

test("a request without an assertion is refused as unauthenticated", async () => {
  await refused(await ask({ grant_type: "client_credentials", user: "ana", task: "T-17" }), 401, "invalid_client");
});

test.each<[string, Record<string, string>, string]>([
  ["another grant type", { grant_type: "password" }, "unsupported_grant_type"],
  ["no task", { task: "" }, "invalid_request"],
  ["data that is not an object", { data: "[1]" }, "invalid_request"],
  ["data that is not JSON", { data: "{" }, "invalid_request"],
  ["a scope of everything", { scope: "*:*" }, "invalid_scope"],
  ["a scope the catalog does not have", { scope: "tickets:burn" }, "invalid_scope"],
  ["another resource", { resource: "https://other.example" }, "invalid_target"],
  ["a line break in the user", { user: "ana\nadmin" }, "invalid_request"],
])("a request with %s is refused", async (_, more, error) => {
  await refused(await ask(await form(more)), 400, error);
});

test("a parameter sent twice is refused", async () => {
  const body = `${new URLSearchParams(await form()).toString()}&task=T-18`;
  const response = await app.request("/oauth/token", {
    method: "POST",
    body,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  await refused(response, 400, "invalid_request");
});

test("a body that is not a form is refused", async () => {
  const response = await app.request("/oauth/token", { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  await refused(response, 400, "invalid_request");
});

test("a body above the limit is refused before it is read as a form", async () => {
  expect((await ask({ ...(await form()), data: "x".repeat(70_000) })).status).toBe(413);
});

test("no token is given when the log cannot record the session", async () => {
  const { Fault } = await import("../../src/domain/fault.ts");
  const closed = routes({ log: { append: async () => Promise.reject(new Fault("log_unavailable", "the disk is full")) } });
  await refused(await ask(await form(), closed), 503, "temporarily_unavailable");
  expect(faults).toHaveLength(1);
});

test("an agent that left the policy gets no token with its registered key", async () => {
  const without = routes({ policy: () => ({ ...company, agents: [] }) });
  await refused(await ask(await form(), without), 401, "invalid_client");
});

test("the metadata names the endpoint, the keys and the one way to authenticate", async () => {
  const response = await app.request("/.well-known/oauth-authorization-server");
  expect(await response.json()).toMatchObject({
    issuer: ISSUER,
    token_endpoint: ENDPOINT,
    jwks_uri: `${ISSUER}/.well-known/jwks.json`,
    token_endpoint_auth_methods_supported: ["private_key_jwt"],
  });
});

test("the verifier accepts a token of the endpoint and names its tenant and session", async () => {
  const body = tokenAnswer.parse(await (await ask(await form())).json());
  const verifier = createTokenVerifier({ ...realm, key: signingKey.publicKey });
  expect(await verifier.verify(body.access_token, clock)).toEqual({ tenant: "acme", session: body.session });
});
