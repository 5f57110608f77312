import { afterEach, beforeEach, expect, test } from "vitest";
import { clientDocument, type DocumentHost, documentHost } from "../support/document-host.ts";
import { JWT_BEARER, openOAuthHouse, type OAuthHouse } from "../support/house.ts";
import { personClient } from "../support/person-client.ts";

let host: DocumentHost;
let house: OAuthHouse;
/** Keys under which something was counted. */
let counted: string[];

beforeEach(async () => {
  host = await documentHost();
  counted = [];
  house = await openOAuthHouse(({ attempt }) => ({
    fetch: host.fetch(),
    attempt: (keys, windowMs, at) => {
      counted.push(...keys.map(({ key }) => key));
      return attempt(keys, windowMs, at);
    },
  }));
});
afterEach(async () => {
  await house.close();
  host.close();
});

test.each(["/oauth/auth", "/oauth/auth/"])("a flood of authorizations: one at %s is counted like any other", async (path) => {
  const client = await personClient(house);
  counted = [];
  const address = client.addressOf().replace("/oauth/auth?", `${path}?`);
  expect((await fetch(address, { redirect: "manual" })).status).toBe(303);
  expect(counted).toContain("oauth authorize");
});

test.each(["/oauth/introspect", "/oauth/revoke"])(
  "unauthenticated fetches: a stranger who names an address as client at %s makes nobody fetch it",
  async (path) => {
    const { access_token: token } = await (await personClient(house)).signIn();
    for (const text of ["no-token", token]) {
      const answer = await house.post(path, { client_id: host.id, token: text });
      expect({ status: answer.status, body: await answer.text() }).toEqual({
        status: 200,
        body: path.endsWith("revoke") ? "" : '{"active":false}',
      });
    }
    expect(host.seen()).toBe(0);
  },
);

test("a client that is its document still looks at and ends its own token", async () => {
  const token = await (await personClient(house, "ana", host.id)).signIn();
  const form = { client_id: host.id, token: token.access_token };
  expect(await (await house.post("/oauth/introspect", form)).json()).toMatchObject({ active: true });
  expect((await house.post("/oauth/revoke", form)).status).toBe(200);
  expect(await (await house.post("/oauth/introspect", form)).json()).toEqual({ active: false });
});

test("unauthenticated fetches: token requests in the name of a client with a key fetch its key set once in a while, and are counted", async () => {
  let keySets = 0;
  host.serve((req, res) => {
    const keys = req.url === "/keys";
    if (keys) keySets += 1;
    const body = keys
      ? JSON.stringify({ keys: [] })
      : clientDocument(host.id, { token_endpoint_auth_method: "private_key_jwt", jwks_uri: `https://localhost:${host.port}/keys` });
    res.writeHead(200, { "content-type": "application/json" }).end(body);
  });
  const assertion = await house.assertion({ name: host.id, iss: host.id });
  for (let times = 0; times < 5; times += 1) {
    await house.token({
      grant_type: "refresh_token",
      refresh_token: "none",
      client_id: host.id,
      client_assertion_type: JWT_BEARER,
      client_assertion: assertion,
    });
  }
  expect(keySets).toBe(1);
  expect(counted.filter((key) => key === "oauth document")).toHaveLength(2);
});
