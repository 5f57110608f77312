import { readFileSync } from "node:fs";
import { once } from "node:events";
import { hash, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Agent, request } from "undici";
import { createOAuthServer } from "../../src/adapters/oauth/oauth-server.ts";
import { tokenAnswer } from "./support/answers.ts";
import { openOAuthHouse, type OAuthHouse } from "./support/house.ts";

const folder = new URL("../smtp-tool/", import.meta.url);
const cert = readFileSync(new URL("localhost.cert.pem", folder), "utf8");
const key = readFileSync(new URL("localhost.key.pem", folder), "utf8");

let house: OAuthHouse;
let close: () => void;
let url: string;

beforeAll(async () => {
  house = await openOAuthHouse();
  await house.register();
  const oauth = createOAuthServer(house.ports);
  const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (req, res) => oauth.handle(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  url = `https://localhost:${address.port}/oauth/token`;
  close = () => server.close();
});
afterAll(async () => {
  close();
  await house.close();
});

async function tokenOver(own: { readonly cert: string; readonly key: string } | undefined): Promise<string> {
  const dispatcher = new Agent({ connect: { ca: cert, ...own } });
  const body = new URLSearchParams(await house.form()).toString();
  const answer = await request(url, { dispatcher, method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body });
  const { session } = tokenAnswer.parse(await answer.body.json());
  await dispatcher.destroy();
  return session;
}

test("a session asked for over a connection with a client certificate is bound to that certificate (RFC 8705)", async () => {
  const x5t = hash("sha256", new X509Certificate(cert).raw, "base64url");
  const session = await house.store.sessions.find("acme", await tokenOver({ cert, key }));
  expect(session?.binding).toEqual({ kind: "mtls", x5t });
});

test("without a client certificate it is a bearer session", async () => {
  expect((await house.store.sessions.find("acme", await tokenOver(undefined)))?.binding).toEqual({ kind: "bearer" });
});
