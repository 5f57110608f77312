import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { given, refused } from "./support/answers.ts";
import { AGENT, companyWith, openCompany, openOAuthHouse, type OAuthHouse } from "./support/house.ts";
import { personClient, type PersonClient, REDIRECT, registerClient, visit } from "./support/person-client.ts";
import { saidBy } from "../support/said.ts";

let house: OAuthHouse;
let client: PersonClient;

beforeAll(async () => {
  house = await openOAuthHouse();
  client = await personClient(house);
});
afterAll(async () => house.close());
beforeEach(() => {
  house.policy = openCompany;
});

test("a person's client gets a session of the chosen agent, for the person who signed in", async () => {
  const token = await client.signIn();
  expect(token).toMatchObject({ token_type: "Bearer", scope: "tickets:read tickets:update" });
  expect(await house.store.sessions.find("acme", token.session)).toMatchObject({
    agent: AGENT,
    user: "ana",
    userProof: "signed-in",
    task: "T-17",
    grant: "authorization_code",
    client: client.id,
    binding: { kind: "bearer" },
  });
});

test("the authorization response names its issuer and brings the state back (RFC 9207)", async () => {
  const answer = await client.codeFor();
  expect(Object.fromEntries(answer)).toMatchObject({ iss: house.url, state: "st4te" });
});

test("the page says who asks, where the answer goes and what for, and Deny has the focus", async () => {
  const { html, response } = await client.authorize();
  expect(html).toContain("Desk");
  expect(html).toContain("127.0.0.1:53123");
  expect(html).toContain("tickets:read");
  expect(html).toMatch(/value="deny" autofocus/u);
  expect(html).not.toContain("<script");
  expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  expect(response.headers.get("x-frame-options")).toBe("DENY");
});

test("a client's name cannot write markup into the page", async () => {
  const registered = await registerClient(house, { client_name: "<img src=x onerror=alert(1)>\u202e" });
  const { client_id: id } = (await registered.json()) as { client_id: string };
  const { html } = await (await personClient(house, "ana", id)).authorize();
  expect(html).toContain("&lt;img");
  expect(html).not.toContain("<img");
  expect(html).not.toContain("\u202e");
});

test("a person who says no sends the client away with access_denied", async () => {
  const page = await client.authorize();
  const end = await page.follow(await page.answer({ csrf: page.csrf, answer: "deny" }));
  const location = new URL(end.headers.get("location") ?? "about:blank");
  expect(location.origin + location.pathname).toBe(REDIRECT);
  expect(location.searchParams.get("error")).toBe("access_denied");
  const records = await house.store.log.query("acme", { kind: "admin", user: "ana", limit: 1 });
  expect(saidBy(records[0])).toMatchObject({ event: "oauth.consent_denied", by: "ana", client: client.id, via: "login-link" });
  expect(await house.store.log.facts("acme", records[0]?.callId ?? "")).toMatchObject({ redirectHost: "127.0.0.1:53123" });
});

test("somebody who is not signed in is led to the sign-in page and back", async () => {
  const cookie = await house.cookieOf("ana");
  const signedIn = await client.authorize();
  const stranger = await visit(house, signedIn.url, undefined);
  expect(stranger.html).not.toContain(cookie);
  const anonymous = await visit(
    house,
    `${house.peopleUrl}/oauth/auth?response_type=code&client_id=${client.id}&redirect_uri=${encodeURIComponent(REDIRECT)}&code_challenge=${"a".repeat(43)}&code_challenge_method=S256`,
    undefined,
  );
  expect(anonymous.html).toMatch(/http-equiv="refresh" content="0;url=\/oauth\/interaction\/[^"]+\?again"/u);
});

test("each authorization asks again: there is no remembered consent", async () => {
  await client.signIn();
  const { html } = await client.authorize();
  expect(html).toContain('value="allow"');
});

test("without a scope the session covers the chosen agent's ceiling", async () => {
  expect((await client.signIn({ scope: undefined })).scope).toBe("tickets:*");
});

test("scopes that mean nothing here are left out", async () => {
  expect((await client.signIn({ scope: "openid tickets:read tickets:burn" })).scope).toBe("tickets:read");
});

test("the consent is recorded before a code is given", async () => {
  await client.signIn({}, { task: "the record of a consent" });
  const [consent] = (await house.store.log.query("acme", { kind: "admin", task: "the record of a consent", limit: 10 })).filter(
    ({ text }) => text.includes('"event":"oauth.consent"'),
  );
  expect(saidBy(consent)).toMatchObject({ by: "ana", user: "ana", agent: AGENT, client: client.id });
  expect(await house.store.log.facts("acme", consent?.callId ?? "")).toMatchObject({ redirectHost: "127.0.0.1:53123" });
});

test("authorization_details narrow the session, and budgets keep it from being refreshed", async () => {
  const detail = { type: "bailiwick_task", rows: { Ticket: { id: ["T-17"] } }, limits: { calls: 3 } };
  const token = await client.signIn({ authorization_details: JSON.stringify([detail]) });
  expect(await house.store.sessions.find("acme", token.session)).toMatchObject({ rows: [detail.rows], limits: { calls: 3 } });
  expect(token.authorization_details).toMatchObject([{ type: "bailiwick_task", limits: { calls: 3 } }]);
  expect(token.refresh_token).toBeUndefined();
});

test("a refresh gives a new session for the same task, and a new refresh token", async () => {
  const first = await client.signIn();
  const second = await given(await client.refresh(first.refresh_token ?? ""));
  expect(second.session).not.toBe(first.session);
  // One consent is one run, whose name is the broker's.
  expect(first.run).toMatch(/^run_[\w-]{22}$/u);
  expect(second.run).toBe(first.run);
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(await house.store.sessions.find("acme", second.session)).toMatchObject({ task: "T-17", user: "ana", userProof: "signed-in" });
});

test("a refresh may ask for less", async () => {
  const first = await client.signIn();
  expect((await given(await client.refresh(first.refresh_token ?? "", { scope: "tickets:read" }))).scope).toBe("tickets:read");
});

test.each([
  ["nobody, because the agent names no clients", ""],
  ["people of another role", "clients: { people: [operator] }"],
  ["other clients", "clients: { people: [support-lead], ids: [client.example] }"],
])("an agent that is open to %s cannot be chosen", async (_, lines) => {
  house.policy = companyWith(lines);
  const page = await client.authorize();
  expect(page.html).toContain("lets you give no agent");
  const sent = await page.answer({ csrf: page.csrf === "" ? "none" : page.csrf, answer: "allow", agent: AGENT, task: "x" });
  expect(sent.status).toBeGreaterThanOrEqual(400);
});

test("an auditor gives no client anything, whatever other role they hold", async () => {
  house.policy = {
    ...openCompany,
    people: openCompany.people.map((person) => (person.id === "ana" ? { ...person, roles: [...person.roles, "auditor"] } : person)),
  };
  expect((await client.authorize()).html).toContain("lets you give no agent");
});

test("a refresh is refused once the policy no longer lets the person give the agent", async () => {
  const first = await client.signIn();
  house.policy = companyWith("");
  await refused(await client.refresh(first.refresh_token ?? ""), 400, "invalid_grant");
});

test("a stopped agent gets no session by a refresh either", async () => {
  const first = await client.signIn({}, { agent: "bailiwick://acme/dev/support/support-bot" });
  const name = "bailiwick://acme/dev/support/support-bot";
  await house.store.stops.put({ tenant: "acme", kind: "agent", name, state: "suspended", by: "olaf", reason: "test", at: new Date() });
  await refused(await client.refresh(first.refresh_token ?? ""), 400, "unauthorized_client");
  await house.store.stops.lift("acme", "agent", name);
});

test("a registration is recorded in every tenant's log", async () => {
  const { client_id: id } = (await (await registerClient(house)).json()) as { client_id: string };
  for (const tenant of ["acme", "globex"]) {
    const records = await house.store.log.query(tenant, { callId: id, limit: 5 });
    expect(saidBy(records[0])).toMatchObject({ event: "oauth.register_client", client: id });
  }
});

test.each<[string, Record<string, unknown>]>([
  ["a plain http redirect to elsewhere", { redirect_uris: ["http://client.example/cb"] }],
  ["a redirect with a user name", { redirect_uris: ["https://good.example@evil.example/cb"] }],
  ["a script as redirect", { redirect_uris: ["javascript:alert(1)"] }],
  ["an app's own scheme", { redirect_uris: ["desk:/cb"] }],
  ["a wildcard", { redirect_uris: ["https://*.example/cb"] }],
  ["a host that would write into the page's security policy", { redirect_uris: ["https://a;script-src/cb"] }],
  ["no redirect", { redirect_uris: [] }],
  ["a secret", { token_endpoint_auth_method: "client_secret_post" }],
  ["a key of its own", { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [] } }],
  ["an agent's grant", { grant_types: ["client_credentials"], response_types: [] }],
])("a client with %s cannot register", async (_, metadata) => {
  const response = await registerClient(house, metadata);
  expect(response.status).toBe(400);
});
