import { afterAll, beforeAll, expect, test } from "vitest";
import { given, refused } from "../support/answers.ts";
import { sender } from "../support/dpop.ts";
import { handmade, nowS } from "../support/hostile.ts";
import { openOAuthHouse, type OAuthHouse } from "../support/house.ts";
import { personClient, type PersonClient } from "../support/person-client.ts";
import { createReplaySet } from "../../../src/adapters/sender-proof/replay-set.ts";

let house: OAuthHouse;
let client: PersonClient;

beforeAll(async () => {
  house = await openOAuthHouse();
  await house.register();
  client = await personClient(house);
});
afterAll(async () => house.close());

test("a session asked for with a DPoP proof is bound to its key, and lives longer", async () => {
  const { proof } = await sender();
  const token = await given(await house.token(await house.form(), { dpop: await proof(house.endpoint) }));
  expect(token.token_type).toBe("DPoP");
  expect(token.expires_in).toBeGreaterThan(300);
  expect((await house.store.sessions.find("acme", token.session))?.binding.kind).toBe("dpop");
});

test("a replayed DPoP proof at the token endpoint gives nothing, neither to an agent", async () => {
  const dpop = await (await sender()).proof(house.endpoint);
  await given(await house.token(await house.form(), { dpop }));
  await refused(await house.token(await house.form(), { dpop }), 400, "invalid_dpop_proof");
});

test("a replayed DPoP proof is known to a broker that has not seen it itself", async () => {
  const dpop = await (await sender()).proof(house.endpoint);
  await given(await house.token(await house.form(), { dpop }));
  const other = await openOAuthHouse(() => ({ entities: house.store.oauth, realm: house.ports.realm, proofs: createReplaySet(65_000) }));
  try {
    await other.register();
    await refused(await other.token(await other.form({}, { audience: house.endpoint }), { dpop }), 400, "invalid_dpop_proof");
  } finally {
    await other.close();
  }
});

test("a proof that comes with nobody's assertion is not remembered: strangers cannot fill memory or store", async () => {
  const dpop = await (await sender()).proof(house.endpoint);
  const stranger = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: "e30.e30.e30" };
  expect((await house.token(stranger, { dpop })).status).toBe(400);
  await given(await house.token(await house.form(), { dpop }));
});

test("a replayed DPoP proof gives a person's client nothing either", async () => {
  const dpop = await (await sender()).proof(house.endpoint);
  await given(await client.redeem((await client.codeFor()).get("code") ?? "", {}, { dpop }));
  const again = await client.redeem((await client.codeFor()).get("code") ?? "", {}, { dpop });
  expect(again.status).toBe(400);
});

test.each<[string, (url: string) => Record<string, unknown>]>([
  ["another address", () => ({ htu: "https://other.example/oauth/token" })],
  ["another method", () => ({ htm: "GET" })],
  ["long ago", () => ({ iat: nowS() - 120 })],
  ["the future", () => ({ iat: nowS() + 30 })],
  ["one call only (restrict)", () => ({ restrict: { scope: ["tickets:read"] } })],
])("a DPoP proof for %s is refused", async (_, claims) => {
  const dpop = await (await sender()).proof(house.endpoint, claims(house.url));
  await refused(await house.token(await house.form(), { dpop }), 400, "invalid_dpop_proof");
});

test("a DPoP proof with alg none is refused", async () => {
  const dpop = handmade({ alg: "none", typ: "dpop+jwt" }, { htm: "POST", htu: house.endpoint, iat: nowS(), jti: "none" });
  await refused(await house.token(await house.form(), { dpop }), 400, "invalid_dpop_proof");
});

test("two DPoP proofs in one request are refused", async () => {
  const { proof } = await sender();
  const dpop = `${await proof(house.endpoint)}, ${await proof(house.endpoint)}`;
  await refused(await house.token(await house.form(), { dpop }), 400, "invalid_dpop_proof");
});

test("a proof and a session key at once are refused", async () => {
  const dpop = await (await sender()).proof(house.endpoint);
  await refused(await house.token(await house.form({ session_key: "true" }), { dpop }), 400, "invalid_request");
});

test("a stolen refresh token that is bound to a key is of no use with another", async () => {
  const own = await sender();
  const code = (await client.codeFor()).get("code") ?? "";
  const token = await given(await client.redeem(code, {}, { dpop: await own.proof(house.endpoint) }));
  const thief = await sender();
  await refused(await client.refresh(token.refresh_token ?? "", {}, { dpop: await thief.proof(house.endpoint) }), 400, "invalid_grant");
  await refused(await client.refresh(token.refresh_token ?? ""), 400, "invalid_grant");
});
