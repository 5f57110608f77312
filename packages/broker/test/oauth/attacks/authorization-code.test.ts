import { createHash, randomBytes } from "node:crypto";
import { Fault } from "../../../src/domain/fault.ts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { given, refused } from "../support/answers.ts";
import { AGENT, openOAuthHouse, type OAuthHouse } from "../support/house.ts";
import { personClient, type PersonClient, REDIRECT, registerClient } from "../support/person-client.ts";
import { saidBy } from "../../support/said.ts";

let house: OAuthHouse;
let client: PersonClient;

beforeAll(async () => {
  house = await openOAuthHouse();
});
afterAll(async () => house.close());
beforeEach(async () => {
  client = await personClient(house);
});

async function code(): Promise<string> {
  return (await client.codeFor()).get("code") ?? "";
}

test("a replayed code gives nothing and ends what it gave before", async () => {
  const once = await code();
  const token = await given(await client.redeem(once));
  await refused(await client.redeem(once), 400, "invalid_grant");
  expect((await house.store.sessions.find("acme", token.session))?.revokedAt).toBeDefined();
  await refused(await client.refresh(token.refresh_token ?? ""), 400, "invalid_grant");
  const records = await house.store.log.query("acme", { callId: token.session, limit: 5 });
  expect(records.map((record) => saidBy(record))).toContainEqual(
    expect.objectContaining({ event: "session.revoke", why: "replayed", ended: [token.session] }),
  );
});

test("a code redeemed twice at the same time leaves no living session", async () => {
  const once = await code();
  const answers = await Promise.all([client.redeem(once), client.redeem(once), client.redeem(once)]);
  const won = answers.filter((answer) => answer.status === 200);
  expect(won.length).toBeLessThanOrEqual(1);
  for (const answer of won) {
    const { session, refresh_token: refresh } = await given(answer);
    expect((await house.store.sessions.find("acme", session))?.revokedAt).toBeDefined();
    await refused(await client.refresh(refresh ?? ""), 400, "invalid_grant");
  }
});

test("the code of another client is refused", async () => {
  const other = await personClient(house);
  await refused(await client.redeem(await code(), { client_id: other.id }), 400, "invalid_grant");
});

test("a code is refused with another redirect URI than it was asked for with", async () => {
  await refused(await client.redeem(await code(), { redirect_uri: "http://127.0.0.1:53123/other" }), 400, "invalid_grant");
});

test("PKCE downgrade: a request without a challenge, with `plain`, or without a method is sent away", async () => {
  for (const parameters of [
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: "plain", code_challenge: client.verifier },
    { code_challenge_method: undefined },
  ]) {
    const { response } = await client.authorize(parameters);
    const location = new URL(response.headers.get("location") ?? "about:blank");
    expect(location.searchParams.get("error")).toBe("invalid_request");
    expect(location.searchParams.get("code")).toBeNull();
  }
});

test("PKCE downgrade: a code without its verifier, or with another, gives nothing", async () => {
  await refused(await client.redeem(await code(), { code_verifier: "" }), 400, "invalid_grant");
  await refused(await client.redeem(await code(), { code_verifier: randomBytes(32).toString("base64url") }), 400, "invalid_grant");
});

test("mix-up: every answer to the client, also an error, names this issuer", async () => {
  const page = await client.authorize();
  const denied = await page.follow(await page.answer({ csrf: page.csrf, answer: "deny" }));
  expect(new URL(denied.headers.get("location") ?? "about:blank").searchParams.get("iss")).toBe(house.url);
  expect((await client.codeFor()).get("iss")).toBe(house.url);
});

test.each([
  ["unregistered", "https://evil.example/callback"],
  ["a longer path", "http://127.0.0.1:53123/callback/more"],
  ["a prefix", "http://127.0.0.1:53123/"],
  ["another host behind a user name", "http://127.0.0.1:53123@evil.example/callback"],
  ["another host that begins alike", "http://127.0.0.1.evil.example:53123/callback"],
  ["a query", "http://127.0.0.1:53123/callback?next=https://evil.example"],
  ["a fragment", "http://127.0.0.1:53123/callback#x"],
  ["a backslash", "http://127.0.0.1:53123\\@evil.example/callback"],
  ["an encoded dot path", "http://127.0.0.1:53123/callback/%2e%2e/other"],
  ["a script", "javascript:alert(1)"],
])("open redirect: a redirect URI that is %s gets an error page, never a redirect", async (_, redirect_uri) => {
  const { response } = await client.authorize({ redirect_uri });
  expect(response.headers.get("location")).toBeNull();
  expect(response.status).toBe(400);
  expect(await response.text()).not.toContain("window.location");
});

test("scope escalation at refresh: a scope beyond the consent is refused, and the token stays as it was", async () => {
  const token = await given(await client.redeem((await client.codeFor({ scope: "tickets:read" })).get("code") ?? ""));
  await refused(await client.refresh(token.refresh_token ?? "", { scope: "tickets:read tickets:update" }), 400, "invalid_scope");
  await refused(await client.refresh(token.refresh_token ?? "", { scope: "tickets:*" }), 400, "invalid_scope");
  expect((await given(await client.refresh(token.refresh_token ?? ""))).scope).toBe("tickets:read");
});

test("scope escalation by details: `authorization_details` at the token endpoint do not widen the consent", async () => {
  const detail = [{ type: "bailiwick_task", scope: ["tickets:*"] }];
  const answer = await client.redeem((await client.codeFor({ scope: "tickets:read" })).get("code") ?? "", {
    authorization_details: JSON.stringify(detail),
  });
  expect((await given(answer)).scope).toBe("tickets:read");
});

test("a refresh token that is used twice ends the family: the thief's and the victim's", async () => {
  const first = await client.signIn();
  const second = await given(await client.refresh(first.refresh_token ?? ""));
  await refused(await client.refresh(first.refresh_token ?? ""), 400, "invalid_grant");
  await refused(await client.refresh(second.refresh_token ?? ""), 400, "invalid_grant");
  expect((await house.store.sessions.find("acme", second.session))?.revokedAt).toBeDefined();
});

test("a refresh token of another client is refused", async () => {
  const other = await personClient(house);
  const token = await client.signIn();
  await refused(await client.refresh(token.refresh_token ?? "", { client_id: other.id }), 400, "invalid_grant");
});

test("another resource than ours is an invalid target, at each step", async () => {
  const { response } = await client.authorize({ resource: "https://other.example/mcp" });
  expect(new URL(response.headers.get("location") ?? "about:blank").searchParams.get("error")).toBe("invalid_target");
  await refused(await client.redeem(await code(), { resource: "https://other.example/mcp" }), 400, "invalid_target");
});

test("duplicate parameters of the authorization request are refused", async () => {
  const challenge = createHash("sha256").update(client.verifier).digest("base64url");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: client.id,
    redirect_uri: REDIRECT,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  const response = await fetch(`${house.peopleUrl}/oauth/auth?${query.toString()}&scope=tickets:read&scope=tickets:*`, {
    redirect: "manual",
  });
  expect(response.headers.get("location") ?? "").toContain("error=invalid_request");
  const twice = await fetch(`${house.peopleUrl}/oauth/auth?${query.toString()}&redirect_uri=https://evil.example`, { redirect: "manual" });
  expect(twice.headers.get("location") ?? "").not.toContain("evil.example");
});

test("a forged host header changes neither what the server says of itself nor where it sends people", async () => {
  const response = await fetch(
    `${house.peopleUrl}/oauth/auth?response_type=code&client_id=${client.id}&redirect_uri=${encodeURIComponent(REDIRECT)}&code_challenge=${"a".repeat(43)}&code_challenge_method=S256`,
    {
      redirect: "manual",
      headers: { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", forwarded: "host=evil.example" },
    },
  );
  expect(response.status).toBe(303);
  expect(`${response.headers.get("location")} ${response.headers.getSetCookie().join(" ")}`).not.toContain("evil.example");
});

test("an agent's own name is no client of people", async () => {
  const { response } = await client.authorize({ client_id: AGENT });
  expect(response.status).toBe(400);
  expect(response.headers.get("location")).toBeNull();
});

test("a person's client cannot take an agent's grant", async () => {
  await refused(
    await house.token({ grant_type: "client_credentials", client_id: client.id, user: "ana", task: "x" }),
    401,
    "invalid_client",
  );
});

test("a flood of registrations from one address is stopped", async () => {
  const flooded = await openOAuthHouse(() => ({ attempt: async () => false }));
  try {
    expect((await registerClient(flooded)).status).toBe(429);
  } finally {
    await flooded.close();
  }
});

test("a store that is down gives an error and no code, token or client", async () => {
  const down = async (): Promise<never> => {
    throw new Fault("store_unavailable", "the database is away");
  };
  let broken = false;
  const shaky = await openOAuthHouse(({ attempt, entities }) => ({
    attempt: async (...given) => (broken ? down() : attempt(...given)),
    entities: { ...entities, find: async (...given) => (broken ? down() : entities.find(...given)) },
  }));
  try {
    const own = await personClient(shaky);
    const page = await own.authorize();
    const answer = await page.follow(await page.answer({ csrf: page.csrf, answer: "allow", agent: AGENT, task: "x" }));
    const given = new URL(answer.headers.get("location") ?? "about:blank").searchParams.get("code") ?? "";
    broken = true;
    await refused(await own.redeem(given), 503, "temporarily_unavailable");
    await refused(await registerClient(shaky), 503, "temporarily_unavailable");
    const { response } = await own.authorize();
    expect(response.status).toBe(503);
    expect(response.headers.get("location")).toBeNull();
    expect(shaky.faults.length).toBeGreaterThanOrEqual(3);
  } finally {
    await shaky.close();
  }
});

test("a person who left the policy has no living refresh token", async () => {
  const token = await client.signIn();
  const { policy } = house;
  house.policy = { ...policy, people: policy.people.filter(({ id }) => id !== "ana") };
  await refused(await client.refresh(token.refresh_token ?? ""), 400, "invalid_grant");
  house.policy = policy;
});
