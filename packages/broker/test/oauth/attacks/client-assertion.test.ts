import type { KeyObject } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { given, refused } from "../support/answers.ts";
import { handmade, hmacSigned, nowS } from "../support/hostile.ts";
import { AGENT, DEV_AGENT, openOAuthHouse, type OAuthHouse } from "../support/house.ts";

let house: OAuthHouse;
let key: KeyObject;
let devKey: KeyObject;

beforeAll(async () => {
  house = await openOAuthHouse();
  key = await house.register();
  devKey = await house.register(DEV_AGENT);
});
afterAll(async () => house.close());

const claims = (): Record<string, unknown> => ({ iss: AGENT, sub: AGENT, aud: house.endpoint, exp: nowS() + 30, jti: "x" });

test("a replayed assertion gives no second token", async () => {
  const fields = await house.form();
  await given(await house.token(fields));
  expect(await refused(await house.token(fields), 401, "invalid_client")).toContain("used before");
});

test("a replayed assertion loses the race: of two at the same time exactly one gets a token", async () => {
  const fields = await house.form();
  const statuses = (await Promise.all([house.token(fields), house.token(fields)])).map((response) => response.status);
  expect(statuses.toSorted()).toEqual([200, 401]);
});

test("a replayed assertion is recorded, because somebody holds a copy", async () => {
  const fields = await house.form({}, { jti: "jti-of-the-replay-test" });
  await house.token(fields);
  await house.token(fields);
  const records = await house.store.log.query("acme", { kind: "admin", limit: 1_000 });
  const replays = records.filter(({ text }) => text.includes("token.replay"));
  const facts = await Promise.all(replays.map(({ callId }) => house.store.log.facts("acme", callId)));
  expect(facts).toContainEqual({ jti: "jti-of-the-replay-test" });
});

test.each<[string, (url: string) => string | string[]]>([
  ["another server", () => "https://other.example/oauth/token"],
  ["two servers", (url) => [`${url}/oauth/token`, "https://other.example/oauth/token"]],
  ["the tool endpoint", (url) => `${url}/mcp`],
  ["a prefix of the endpoint", (url) => `${url}/oauth`],
])("an assertion for a wrong audience (%s) is refused", async (_, audience) => {
  await refused(await house.token(await house.form({}, { audience: audience(house.url) })), 401, "invalid_client");
});

test("an assertion with alg none is refused", async () => {
  const unsigned = handmade({ alg: "none" }, claims());
  await refused(await house.token({ ...(await house.form()), client_assertion: unsigned }), 401, "invalid_client");
});

test("an HS256 assertion keyed with the agent's public key is refused", async () => {
  const [agentKey] = await house.store.agentKeys.keysOf("acme", AGENT, new Date());
  for (const secret of [JSON.stringify(agentKey?.publicJwk), agentKey?.thumbprint ?? ""]) {
    const forged = hmacSigned({ alg: "HS256" }, claims(), secret);
    await refused(await house.token({ ...(await house.form()), client_assertion: forged }), 401, "invalid_client");
    const lying = hmacSigned({ alg: "ES256" }, claims(), secret);
    await refused(await house.token({ ...(await house.form()), client_assertion: lying }), 401, "invalid_client");
  }
});

test("an expired assertion is refused", async () => {
  expect(await refused(await house.token(await house.form({}, { aheadSeconds: -30 })), 401, "invalid_client")).toContain("expired");
});

test("clock skew of five seconds either way is forgiven, and no more", async () => {
  await given(await house.token(await house.form({}, { aheadSeconds: -2 })));
  await given(await house.token(await house.form({}, { issuedAheadSeconds: 3 })));
  await refused(await house.token(await house.form({}, { aheadSeconds: -8 })), 401, "invalid_client");
  await refused(await house.token(await house.form({}, { issuedAheadSeconds: 10 })), 401, "invalid_client");
  await refused(await house.token(await house.form({}, { aheadSeconds: 70 })), 401, "invalid_client");
});

test("an oversized JWT is refused before it is decoded", async () => {
  const huge = handmade({ alg: "ES256" }, { ...claims(), padding: "x".repeat(20_000) });
  await refused(await house.token({ ...(await house.form()), client_assertion: huge }), 401, "invalid_client");
});

test.each(["../../../../dev/null", "' or '1'='1", "https://evil.example/jwks.json", "file:///etc/passwd", "\u0000"])(
  "a kid that points elsewhere (%j) finds no key",
  async (kid) => {
    await refused(await house.token(await house.form({}, { kid })), 401, "invalid_client");
  },
);

test("another agent's kid finds no key, whoever's key signs", async () => {
  const [other] = await house.store.agentKeys.keysOf("acme", DEV_AGENT, new Date());
  await refused(await house.token(await house.form({}, { kid: other?.thumbprint ?? "" })), 401, "invalid_client");
  await refused(await house.token(await house.form({}, { kid: other?.thumbprint ?? "", key: devKey })), 401, "invalid_client");
});

test("a key of one tenant opens nothing in a foreign tenant", async () => {
  await refused(
    await house.token(await house.form({}, { name: "bailiwick://globex/prod/support/support-bot", key })),
    401,
    "invalid_client",
  );
});

test("duplicate parameters are refused, also when they say the same", async () => {
  const body = new URLSearchParams(await house.form()).toString();
  await refused(await house.token(`${body}&task=T-18`), 400, "invalid_request");
  await refused(await house.token(`${body}&task=T-17`), 400, "invalid_request");
  await refused(await house.token(`${body}&grant_type=refresh_token`), 400, "invalid_request");
  await refused(await house.token(`${body}&x=&x=`), 400, "invalid_request");
});
