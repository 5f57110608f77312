import { decodeJwt } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { ownClient } from "../../src/adapters/tool-oauth/own-client.ts";
import { createGuardedFetch } from "../../src/adapters/outbound/guarded-fetch.ts";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { startAuthorizationServer, type TestAuthorizationServer } from "./authorization-server.ts";
import { type GuardedTool, startGuardedTool } from "./guarded-tool.ts";
import { browser, BY_PERSON, PLACE, policyWith } from "./house.ts";

const BROKER = "https://broker.example";

let house: RestHouse;
let server: TestAuthorizationServer;
let tool: GuardedTool;

// The name `broker.example` exists nowhere: what the authorization server fetches there is answered by the broker's own pages.
beforeEach(async () => {
  server = await startAuthorizationServer({
    documents: async (url) => {
      if (url === `${BROKER}/.well-known/jwks.json`) return Response.json(await house.jwks());
      return house.app.request(url.slice(BROKER.length));
    },
  });
  tool = await startGuardedTool(server.issuer, server.jwks);
  const policy = policyWith(tool.url, BY_PERSON);
  house = await openRestHouse({ policy: () => policy, publicUrl: BROKER, origins: [BROKER] });
});
afterEach(async () => {
  await house.close();
  await tool.close();
  await server.close();
});

test("a broker behind https is known by its metadata document, signs as that client and registers nowhere", async () => {
  const answer = await house.operator("POST", "/api/v1/tools/notes/connect", PLACE);
  const { url } = z.object({ url: z.string() }).parse(await answer.json());
  const entered = await house.app.request(url.slice(BROKER.length));
  const [cookie = ""] = (entered.headers.getSetCookie()[0] ?? "").split(";");
  expect(entered.headers.getSetCookie()[0]).toMatch(/^__Host-bailiwick_tool=.*HttpOnly; Secure; SameSite=Lax/u);
  const back = await browser().visit(entered.headers.get("location") ?? "", (at) => at.startsWith(BROKER));
  const page = await house.app.request(back.url.slice(BROKER.length), { headers: { cookie } });
  expect({ text: await page.text(), faults: server.faults }).toMatchObject({ text: expect.stringContaining("is connected"), faults: [] });
  expect(decodeJwt((await house.opener.open("notes-token", PLACE))?.value ?? "")).toMatchObject({
    client_id: `${BROKER}/oauth/client.json`,
    aud: tool.url,
  });
  const assertion = decodeJwt(server.forms.at(-1)?.get("client_assertion") ?? "");
  expect(assertion).toMatchObject({ iss: `${BROKER}/oauth/client.json`, sub: `${BROKER}/oauth/client.json`, aud: server.issuer });
});

test("a server without any way in says what to write", async () => {
  const login = { issuer: "https://login.example", token_endpoint: "https://login.example/token" };
  const self = { redirectUri: `${BROKER}/oauth/tool-callback` };
  await expect(ownClient(createGuardedFetch(), login, self, undefined)).rejects.toMatchObject({
    code: "credential_unavailable",
    message: expect.stringContaining("`client` in the tool's file"),
  });
});

test("a client of the tool's file goes before all others, and a server that takes no signature gets the document without a key", async () => {
  const login = {
    issuer: "https://login.example",
    token_endpoint: "https://login.example/token",
    client_id_metadata_document_supported: true,
  };
  const self = { redirectUri: "r", documents: { signing: "s", open: "o" } };
  const fetch = createGuardedFetch();
  expect(await ownClient(fetch, login, self, { id: "known", secret: "x" })).toMatchObject({ id: "known", method: "client_secret_basic" });
  expect(await ownClient(fetch, login, self, undefined)).toEqual({ id: "o", method: "none" });
});
