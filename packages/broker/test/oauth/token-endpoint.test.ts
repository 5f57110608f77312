import { generateKeyPairSync } from "node:crypto";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { Fault } from "../../src/domain/fault.ts";
import { given, refused } from "./support/answers.ts";
import { AGENT, type AssertionOptions, DEV_AGENT, openCompany, openOAuthHouse, type OAuthHouse } from "./support/house.ts";
import { saidBy } from "../support/said.ts";

let house: OAuthHouse;
let logDown = false;

beforeAll(async () => {
  house = await openOAuthHouse(({ log }) => ({
    log: {
      append: async (tenant, entry) => {
        if (logDown) throw new Fault("log_unavailable", "the disk is full");
        return log.append(tenant, entry);
      },
    },
  }));
  await house.register();
});
afterAll(async () => house.close());
beforeEach(() => {
  house.faults.length = 0;
  house.policy = openCompany;
  logDown = false;
});

test("a registered agent gets a token that names user, agent, session and tenant as RFC 9068 says", async () => {
  const response = await house.token(await house.form({ data: '{"ticket":"T-17"}', scope: "tickets:read" }));
  expect(response.headers.get("cache-control")).toBe("no-store");
  const body = await given(response);
  expect(body.token_type).toBe("Bearer");
  expect(body.expires_in).toBeGreaterThan(290);
  expect(body.expires_in).toBeLessThanOrEqual(300);
  const keys = z
    .object({ keys: z.array(z.record(z.string(), z.unknown())) })
    .parse(await (await fetch(`${house.url}/.well-known/jwks.json`)).json());
  expect(JSON.stringify(keys)).not.toContain('"d"');
  const { payload } = await jwtVerify(body.access_token, createLocalJWKSet(keys), {
    issuer: house.url,
    audience: `${house.url}/mcp`,
    typ: "at+jwt",
    algorithms: ["ES256"],
  });
  expect(payload).toMatchObject({ sub: "ana", client_id: AGENT, act: { sub: AGENT }, sid: body.session, tenant: "acme" });
  expect(decodeProtectedHeader(body.access_token).kid).toBe((await house.signingKeys.active()).kid);
  expect(await house.store.sessions.find("acme", body.session)).toMatchObject({
    agent: AGENT,
    user: "ana",
    userProof: "asserted",
    grant: "client_credentials",
    task: "T-17",
    data: { ticket: "T-17" },
    scope: ["tickets:read"],
    environment: "prod",
    workflow: "support",
  });
  const records = await house.store.log.query("acme", { callId: body.session, limit: 5 });
  expect(records.map((record) => record.kind)).toEqual(["admin"]);
  expect(saidBy(records[0])).toMatchObject({ event: "session.create", user: "ana", agent: AGENT });
});

test("without a scope the session covers the agent's ceiling and no more", async () => {
  expect((await given(await house.token(await house.form()))).scope).toBe("tickets:*");
});

test("authorization_details bound the session and come back as granted (RFC 9396)", async () => {
  const detail = {
    type: "bailiwick_task",
    scope: ["tickets:read"],
    rows: { Ticket: { id: ["T-17"] } },
    limits: { calls: 5 },
    task: "T-17",
  };
  const body = await given(await house.token(await house.form({ authorization_details: JSON.stringify([detail]) })));
  expect(body.authorization_details).toEqual([{ ...detail, data: {} }]);
  expect(await house.store.sessions.find("acme", body.session)).toMatchObject({ rows: [detail.rows], limits: detail.limits });
});

test("session_key=true gives a key of 32 bytes with a session that lives longer than a bearer one", async () => {
  const body = await given(await house.token(await house.form({ session_key: "true" })));
  expect(Buffer.from(body.session_key ?? "", "base64url")).toHaveLength(32);
  expect(body.expires_in).toBeGreaterThan(300);
  expect((await house.store.sessions.find("acme", body.session))?.binding).toEqual({ kind: "hmac" });
});

test("an assertion for the issuer is as good as one for the endpoint", async () => {
  await given(await house.token(await house.form({}, { audience: house.url })));
});

test("the key of one environment's agent does not open another environment", async () => {
  const devKey = await house.register(DEV_AGENT);
  await given(await house.token(await house.form({}, { name: DEV_AGENT, key: devKey })));
  await refused(await house.token(await house.form({}, { name: AGENT, key: devKey })), 401, "invalid_client");
});

test("a key that is not registered is refused with the words used for an unknown agent", async () => {
  const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const wrongKey = await refused(await house.token(await house.form({}, { key: foreign })), 401, "invalid_client");
  const unknown = await refused(
    await house.token(await house.form({}, { name: "bailiwick://acme/prod/support/nobody" })),
    401,
    "invalid_client",
  );
  expect(wrongKey).toBe(unknown);
});

test.each<[string, AssertionOptions]>([
  ["an expiry more than a minute ahead", { aheadSeconds: 600 }],
  ["an issuer that is not the subject", { iss: DEV_AGENT }],
  ["an empty jti", { jti: "" }],
])("an assertion with %s is refused", async (_, options) => {
  await refused(await house.token(await house.form({}, options)), 401, "invalid_client");
});

test("a request without an assertion is refused as unauthenticated", async () => {
  await refused(await house.token({ grant_type: "client_credentials", user: "ana", task: "T-17" }), 401, "invalid_client");
});

test("a client_id that is not the agent's is refused", async () => {
  await refused(await house.token(await house.form({ client_id: DEV_AGENT })), 401, "invalid_client");
});

test.each<[string, Record<string, string>, string]>([
  ["another grant type", { grant_type: "password" }, "unsupported_grant_type"],
  ["no task", { task: "" }, "invalid_request"],
  ["no user", { user: "" }, "invalid_request"],
  ["data that is not an object", { data: "[1]" }, "invalid_request"],
  ["data that is not JSON", { data: "{" }, "invalid_request"],
  ["a scope of everything", { scope: "*:*" }, "invalid_scope"],
  ["a scope the catalog does not have", { scope: "tickets:burn" }, "invalid_scope"],
  ["another resource", { resource: "https://other.example" }, "invalid_target"],
  ["a line break in the user", { user: "ana\nadmin" }, "invalid_request"],
  ["another assertion type", { client_assertion_type: "urn:example" }, "invalid_request"],
  ["a session key that is neither asked for nor not", { session_key: "perhaps" }, "invalid_request"],
  ["details of another type", { authorization_details: '[{"type":"payment"}]' }, "invalid_request"],
  ["details with a member nobody knows", { authorization_details: '[{"type":"bailiwick_task","colour":"red"}]' }, "invalid_request"],
])("a request with %s is refused", async (_, more, error) => {
  const response = await house.token(await house.form(more));
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(await response.json()).toMatchObject({ error });
});

test("a body that is not a form is refused", async () => {
  await refused(await house.post("/oauth/token", "{}", { "content-type": "application/json" }), 400, "invalid_request");
});

test("a body above the limit is refused before it is read as a form", async () => {
  expect((await house.token({ ...(await house.form()), data: "x".repeat(70_000) })).status).toBe(413);
});

test("another method than POST is answered with the one there is", async () => {
  const response = await fetch(house.endpoint);
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("POST");
});

test("no token is given when the log cannot record the session", async () => {
  logDown = true;
  await refused(await house.token(await house.form()), 503, "temporarily_unavailable");
  expect(house.faults).toHaveLength(1);
});

test("an agent that left the policy gets no token with its registered key", async () => {
  house.policy = { ...openCompany, agents: [] };
  await refused(await house.token(await house.form()), 401, "invalid_client");
});

test.each(["prod suspended", "dev retired"] as const)("an agent that is in %s gets no token, and is told who can help", async (place) => {
  const [environment, state] = place === "prod suspended" ? (["prod", "suspended"] as const) : (["dev", "retired"] as const);
  const name = `bailiwick://globex/${environment}/support/support-bot`;
  const key = await house.register(name);
  await given(await house.token(await house.form({}, { name, key })));
  await house.store.stops.put({ tenant: "globex", kind: "agent", name, state, by: "olaf", reason: "it misbehaves", at: new Date() });
  const owner = house.policy.agents.find((agent) => agent.name === name)?.owner ?? "nobody";
  expect(await refused(await house.token(await house.form({}, { name, key })), 400, "unauthorized_client")).toContain(`ask ${owner}`);
});

test("the metadata names the endpoints, the keys and the ways to authenticate", async () => {
  for (const path of ["oauth-authorization-server", "openid-configuration"]) {
    const response = await fetch(`${house.url}/.well-known/${path}`);
    expect(await response.json()).toMatchObject({
      issuer: house.url,
      token_endpoint: house.endpoint,
      authorization_endpoint: `${house.peopleUrl}/oauth/auth`,
      jwks_uri: `${house.url}/.well-known/jwks.json`,
      code_challenge_methods_supported: ["S256"],
      client_id_metadata_document_supported: true,
      authorization_response_iss_parameter_supported: true,
      token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    });
  }
});

test("the protected resource metadata names the resource and its authorization server, and shows no catalog", async () => {
  for (const path of ["oauth-protected-resource", "oauth-protected-resource/mcp"]) {
    const body: unknown = await (await fetch(`${house.url}/.well-known/${path}`)).json();
    expect(body).toMatchObject({ resource: `${house.url}/mcp`, authorization_servers: [house.url] });
    expect(JSON.stringify(body)).not.toContain("tickets");
  }
});

test("the verifier accepts a token of the endpoint and names its tenant and session", async () => {
  const body = await given(await house.token(await house.form()));
  expect(await house.ports.token(body.access_token, new Date())).toMatchObject({ tenant: "acme", session: body.session });
});
