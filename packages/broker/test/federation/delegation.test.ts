import { createHash, randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fault } from "../../src/domain/fault.ts";
import { OAuthError } from "../../src/adapters/oauth/oauth-error.ts";
import { issueSession } from "../../src/adapters/oauth/issue-session.ts";
import { tokenExchange } from "../../src/adapters/oauth/grants/token-exchange.ts";
import { name } from "./company.ts";
import {
  ACCESS_TOKEN,
  delegationProof,
  type DelegationHouse,
  openDelegationHouse,
  realm,
  type SenderKey,
  senderKey,
  TOKEN_ENDPOINT,
} from "./delegation-house.ts";

let house: DelegationHouse;
let leadKey: SenderKey;
let helperKey: SenderKey;

beforeAll(async () => {
  house = await openDelegationHouse();
  leadKey = await senderKey();
  helperKey = await senderKey();
});

afterAll(async () => {
  await house.opened.close();
});

const bound = (key: SenderKey) => ({ kind: "dpop", jkt: key.jkt }) as const;

async function refused(work: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof OAuthError || failure instanceof Fault) return failure;
  throw new Error(`expected a refusal, got ${String(failure)}`);
}

test("a delegate gets its delegator's session, narrowed, with the chain in order and the same user", async () => {
  const root = await house.root("lead", { limits: { calls: 10 } });
  const { session } = await house.exchange("helper", root.token, {
    form: {
      scope: "tickets:read",
      task: "look it up",
      data: '{"customer":"C-1"}',
      authorization_details: JSON.stringify([
        { type: "bailiwick_task", rows: { Ticket: { id: ["T-17"] } }, limits: { calls: 50, records: 5 } },
      ]),
    },
  });
  expect(session).toMatchObject({
    agent: name("helper"),
    user: "ana",
    task: "look it up",
    scope: ["tickets:read"],
    data: { ticket: "T-17", customer: "C-1" },
    rows: [{ Ticket: { id: ["T-17"] } }],
    limits: { calls: 10, records: 5 },
    grant: "token_exchange",
    lineage: [root.session.id],
    actors: [name("lead")],
  });
  expect(session.expiresAt.getTime()).toBeLessThanOrEqual(root.session.expiresAt.getTime());
  expect((await house.opened.store.sessions.find("acme", session.id))?.delegator?.id).toBe(root.session.id);
});

test("an agent narrows its own session without becoming an actor of itself", async () => {
  const root = await house.root("lead");
  const { session } = await house.exchange("lead", root.token, { form: { scope: "tickets:read" } });
  expect(session).toMatchObject({ agent: name("lead"), scope: ["tickets:read"], actors: [], lineage: [root.session.id] });
});

test("an agent narrows its own bound session with the proof of the request itself", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const { session } = await house.exchange("lead", root.token, { binding: bound(leadKey), form: { scope: "tickets:read" } });
  expect(session.scope).toEqual(["tickets:read"]);
});

test("a bound session is passed on with a proof by the delegator's key that names the delegate", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const { session } = await house.exchange("helper", root.token, {
    binding: bound(helperKey),
    form: { delegation: await delegationProof(leadKey, root.token, { delegate: name("helper") }) },
  });
  expect(session.actors).toEqual([name("lead")]);
});

test("what the delegator's proof restricts holds the delegate down", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const restrict = { scope: ["tickets:read"], rows: { Ticket: { id: ["T-17"] } } };
  const proof = (): Promise<string> => delegationProof(leadKey, root.token, { delegate: name("helper"), restrict });
  const { session } = await house.exchange("helper", root.token, { binding: bound(helperKey), form: { delegation: await proof() } });
  expect(session).toMatchObject({ scope: ["tickets:read"], rows: [{ Ticket: { id: ["T-17"] } }] });
  const wider = house.exchange("helper", root.token, {
    binding: bound(helperKey),
    form: { delegation: await proof(), scope: "tickets:update" },
  });
  expect(await refused(wider)).toMatchObject({ code: "invalid_scope" });
});

test("a session with a session key is passed on with a proof made with that key", async () => {
  const root = await house.root("lead", { binding: { kind: "hmac" } });
  const proof = await hmacProof(root.session.id, root.token, name("helper"));
  const { session } = await house.exchange("helper", root.token, { binding: { kind: "hmac" }, form: { delegation: proof } });
  expect(session.actors).toEqual([name("lead")]);
});

async function hmacProof(session: string, token: string, delegate: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return new SignJWT({ htu: TOKEN_ENDPOINT, ath: createHash("sha256").update(token).digest("base64url"), delegate, ...more })
    .setProtectedHeader({ alg: "HS256", typ: "bailiwick-delegation+jwt" })
    .setJti(randomBytes(12).toString("hex"))
    .setIssuedAt()
    .sign(house.keys.of("acme", session).export());
}

test("a proof made with a session key that restricts, which it cannot, passes nothing on", async () => {
  const root = await house.root("lead", { binding: { kind: "hmac" } });
  const proof = await hmacProof(root.session.id, root.token, name("helper"), { restrict: { scope: ["tickets:read"] } });
  const work = house.exchange("helper", root.token, { binding: { kind: "hmac" }, form: { delegation: proof } });
  expect(await refused(work)).toMatchObject({ code: "invalid_grant" });
});

test("attack: a session key of another session signs the delegation", async () => {
  const [root, other] = [await house.root("lead", { binding: { kind: "hmac" } }), await house.root("lead", { binding: { kind: "hmac" } })];
  const proof = await hmacProof(other.session.id, root.token, name("helper"));
  const work = house.exchange("helper", root.token, { binding: { kind: "hmac" }, form: { delegation: proof } });
  expect((await refused(work)).message).toContain("not made with the session's key");
});

test("a revoked session takes its whole subtree with it", async () => {
  const root = await house.root("lead");
  const child = await house.exchange("helper", root.token);
  const grandchild = await house.exchange("third", child.token);
  const revocation = await house.opened.store.sessions.revoke("acme", root.session.id, "lena");
  expect([...(revocation?.ended ?? [])].toSorted()).toEqual([root.session.id, child.session.id, grandchild.session.id].toSorted());
  expect((await refused(house.exchange("fourth", grandchild.token))).code).toBe("invalid_grant");
});

test("attack: cyclic delegation comes back to an agent of the chain", async () => {
  const root = await house.root("lead");
  const child = await house.exchange("helper", root.token);
  const grandchild = await house.exchange("third", child.token);
  expect((await refused(house.exchange("lead", grandchild.token))).message).toContain("already in this chain");
});

test("attack: a chain deeper than three", async () => {
  let { token } = await house.root("lead");
  for (const bot of ["helper", "third", "fourth"]) ({ token } = await house.exchange(bot, token));
  expect(await refused(house.exchange("fifth", token))).toMatchObject({ code: "invalid_target" });
});

test("attack: scope escalation at exchange", async () => {
  const root = await house.root("lead", { scope: ["tickets:read"] });
  expect(await refused(house.exchange("helper", root.token, { form: { scope: "tickets:update" } }))).toMatchObject({
    code: "invalid_scope",
  });
  expect(await refused(house.exchange("helper", root.token, { form: { scope: "tickets:*" } }))).toMatchObject({ code: "invalid_scope" });
});

test("attack: the delegate changes what the session is about", async () => {
  const root = await house.root("lead");
  const work = house.exchange("helper", root.token, { form: { data: '{"ticket":"T-18"}' } });
  expect((await refused(work)).message).toContain("cannot be changed");
});

test("attack: the delegate asks for other rows, and both bounds hold", async () => {
  const root = await house.root("lead", { rows: [{ Ticket: { id: ["T-17"] } }] });
  const details = JSON.stringify([{ type: "bailiwick_task", rows: { Ticket: { id: ["T-17", "T-18"] } } }]);
  const { session } = await house.exchange("helper", root.token, { form: { authorization_details: details } });
  const found = await house.opened.store.sessions.find("acme", session.id);
  expect([found?.rows, found?.delegator?.rows]).toEqual([[{ Ticket: { id: ["T-17", "T-18"] } }], [{ Ticket: { id: ["T-17"] } }]]);
});

test("attack: the delegate names another user", async () => {
  const root = await house.root("lead");
  expect(await refused(house.exchange("helper", root.token, { form: { user: "boss" } }))).toMatchObject({ code: "invalid_request" });
});

test.each([
  ["tenant", { tenant: "globex" }],
  ["environment", { environment: "dev" }],
])("attack: a token of a foreign %s as subject", async (_, place) => {
  const root = await house.root("lead");
  expect(await refused(house.exchange("helper", root.token, place))).toMatchObject({ code: "invalid_target" });
});

test("attack: a revoked subject token", async () => {
  const root = await house.root("lead");
  await house.opened.store.sessions.revoke("acme", root.session.id, "lena");
  expect((await refused(house.exchange("helper", root.token))).message).toContain("revoked");
});

test("attack: an expired subject token", async () => {
  const late = await openDelegationHouse();
  const root = await late.root("lead");
  late.moveBy(5 * 60_000 + 1_000);
  expect(await refused(late.exchange("helper", root.token))).toMatchObject({ code: "invalid_grant" });
  await late.opened.close();
});

test("attack: a subject token whose agent is stopped", async () => {
  const root = await house.root("fifth");
  const stop = {
    tenant: "acme",
    kind: "agent",
    name: name("fifth"),
    state: "suspended",
    by: "lena",
    reason: "odd calls",
    at: new Date(),
  } as const;
  await house.opened.store.stops.put(stop);
  expect((await refused(house.exchange("helper", root.token))).message).toContain("suspended");
  await house.opened.store.stops.lift("acme", "agent", name("fifth"));
});

test("attack: a subject token of another issuer", async () => {
  const root = await house.root("lead");
  const stranger = await senderKey();
  const forged = await new SignJWT({ sid: root.session.id, tenant: "acme", client_id: name("lead"), scope: "tickets:*" })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: house.signingKey.kid })
    .setIssuer("https://elsewhere.example")
    .setAudience(realm.audience)
    .setSubject("ana")
    .setExpirationTime("4m")
    .sign(stranger.privateKey);
  expect(await refused(house.exchange("helper", forged))).toMatchObject({ code: "invalid_grant" });
});

test("attack: an ID token of our own key as subject", async () => {
  const root = await house.root("lead");
  const idToken = await new SignJWT({ sid: root.session.id, tenant: "acme", client_id: name("lead"), nonce: "n" })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: house.signingKey.kid })
    .setIssuer(realm.issuer)
    .setAudience(realm.audience)
    .setSubject("ana")
    .setExpirationTime("4m")
    .sign(house.signingKey.privateKey);
  expect(await refused(house.exchange("helper", idToken))).toMatchObject({ code: "invalid_grant" });
  const asIdToken = { subject_token_type: "urn:ietf:params:oauth:token-type:id_token" };
  expect(await refused(house.exchange("helper", root.token, { form: asIdToken }))).toMatchObject({ code: "invalid_request" });
});

test("attack: the delegate uses the delegator's key", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const work = house.exchange("helper", root.token, {
    binding: bound(leadKey),
    form: { delegation: await delegationProof(leadKey, root.token, { delegate: name("helper") }) },
  });
  expect((await refused(work)).message).toContain("key of its own");
});

test("attack: a bearer session out of a bound one", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const work = house.exchange("helper", root.token, {
    form: { delegation: await delegationProof(leadKey, root.token, { delegate: name("helper") }) },
  });
  expect((await refused(work)).message).toContain("bound");
});

test("attack: a bound token is stolen and exchanged by an agent it was not meant for", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const form = { delegation: await delegationProof(leadKey, root.token, { delegate: name("helper") }) };
  expect((await refused(house.exchange("third", root.token, { binding: bound(helperKey), form }))).message).toContain("is not for");
  expect((await refused(house.exchange("third", root.token, { binding: bound(helperKey) }))).message).toContain("is missing");
});

test("attack: a delegation proof by the delegate's own key", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const form = { delegation: await delegationProof(helperKey, root.token, { delegate: name("helper") }) };
  expect(await refused(house.exchange("helper", root.token, { binding: bound(helperKey), form }))).toMatchObject({ code: "invalid_grant" });
});

test("attack: a proof of an ordinary request is used as a delegation", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const form = { delegation: await delegationProof(leadKey, root.token, {}) };
  expect(await refused(house.exchange("helper", root.token, { binding: bound(helperKey), form }))).toMatchObject({ code: "invalid_grant" });
});

test("attack: a delegation proof made for another token", async () => {
  const [root, other] = [await house.root("lead", { binding: bound(leadKey) }), await house.root("lead", { binding: bound(leadKey) })];
  const form = { delegation: await delegationProof(leadKey, other.token, { delegate: name("helper") }) };
  expect((await refused(house.exchange("helper", root.token, { binding: bound(helperKey), form }))).message).toContain("another token");
});

test("attack: a delegation proof is used twice", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const form = { delegation: await delegationProof(leadKey, root.token, { delegate: name("helper") }) };
  await house.exchange("helper", root.token, { binding: bound(helperKey), form });
  expect((await refused(house.exchange("helper", root.token, { binding: bound(helperKey), form }))).message).toContain("used before");
});

test("attack: a delegation proof of yesterday", async () => {
  const root = await house.root("lead", { binding: bound(leadKey) });
  const form = { delegation: await delegationProof(leadKey, root.token, { delegate: name("helper") }, new Date(Date.now() - 86_400_000)) };
  expect(await refused(house.exchange("helper", root.token, { binding: bound(helperKey), form }))).toMatchObject({ code: "invalid_grant" });
});

test("attack: an actor token of another agent", async () => {
  const root = await house.root("lead");
  const actor = await house.root("third");
  const form = { actor_token: actor.token, actor_token_type: ACCESS_TOKEN };
  expect((await refused(house.exchange("helper", root.token, { form }))).message).toContain("another agent");
});

test("an actor token of the delegate itself says nothing new and is taken", async () => {
  const root = await house.root("lead");
  const actor = await house.root("helper");
  const { session } = await house.exchange("helper", root.token, { form: { actor_token: actor.token, actor_token_type: ACCESS_TOKEN } });
  expect(session.agent).toBe(name("helper"));
});

test("attack: a token for somebody else's resource", async () => {
  const root = await house.root("lead");
  const work = house.exchange("helper", root.token, { form: { resource: "https://partner.example/mcp" } });
  expect(await refused(work)).toMatchObject({ code: "invalid_target" });
});

test("attack: a revocation races an exchange, and the child does not outlive it", async () => {
  const root = await house.root("lead");
  // The token was seen to be live; the revocation comes before the row is written.
  const wish = await tokenExchange(house.ports, {
    agent: house.agent("helper"),
    binding: { kind: "bearer" },
    form: { subject_token: root.token, subject_token_type: ACCESS_TOKEN },
  });
  await house.opened.store.sessions.revoke("acme", root.session.id, "lena");
  expect(await refused(issueSession(house.ports, wish))).toMatchObject({ code: "session_ended" });
});

test("attack: revocations and exchanges at the same time leave no living child of a revoked session", async () => {
  for (let round = 0; round < 10; round += 1) {
    const root = await house.root("lead");
    const settled = await Promise.allSettled([
      house.exchange("helper", root.token),
      house.opened.store.sessions.revoke("acme", root.session.id, "lena"),
      house.exchange("third", root.token),
    ]);
    expect(settled[1].status).toBe("fulfilled");
    const living = await house.opened.store.sessions.list("acme", { live: true, limit: 50, delegatedFrom: root.session.id });
    expect(living).toEqual([]);
  }
});
