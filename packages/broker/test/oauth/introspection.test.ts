import type { KeyObject } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { given, refused } from "./support/answers.ts";
import { AGENT, DEV_AGENT, JWT_BEARER, openOAuthHouse, type OAuthHouse } from "./support/house.ts";
import { personClient, type PersonClient } from "./support/person-client.ts";
import { saidBy } from "../support/said.ts";

const GLOBEX_AGENT = "bailiwick://globex/prod/support/support-bot";
let house: OAuthHouse;
let client: PersonClient;
let devKey: KeyObject;
let globexKey: KeyObject;

beforeAll(async () => {
  house = await openOAuthHouse();
  await house.register();
  devKey = await house.register(DEV_AGENT);
  globexKey = await house.register(GLOBEX_AGENT);
  client = await personClient(house);
});
afterAll(async () => house.close());

async function asAgent(path: string, token: string, name = AGENT, key?: KeyObject): Promise<Response> {
  const audience = `${house.url}${path}`;
  const assertion = await house.assertion({ name, audience, ...(key === undefined ? {} : { key }) });
  return house.post(path, { token, client_assertion_type: JWT_BEARER, client_assertion: assertion });
}

async function active(response: Response): Promise<boolean> {
  return z.object({ active: z.boolean() }).parse(await response.json()).active;
}

test("an agent looks at its own token and sees what the session is", async () => {
  const token = await given(await house.token(await house.form({ scope: "tickets:read" })));
  const answer: unknown = await (await asAgent("/oauth/introspect", token.access_token)).json();
  expect(answer).toMatchObject({
    active: true,
    iss: house.url,
    aud: `${house.url}/mcp`,
    sub: "ana",
    client_id: AGENT,
    scope: "tickets:read",
    sid: token.session,
    run: token.run,
    tenant: "acme",
    act: { sub: AGENT },
    authorization_details: [{ type: "bailiwick_task", task: "T-17" }],
  });
});

test.each([
  ["another agent", DEV_AGENT, () => devKey],
  ["an agent of another tenant", GLOBEX_AGENT, () => globexKey],
])("%s is told that the token is not active, and cannot end it", async (_, name, key) => {
  const token = await given(await house.token(await house.form()));
  expect(await (await asAgent("/oauth/introspect", token.access_token, name, key())).json()).toEqual({ active: false });
  expect((await asAgent("/oauth/revoke", token.access_token, name, key())).status).toBe(200);
  expect(await active(await asAgent("/oauth/introspect", token.access_token))).toBe(true);
});

test("an agent ends its own session, and the record says who did", async () => {
  const token = await given(await house.token(await house.form()));
  expect((await asAgent("/oauth/revoke", token.access_token)).status).toBe(200);
  expect(await active(await asAgent("/oauth/introspect", token.access_token))).toBe(false);
  expect((await house.store.sessions.find("acme", token.session))?.revokedAt).toBeDefined();
  const records = await house.store.log.query("acme", { callId: token.session, limit: 5 });
  expect(records.map((record) => saidBy(record))).toContainEqual(
    expect.objectContaining({ event: "session.revoke", by: AGENT, via: "oauth" }),
  );
});

test("a token of a stopped agent is not active", async () => {
  const token = await given(await house.token(await house.form({}, { name: GLOBEX_AGENT, key: globexKey })));
  await house.store.stops.put({
    tenant: "globex",
    kind: "agent",
    name: GLOBEX_AGENT,
    state: "suspended",
    by: "olaf",
    reason: "test",
    at: new Date(),
  });
  expect(await active(await asAgent("/oauth/introspect", token.access_token, GLOBEX_AGENT, globexKey))).toBe(false);
  await house.store.stops.lift("globex", "agent", GLOBEX_AGENT);
});

test.each(["", "x", "a.b.c", "x".repeat(5_000)])("text that is no token is not active (%#)", async (text) => {
  const response = await asAgent("/oauth/introspect", text);
  if (text === "") await refused(response, 400, "invalid_request");
  else expect(await response.json()).toEqual({ active: false });
});

test.each(["/oauth/introspect", "/oauth/revoke"])("%s is closed to those who do not say who they are", async (path) => {
  await refused(await house.post(path, { token: "x" }), 401, "invalid_client");
  await refused(await house.post(path, { token: "x", client_id: "nobody" }), 401, "invalid_client");
  await refused(await house.post(path, { token: "x", client_id: AGENT }), 401, "invalid_client");
  await refused(await house.post(path, "token=x&token=y&client_id=z"), 400, "invalid_request");
});

test("a person's client looks at and ends its own token", async () => {
  const token = await client.signIn();
  const form = { token: token.access_token, client_id: client.id };
  expect(await (await house.post("/oauth/introspect", form)).json()).toMatchObject({ active: true, client_id: client.id, sub: "ana" });
  await house.post("/oauth/revoke", form);
  expect(await active(await house.post("/oauth/introspect", form))).toBe(false);
});

test("another client cannot look at or end it", async () => {
  const other = await personClient(house);
  const token = await client.signIn();
  const form = { token: token.access_token, client_id: other.id };
  expect(await active(await house.post("/oauth/introspect", form))).toBe(false);
  await house.post("/oauth/revoke", form);
  await house.post("/oauth/revoke", { token: token.refresh_token ?? "", client_id: other.id });
  expect(await active(await house.post("/oauth/introspect", { ...form, client_id: client.id }))).toBe(true);
  await given(await client.refresh(token.refresh_token ?? ""));
});

test("revoking a refresh token ends the whole consent: the family and its sessions", async () => {
  const first = await client.signIn();
  const second = await given(await client.refresh(first.refresh_token ?? ""));
  await house.post("/oauth/revoke", { token: second.refresh_token ?? "", client_id: client.id });
  await refused(await client.refresh(second.refresh_token ?? ""), 400, "invalid_grant");
  for (const token of [first, second]) expect((await house.store.sessions.find("acme", token.session))?.revokedAt).toBeDefined();
});
