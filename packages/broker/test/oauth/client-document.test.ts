import { generateKeyPairSync, randomUUID } from "node:crypto";
import { exportJWK, SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { given, refused } from "./support/answers.ts";
import { companyWith, JWT_BEARER, openCompany, openOAuthHouse, type OAuthHouse } from "./support/house.ts";
import { clientDocument, type DocumentHost, documentHost } from "./support/document-host.ts";
import { personClient } from "./support/person-client.ts";

let host: DocumentHost;
let house: OAuthHouse;

beforeAll(async () => {
  host = await documentHost();
  house = await openOAuthHouse(() => ({ fetch: host.fetch() }));
});
afterAll(async () => {
  await house.close();
  host.close();
});
beforeEach(() => {
  house.policy = openCompany;
});

test("a client that is its metadata document needs no registration", async () => {
  const token = await (await personClient(house, "ana", host.id)).signIn();
  expect((await house.store.sessions.find("acme", token.session))?.client).toBe(host.id);
});

test("the page says at which host the document lies", async () => {
  const { html } = await (await personClient(house, "ana", host.id)).authorize();
  expect(html).toContain(`localhost:${host.port}`);
  expect(html).toContain("Desk from its document");
});

test("an agent that names its clients is given to them, and to no client that registered itself", async () => {
  house.policy = companyWith(`clients: { people: [support-lead], ids: ["${host.id}"] }`);
  expect((await (await personClient(house, "ana", host.id)).authorize()).html).toContain('value="allow"');
  expect((await (await personClient(house)).authorize()).html).toContain("lets you give no agent");
});

test("a client with a key in its document proves itself with it, once for each assertion", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = `${host.id}?key`;
  const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256", use: "sig" };
  host.serve((_, res) => {
    const document = clientDocument(id, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } });
    res.writeHead(200, { "content-type": "application/json" }).end(document);
  });
  const client = await personClient(house, "ana", id);
  const signed = (aheadS = 30): Promise<string> =>
    new SignJWT({ iss: id, sub: id, aud: house.endpoint, jti: randomUUID(), exp: Math.floor(Date.now() / 1000) + aheadS })
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .sign(privateKey);
  const proven = (client_assertion: string): Record<string, string> => ({ client_assertion, client_assertion_type: JWT_BEARER });
  const assertion = await signed();
  await given(await client.redeem((await client.codeFor()).get("code") ?? "", proven(assertion)));
  const code = (await client.codeFor()).get("code") ?? "";
  expect((await client.redeem(code)).status).toBe(401);
  expect((await client.redeem(code, proven(assertion))).status).toBeGreaterThanOrEqual(400);
  await refused(await client.redeem(code, proven(await signed(600))), 401, "invalid_client");
  await given(await client.redeem(code, proven(await signed())));
});
