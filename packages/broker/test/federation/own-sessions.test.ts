import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createOwnSessions } from "../../src/adapters/oauth/own-sessions.ts";
import { createSenderVerifier } from "../../src/adapters/sender-proof/verify-sender.ts";
import { name } from "./company.ts";
import { type DelegationHouse, delegationProof, ISSUER, openDelegationHouse, type SenderKey, senderKey } from "./delegation-house.ts";
import { saidBy } from "../support/said.ts";

let house: DelegationHouse;
let server: Server;
let url: string;
const faults: unknown[] = [];

beforeAll(async () => {
  house = await openDelegationHouse();
  const { store } = house.opened;
  const handle = createOwnSessions({
    issuer: ISSUER,
    now: () => house.now(),
    policy: () => house.ports.policy(),
    senders: createSenderVerifier(house.ports),
    sessions: store.sessions,
    log: store.log,
    onFault: (error) => faults.push(error),
  });
  server = createServer((req, res) => void handle(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  url = `http://127.0.0.1:${address.port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await house.opened.close();
});

const listed = z.object({ sessions: z.array(z.object({ session: z.string(), agent: z.string(), lineage: z.array(z.string()) })) });
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const ask = (method: string, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/oauth/sessions${path}`, { method, headers });

test("an agent lists what was delegated from its session, and nothing beside it", async () => {
  const [root, stranger] = [await house.root("lead"), await house.root("lead")];
  const child = await house.exchange("helper", root.token);
  const grandchild = await house.exchange("third", child.token);
  await house.exchange("helper", stranger.token);
  const seen = listed.parse(await (await ask("GET", "", bearer(root.token))).json()).sessions;
  expect(seen.map(({ session }) => session).toSorted()).toEqual([child.session.id, grandchild.session.id].toSorted());
  const below = listed.parse(await (await ask("GET", "", bearer(child.token))).json()).sessions;
  expect(below.map(({ session }) => session)).toEqual([grandchild.session.id]);
});

test("an agent ends a child with all below it, and the record says so", async () => {
  const root = await house.root("lead");
  const child = await house.exchange("helper", root.token);
  const grandchild = await house.exchange("third", child.token);
  const answer = await ask("DELETE", `/${child.session.id}`, bearer(root.token));
  expect(answer.status).toBe(200);
  expect(
    z
      .object({ ended: z.array(z.string()) })
      .parse(await answer.json())
      .ended.toSorted(),
  ).toEqual([child.session.id, grandchild.session.id].toSorted());
  expect((await ask("GET", "", bearer(grandchild.token))).status).toBe(401);
  const records = await house.opened.store.log.query("acme", { callId: child.session.id, limit: 5 });
  expect(records.map((record): unknown => saidBy(record))).toContainEqual(
    expect.objectContaining({ event: "session.revoke", by: name("lead"), via: "delegator", delegator: root.session.id }),
  );
});

test("ending a child twice is no error", async () => {
  const root = await house.root("lead");
  const child = await house.exchange("helper", root.token);
  await ask("DELETE", `/${child.session.id}`, bearer(root.token));
  const again = await ask("DELETE", `/${child.session.id}`, bearer(root.token));
  expect(await again.json()).toEqual({ session: child.session.id, ended: [] });
});

test("attack: an agent ends a session that is not below its own", async () => {
  const [root, stranger] = [await house.root("lead"), await house.root("third")];
  const child = await house.exchange("helper", root.token);
  for (const id of [stranger.session.id, root.session.id, "ses_unknown"])
    expect((await ask("DELETE", `/${id}`, bearer(child.token))).status).toBe(404);
  expect((await house.opened.store.sessions.find("acme", root.session.id))?.revokedAt).toBeUndefined();
});

test("attack: a session of another tenant is as unknown as one that does not exist", async () => {
  const root = await house.root("lead");
  const foreign = await house.root("lead", { agent: house.agent("lead", "globex") });
  const child = await house.exchange("helper", foreign.token, { tenant: "globex" });
  const [there, nowhere] = [
    await ask("DELETE", `/${child.session.id}`, bearer(root.token)),
    await ask("DELETE", "/ses_x", bearer(root.token)),
  ];
  expect([there.status, nowhere.status]).toEqual([404, 404]);
  expect(await there.text()).toBe(await nowhere.text());
});

test("a request without a token, or with a made-up one, is refused with a challenge", async () => {
  for (const headers of [{}, bearer("made.up.token")]) {
    const answer = await ask("GET", "", headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain("invalid_token");
  }
});

test("a malformed id, another method and another path are refused", async () => {
  const root = await house.root("lead");
  expect((await ask("DELETE", "/..%2Fx", bearer(root.token))).status).toBe(404);
  expect((await ask("DELETE", `/${"x".repeat(200)}`, bearer(root.token))).status).toBe(404);
  expect((await ask("POST", "", bearer(root.token))).status).toBe(405);
  expect((await ask("DELETE", "", bearer(root.token))).status).toBe(405);
  expect(faults).toEqual([]);
});

test("a bound session proves each of these requests", async () => {
  const key = await senderKey();
  const root = await house.root("lead", { binding: { kind: "dpop", jkt: key.jkt } });
  expect((await ask("GET", "", { authorization: `DPoP ${root.token}` })).status).toBe(401);
  const proven = { authorization: `DPoP ${root.token}`, dpop: await proof(key, root.token) };
  expect((await ask("GET", "", proven)).status).toBe(200);
  expect((await ask("GET", "", proven)).status).toBe(401);
});

test("attack: a delegation proof is used to list the delegator's sessions", async () => {
  const key = await senderKey();
  const root = await house.root("lead", { binding: { kind: "dpop", jkt: key.jkt } });
  const dpop = await delegationProof(key, root.token, { delegate: name("helper") });
  expect((await ask("GET", "", { authorization: `DPoP ${root.token}`, dpop })).status).toBe(401);
});

async function proof(key: SenderKey, token: string): Promise<string> {
  const ath = createHash("sha256").update(token).digest("base64url");
  return new SignJWT({ htm: "GET", htu: `${ISSUER}/oauth/sessions`, ath, jti: randomBytes(12).toString("hex") })
    .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: key.publicJwk })
    .setIssuedAt()
    .sign(key.privateKey);
}
