import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { companyWith, openCompany, openOAuthHouse, type OAuthHouse } from "./support/house.ts";
import { type DocumentHost, documentHost } from "./support/document-host.ts";
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
