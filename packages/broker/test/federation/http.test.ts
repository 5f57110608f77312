import type { KeyObject } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { companyFiles, name } from "./company.ts";
import { delegationProof, type SenderKey, senderKey } from "./delegation-house.ts";
import { CEILING, entry } from "./inbound-house.ts";
import { partnerKey, type PartnerKey, type PartnerServer, servePartner, signed } from "./partner-server.ts";
import { clientAssertion, deploy, freePort, registered, writeFiles } from "./two-deployments.ts";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

let home: string;
let house: Awaited<ReturnType<typeof deploy>>;
let partner: PartnerServer;
let partnersKey: PartnerKey;
const keys = new Map<string, KeyObject>();

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "bailiwick-federation-http-"));
  [partner, partnersKey] = [await servePartner(), await partnerKey()];
  partner.keys = [partnersKey];
  await writeFiles(join(home, "policy"), {
    ...Object.fromEntries(companyFiles.map(({ path, text }) => [path, text])),
    "partners.yaml": `partners:\n${entry("globex-corp", partner.issuer, { kinds: "[id-jag, workload]", ceiling: CEILING })}`,
  });
  house = await deploy(home, await freePort(), "acme");
  for (const agent of [name("lead"), name("helper"), name("lead", "globex")]) keys.set(agent, await registered(house.broker, agent));
}, 60_000);

afterAll(async () => {
  await house.close();
  await partner.close();
  await rm(home, { recursive: true, force: true });
});

const answered = z.object({
  access_token: z.string(),
  token_type: z.string(),
  session: z.string(),
  scope: z.string(),
  issued_token_type: z.string().optional(),
});

async function post(form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${house.url}/oauth/token`, { method: "POST", headers, body: new URLSearchParams(form) });
}

async function asAgent(
  agent: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const key = keys.get(agent);
  if (key === undefined) throw new Error(`no key of ${agent}`);
  return post({ ...(await clientAssertion(house.url, agent, key)), ...form }, headers);
}

async function root(agent = name("lead")): Promise<z.output<typeof answered>> {
  return answered.parse(await (await asAgent(agent, { grant_type: "client_credentials", user: "ana", task: "T-17" })).json());
}

const exchange = (token: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  grant_type: EXCHANGE,
  subject_token: token,
  subject_token_type: ACCESS_TOKEN,
  ...more,
});

async function refusal(answer: Response): Promise<readonly [number, string]> {
  return [answer.status, z.object({ error: z.string() }).parse(await answer.json()).error];
}

const seconds = (): number => Math.floor(Date.now() / 1000);

function idJag(more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const claims = {
    iss: partner.issuer,
    aud: house.url,
    sub: "user-7",
    client_id: partner.issuer,
    jti: crypto.randomUUID(),
    iat: seconds(),
    exp: seconds() + 60,
  };
  return signed(partnersKey, { typ: "oauth-id-jag+jwt", claims: { ...claims, ...more } });
}

test("a delegate exchanges its delegator's token and calls with what it got; the delegator lists it and ends it", async () => {
  const lead = await root();
  const child = answered.parse(await (await asAgent(name("helper"), exchange(lead.access_token, { scope: "tickets:read" }))).json());
  expect(child).toMatchObject({ scope: "tickets:read", issued_token_type: ACCESS_TOKEN });
  const own = { headers: { authorization: `Bearer ${lead.access_token}` } };
  const list = await (await fetch(`${house.url}/oauth/sessions`, own)).json();
  expect(list).toMatchObject({ sessions: [{ session: child.session, agent: name("helper") }] });
  const ended = await fetch(`${house.url}/oauth/sessions/${child.session}`, { method: "DELETE", ...own });
  expect(await ended.json()).toEqual({ session: child.session, ended: [child.session] });
  expect((await mcp(child.access_token)).status).toBe(401);
  expect((await mcp(lead.access_token)).status).toBe(200);
});

test("a bound session is passed on with a delegation proof, once, and the child is bound to the delegate's key", async () => {
  const [lead, helper] = [await senderKey(), await senderKey()];
  const held = await boundRoot(lead);
  const delegation = await delegationProof(lead, held.access_token, { htu: `${house.url}/oauth/token`, delegate: name("helper") });
  const send = async (): Promise<Response> =>
    asAgent(name("helper"), exchange(held.access_token, { delegation }), { dpop: await tokenProof(helper) });
  expect(await (await send()).json()).toMatchObject({ token_type: "DPoP" });
  expect(await refusal(await send())).toEqual([400, "invalid_grant"]);
  const bearer = await delegationProof(lead, held.access_token, { htu: `${house.url}/oauth/token`, delegate: name("helper") });
  expect(await refusal(await asAgent(name("helper"), exchange(held.access_token, { delegation: bearer })))).toEqual([
    400,
    "invalid_request",
  ]);
});

async function boundRoot(key: SenderKey): Promise<z.output<typeof answered>> {
  const form = { grant_type: "client_credentials", user: "ana", task: "T-17" };
  return answered.parse(await (await asAgent(name("lead"), form, { dpop: await tokenProof(key) })).json());
}

function tokenProof(key: SenderKey): Promise<string> {
  return new SignJWT({ htm: "POST", htu: `${house.url}/oauth/token`, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: key.publicJwk })
    .setIssuedAt()
    .sign(key.privateKey);
}

function mcp(token: string): Promise<Response> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  return fetch(`${house.url}/mcp`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }),
  });
}

test("an exchange without client authentication is refused", async () => {
  const lead = await root();
  expect(await refusal(await post(exchange(lead.access_token)))).toEqual([401, "invalid_client"]);
});

test("attack: an exchange across tenants", async () => {
  const foreign = await root(name("lead", "globex"));
  expect(await refusal(await asAgent(name("helper"), exchange(foreign.access_token)))).toEqual([400, "invalid_target"]);
});

test("attack: an exchange of the token of a session that was just revoked", async () => {
  const lead = await root();
  await house.broker.store.sessions.revoke("acme", lead.session, "lena");
  expect(await refusal(await asAgent(name("helper"), exchange(lead.access_token)))).toEqual([400, "invalid_grant"]);
});

test.each<[string, Readonly<Record<string, string>>]>([
  ["without a subject token", { subject_token: "" }],
  ["with an unknown type of subject", { subject_token_type: "urn:x" }],
  ["for another type of token", { requested_token_type: "urn:ietf:params:oauth:token-type:id_token" }],
  ["with details that are no JSON", { authorization_details: "{" }],
  ["with details of an unknown type", { authorization_details: '[{"type":"payment"}]' }],
  ["with an unknown member in its details", { authorization_details: '[{"type":"bailiwick_task","admin":true}]' }],
])("a malformed exchange %s is refused", async (_, more) => {
  const lead = await root();
  expect(await refusal(await asAgent(name("helper"), exchange(lead.access_token, more)))).toEqual([400, "invalid_request"]);
});

test("a partner's server gets a session with its assertion, and calls with it", async () => {
  const client = await clientAssertion(house.url, partner.issuer, partnersKey.privateKey);
  const answer = answered.parse(await (await post({ grant_type: JWT_BEARER, assertion: await idJag(), ...client })).json());
  expect(answer.scope).toBe("tickets:read");
  expect((await mcp(answer.access_token)).status).toBe(200);
});

test("attack: a partner's server asks for another grant", async () => {
  const client = await clientAssertion(house.url, partner.issuer, partnersKey.privateKey);
  const answer = await post({ grant_type: "client_credentials", user: "ana", task: "T", ...client });
  expect(await refusal(answer)).toEqual([401, "invalid_client"]);
});

test("attack: somebody else's key authenticates as the partner's server", async () => {
  const client = await clientAssertion(house.url, partner.issuer, (await partnerKey()).privateKey);
  expect(await refusal(await post({ grant_type: JWT_BEARER, assertion: await idJag(), ...client }))).toEqual([401, "invalid_client"]);
});

test("attack: a partner's client assertion is replayed", async () => {
  const client = await clientAssertion(house.url, partner.issuer, partnersKey.privateKey);
  expect((await post({ grant_type: JWT_BEARER, assertion: await idJag(), ...client })).status).toBe(200);
  expect(await refusal(await post({ grant_type: JWT_BEARER, assertion: await idJag(), ...client }))).toEqual([401, "invalid_client"]);
});

test("attack: an assertion is replayed, and every tenant of the partner is told", async () => {
  const assertion = await idJag();
  const send = async (): Promise<Response> =>
    post({ grant_type: JWT_BEARER, assertion, ...(await clientAssertion(house.url, partner.issuer, partnersKey.privateKey)) });
  expect((await send()).status).toBe(200);
  expect(await refusal(await send())).toEqual([400, "invalid_grant"]);
  expect(await house.records()).toContainEqual(expect.objectContaining({ event: "assertion.replay", partner: "globex-corp" }));
});

test("an ID-JAG without client authentication, and no assertion at all, are refused", async () => {
  expect(await refusal(await post({ grant_type: JWT_BEARER, assertion: await idJag() }))).toEqual([400, "invalid_grant"]);
  expect(await refusal(await post({ grant_type: JWT_BEARER }))).toEqual([400, "invalid_request"]);
  expect(await refusal(await post({ grant_type: JWT_BEARER, assertion: "not a jwt" }))).toEqual([400, "invalid_grant"]);
});
