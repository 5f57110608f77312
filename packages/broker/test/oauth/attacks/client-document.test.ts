import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuardedFetch } from "../../../src/adapters/outbound/guarded-fetch.ts";
import { clientDocument, type DocumentHost, documentHost, forbiddenServer } from "../support/document-host.ts";
import { openOAuthHouse, type OAuthHouse } from "../support/house.ts";
import { personClient } from "../support/person-client.ts";

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

/** The answer to an authorization request of this client: an error page, and no redirect. */
async function refusal(at: OAuthHouse, id: string): Promise<string> {
  const { response } = await (await personClient(at, "ana", id)).authorize();
  expect(response.status).toBe(400);
  expect(response.headers.get("location")).toBeNull();
  return response.text();
}

test.each(["https://127.0.0.1", "https://[::1]", "https://[::ffff:127.0.0.1]", "https://2130706433", "https://0x7f.1"])(
  "a client id metadata document at a private address (%s) is not fetched",
  async (origin) => {
    const inside = await forbiddenServer();
    const strict = await openOAuthHouse();
    try {
      await refusal(strict, `${origin}:${inside.port}/client.json`);
      expect(inside.seen()).toBe(0);
    } finally {
      await strict.close();
      inside.close();
    }
  },
);

test("a document at the metadata service of a cloud is not fetched, and the answer says nothing of it", async () => {
  const strict = await openOAuthHouse();
  try {
    const html = await refusal(strict, "https://169.254.169.254/latest/meta-data/");
    expect(html).not.toContain("169.254");
  } finally {
    await strict.close();
  }
});

test("DNS rebinding: a name that is public when it is looked at and private when it is used is not fetched", async () => {
  const inside = await forbiddenServer();
  let asked = 0;
  const lookup = async (): Promise<{ address: string; family: number }[]> => {
    asked += 1;
    return [{ address: asked === 1 ? "93.184.216.34" : "127.0.0.1", family: 4 }];
  };
  const strict = await openOAuthHouse(() => ({ fetch: createGuardedFetch({ lookup, timeoutMs: 300 }) }));
  try {
    await refusal(strict, `https://rebinding.example:${inside.port}/client.json`);
    await refusal(strict, `https://rebinding.example:${inside.port}/client.json`);
    expect(asked).toBeGreaterThan(1);
    expect(inside.seen()).toBe(0);
  } finally {
    await strict.close();
    inside.close();
  }
});

test("a document that says it is another client is refused", async () => {
  host.serve((_, res) =>
    res.writeHead(200, { "content-type": "application/json" }).end(clientDocument("https://good.example/client.json")),
  );
  await refusal(house, `${host.id}?other`);
});

test("a document that redirects inwards is not followed", async () => {
  const inside = await forbiddenServer();
  host.serve((_, res) => res.writeHead(302, { location: `https://localhost:${inside.port}/` }).end());
  await refusal(house, `${host.id}?redirect`);
  expect(inside.seen()).toBe(0);
  inside.close();
});

test.each<[string, Record<string, unknown>]>([
  ["a redirect to plain http elsewhere", { redirect_uris: ["http://client.example/cb"] }],
  ["a shared secret", { token_endpoint_auth_method: "client_secret_post" }],
  ["an agent's grant", { grant_types: ["client_credentials"] }],
])("a document with %s is refused", async (what, more) => {
  const id = `${host.id}?${encodeURIComponent(what)}`;
  host.serve((_, res) => res.writeHead(200, { "content-type": "application/json" }).end(clientDocument(id, more)));
  await refusal(house, id);
});

test("a document larger than a document is refused", async () => {
  const id = `${host.id}?large`;
  host.serve((_, res) =>
    res.writeHead(200, { "content-type": "application/json" }).end(clientDocument(id, { padding: "x".repeat(100_000) })),
  );
  await refusal(house, id);
});

test.each([
  "http://localhost/client.json",
  "https://user@localhost/client.json",
  "https://localhost/client.json#x",
  "https://localhost/../client.json",
])("%s is no client id", async (id) => {
  const before = host.seen();
  await refusal(house, id);
  expect(host.seen()).toBe(before);
});
