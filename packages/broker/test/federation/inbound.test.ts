import { createHmac, createPublicKey } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueSession } from "../../src/adapters/oauth/issue-session.ts";
import { OAuthError } from "../../src/adapters/oauth/oauth-error.ts";
import { createGuardedFetch } from "../../src/adapters/outbound/guarded-fetch.ts";
import { partnerStillHolds } from "../../src/domain/partner.ts";
import { companyWith, name } from "./company.ts";
import { entry, type InboundHouse, openInboundHouse, realm, TOKEN_ENDPOINT } from "./inbound-house.ts";
import { partnerKey, servePartner, signed, type PartnerServer } from "./partner-server.ts";
import { saidBy } from "../support/said.ts";

let house: InboundHouse;
let other: PartnerServer;
const allKinds = { kinds: "[id-jag, identity-chaining, workload]" };

beforeAll(async () => {
  other = await servePartner();
  other.keys = [await partnerKey()];
  house = await openInboundHouse((issuer) => partners(issuer));
});

function partners(issuer: string): string {
  const spiffe = `{ trustDomain: mesh.example, bundle: "${issuer}/bundle" }`;
  return (
    entry("globex-corp", issuer, { ...allKinds, algorithms: "[ES256, RS256, PS256, EdDSA]" }) +
    entry("initech", other.issuer, { tenants: "[acme, globex]", environments: "[dev, prod]" }) +
    entry("mesh", "https://mesh.example", { kinds: "[jwt-svid]", spiffe, subjects: '["spiffe://mesh.example/support/*"]' })
  );
}

afterAll(async () => {
  await other.close();
  await house.close();
});

async function refused(work: Promise<unknown>): Promise<OAuthError> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof OAuthError) return failure;
  throw new Error(`expected a refusal, got ${String(failure)}`);
}

test("an ID-JAG becomes a session of the partner's agent here, under its ceiling, with its chain of actors", async () => {
  const act = { sub: "copilot", act: { sub: "planner" } };
  const session = await house.ask(await house.idJag({ act }));
  expect(session).toMatchObject({
    agent: name("desk"),
    user: "globex-corp:user-7",
    userProof: "partner",
    scope: ["tickets:read"],
    rows: [{ Ticket: { region: ["emea"] } }],
    limits: { calls: 20 },
    grant: "jwt_bearer",
    client: house.partner.issuer,
    partner: "globex-corp",
    actors: ["globex-corp:copilot", "globex-corp:planner", house.partner.issuer],
  });
  const [record] = await house.opened.store.log.query("acme", { callId: session.id, limit: 1 });
  expect(saidBy(record)).toMatchObject({ event: "session.create", partner: "globex-corp", user: "globex-corp:user-7" });
});

test("what is asked is narrowed further, and the ceiling's rows and limits stay attached", async () => {
  const authorization_details = JSON.stringify([
    { type: "bailiwick_task", rows: { Ticket: { id: ["T-1"] } }, limits: { calls: 50, records: 3 } },
  ]);
  const session = await house.ask(await house.idJag(), { form: { task: "T-1", authorization_details } });
  expect(session).toMatchObject({
    task: "T-1",
    rows: [{ Ticket: { region: ["emea"] } }, { Ticket: { id: ["T-1"] } }],
    limits: { calls: 20, records: 3 },
  });
});

test("identity chaining: a JWT authorization grant handed in by the partner's server", async () => {
  const assertion = await signed(house.key, { claims: house.claims({ client_id: undefined, aud: TOKEN_ENDPOINT }) });
  expect(await house.ask(assertion)).toMatchObject({ user: "globex-corp:user-7", actors: [house.partner.issuer] });
});

test("a workload's own JWT needs no other client authentication", async () => {
  const assertion = await signed(house.key, { typ: "JWT", claims: house.claims({ client_id: undefined, sub: "user-batch" }) });
  expect(await house.ask(assertion, { client: undefined })).toMatchObject({ user: "globex-corp:user-batch", client: "user-batch" });
});

test("a SPIFFE JWT-SVID is verified with the bundle of its trust domain", async () => {
  const key = await partnerKey();
  house.partner.bundle = [key];
  const sub = "spiffe://mesh.example/support/desk-1";
  const claims = { sub, aud: [realm.issuer], exp: house.seconds() + 300, iat: house.seconds() };
  const session = await house.ask(await signed(key, { typ: "JWT", claims }), { client: undefined });
  expect(session).toMatchObject({ user: `mesh:${sub}`, partner: "mesh", grant: "jwt_bearer" });
});

test.each(["RS256", "PS256", "EdDSA"] as const)("an assertion signed with %s holds where the partner may use it", async (alg) => {
  const key = await partnerKey(alg);
  house.partner.keys = [house.key, key];
  house.moveKeysClock(11_000);
  expect((await house.ask(await signed(key, { typ: "oauth-id-jag+jwt", claims: house.claims() }))).partner).toBe("globex-corp");
});

test("a rotated key is heard of when an assertion names it, and made-up names do not flood the partner", async () => {
  const fresh = await openInboundHouse((issuer) => entry("globex-corp", issuer));
  await fresh.ask(await fresh.idJag());
  const next = await partnerKey();
  fresh.partner.keys = [next];
  const rotated = (): Promise<string> => signed(next, { typ: "oauth-id-jag+jwt", claims: fresh.claims() });
  const before = fresh.partner.asked();
  for (let tries = 0; tries < 5; tries += 1) await refused(fresh.ask(await rotated()));
  expect(fresh.partner.asked()).toBe(before);
  fresh.moveKeysClock(11_000);
  expect((await fresh.ask(await rotated())).partner).toBe("globex-corp");
  expect((await refused(fresh.ask(await fresh.idJag()))).message).toContain("not signed with a key");
  await fresh.close();
});

test("attack: assertions in the name of a partner whose server fails do not make us ask it again and again", async () => {
  const down = await openInboundHouse((issuer) => entry("globex-corp", issuer, { jwks: `"${issuer}/nothing"` }));
  for (let tries = 0; tries < 3; tries += 1) {
    expect(await refused(down.ask(await down.idJag()))).toMatchObject({ code: "temporarily_unavailable" });
  }
  expect(down.partner.missed()).toBe(1);
  down.moveKeysClock(11_000);
  await refused(down.ask(await down.idJag()));
  expect(down.partner.missed()).toBe(2);
  await down.close();
});

test("a local agent may hand in an ID-JAG that names it as the client", async () => {
  const agent = house.policy().agents.find((each) => each.name === name("desk"));
  if (agent === undefined) throw new Error("no desk");
  const session = await house.ask(await house.idJag({ client_id: agent.name }), { client: { kind: "agent", agent } });
  expect(session).toMatchObject({ agent: agent.name, client: agent.name });
});

test("an assertion bound to a key is taken with a proof of that key only", async () => {
  const jkt = "a".repeat(43);
  expect(await refused(house.ask(await house.idJag({ cnf: { jkt } })))).toMatchObject({ code: "invalid_grant" });
  expect(await house.ask(await house.idJag({ cnf: { jkt } }), { binding: { kind: "dpop", jkt } })).toMatchObject({
    partner: "globex-corp",
  });
});

test("a partner that was changed or removed has ended its sessions", async () => {
  const session = await house.ask(await house.idJag());
  const kept = (await house.opened.store.sessions.find("acme", session.id)) ?? session;
  expect(partnerStillHolds(house.policy(), kept)).toBe(true);
  const changed = companyWith(`partners:\n${entry("globex-corp", house.partner.issuer, { maxTtl: "1m" })}`);
  expect([partnerStillHolds(changed, kept), partnerStillHolds(companyWith(), kept)]).toEqual([false, false]);
});

test("what is delegated from a partner's session stands on the partner too", async () => {
  const parent = await house.ask(await house.idJag());
  const helper = house.policy().agents.find((each) => each.name === name("helper"));
  if (helper === undefined) throw new Error("no helper");
  const child = await issueSession(house.ports, {
    agent: helper,
    user: "somebody else",
    userProof: "asserted",
    task: "T",
    data: {},
    scope: undefined,
    rows: [],
    limits: {},
    grant: "token_exchange",
    binding: { kind: "bearer" },
    delegator: parent,
  });
  expect(child).toMatchObject({ user: "globex-corp:user-7", userProof: "partner", partner: "globex-corp", limits: { calls: 20 } });
  expect(child.actors).toEqual([name("desk"), house.partner.issuer]);
  expect([partnerStillHolds(house.policy(), child), partnerStillHolds(companyWith(), child)]).toEqual([true, false]);
});

test("another contact of a partner changes nothing for its sessions", async () => {
  const session = await house.ask(await house.idJag());
  const contact = companyWith(`partners:\n${partners(house.partner.issuer).replaceAll("security@", "soc@")}`);
  expect(partnerStillHolds(contact, session)).toBe(true);
});

test("the session ends when the partner's maxTtl says", async () => {
  const short = await openInboundHouse((issuer) => entry("globex-corp", issuer, { maxTtl: "1m" }));
  const session = await short.ask(await short.idJag());
  expect(session.expiresAt.getTime() - session.issuedAt.getTime()).toBeLessThanOrEqual(60_000);
  await short.close();
});

test("attack: an issuer that is no partner", async () => {
  const stranger = await partnerKey();
  const assertion = await signed(stranger, { typ: "oauth-id-jag+jwt", claims: house.claims({ iss: "https://evil.example" }) });
  expect((await refused(house.ask(assertion))).message).toContain("no partner here");
});

test("attack: a partner's key signs for another partner", async () => {
  const [otherKey] = other.keys;
  if (otherKey === undefined) throw new Error("no key");
  const assertion = await signed(otherKey, { typ: "oauth-id-jag+jwt", claims: house.claims() });
  expect((await refused(house.ask(assertion))).message).toContain("not signed with a key of partner `globex-corp`");
});

test("attack: one partner's server hands in another partner's assertion", async () => {
  const assertion = await house.idJag({ client_id: other.issuer });
  expect((await refused(house.ask(assertion, { client: house.client("initech") }))).message).toContain("another partner");
});

test("attack: a replayed assertion, also on another broker", async () => {
  const assertion = await house.idJag();
  await house.ask(assertion);
  expect((await refused(house.ask(assertion))).message).toContain("used before");
  expect(house.replays).toContain("globex-corp user-7");
  const twice = await house.idJag();
  const settled = await Promise.allSettled([house.ask(twice), house.ask(twice)]);
  expect(settled.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
});

test("attack: a JWT-SVID without jti is replayed with another encoding of its signature", async () => {
  const key = await partnerKey();
  house.partner.bundle = [key];
  house.moveKeysClock(11_000);
  const claims = { sub: "spiffe://mesh.example/support/a", aud: realm.issuer, exp: house.seconds() + 60 };
  const svid = await signed(key, { claims });
  await house.ask(svid, { client: undefined });
  const [head, body, signature = ""] = svid.split(".");
  const order = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const raw = Buffer.from(signature, "base64url");
  const s = order - BigInt(`0x${raw.subarray(32).toString("hex")}`);
  const twin = Buffer.concat([raw.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]).toString("base64url");
  expect((await refused(house.ask(`${head}.${body}.${twin}`, { client: undefined }))).message).toContain("used before");
});

test.each([
  ["another server", "https://elsewhere.example"],
  ["us and somebody else", [realm.issuer, "https://elsewhere.example"]],
  ["our resource instead of our server", realm.audience],
  ["our token endpoint, in an ID-JAG", TOKEN_ENDPOINT],
])("attack: wrong audience: %s", async (_, aud) => {
  expect((await refused(house.ask(await house.idJag({ aud })))).message).toContain("`aud`");
});

test("attack: alg none", async () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${encode({ alg: "none", typ: "oauth-id-jag+jwt" })}.${encode(house.claims())}.`;
  expect((await refused(house.ask(unsigned))).message).toContain("algorithm");
});

test("attack: HS256 keyed with the partner's public key", async () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${encode({ alg: "HS256", typ: "oauth-id-jag+jwt", kid: house.key.kid })}.${encode(house.claims())}`;
  const pem = createPublicKey({ key: { ...house.key.publicJwk }, format: "jwk" }).export({ type: "spki", format: "pem" });
  const forged = `${head}.${createHmac("sha256", pem).update(head).digest("base64url")}`;
  expect((await refused(house.ask(forged))).message).toContain("algorithm");
});

test("attack: an algorithm that this partner may not use", async () => {
  const key = await partnerKey("RS256");
  other.keys = [...other.keys, key];
  const claims = house.claims({ iss: other.issuer, client_id: other.issuer });
  const assertion = await signed(key, { typ: "oauth-id-jag+jwt", claims });
  expect((await refused(house.ask(assertion, { client: house.client("initech") }))).message).toContain("ES256");
});

test("attack: the key comes along in the header", async () => {
  const own = await partnerKey();
  const assertion = await signed(own, {
    typ: "oauth-id-jag+jwt",
    header: { jwk: own.publicJwk, kid: house.key.kid },
    claims: house.claims(),
  });
  expect(await refused(house.ask(assertion))).toMatchObject({ code: "invalid_grant" });
});

test.each([
  ["expired", { exp: Math.floor(Date.now() / 1000) - 60 }],
  ["issued in the future", { iat: Math.floor(Date.now() / 1000) + 120, exp: Math.floor(Date.now() / 1000) + 180 }],
  ["not valid yet", { nbf: Math.floor(Date.now() / 1000) + 120 }],
  ["without an end", { exp: undefined }],
  ["valid for a day", { exp: Math.floor(Date.now() / 1000) + 86_400 }],
  ["without jti", { jti: undefined }],
  ["without iat", { iat: undefined }],
  ["without a subject", { sub: undefined }],
  ["with a chain of actors without end", { act: Array.from({ length: 9 }).reduce<object>((act) => ({ sub: "a", act }), { sub: "a" }) }],
])("attack: an assertion that is %s", async (_, claims) => {
  expect(await refused(house.ask(await house.idJag(claims)))).toMatchObject({ code: "invalid_grant" });
});

test("attack: an oversized assertion", async () => {
  expect((await refused(house.ask(await house.idJag({ padding: "x".repeat(9_000) })))).message).toContain("characters");
});

test("attack: a subject outside the partner's patterns", async () => {
  expect((await refused(house.ask(await house.idJag({ sub: "root" })))).message).toContain("subject");
  expect((await refused(house.ask(await house.idJag({ sub: "xuser-7" })))).message).toContain("subject");
});

test("attack: a SPIFFE id of a trust domain that only begins like the partner's", async () => {
  const [key] = house.partner.bundle;
  if (key === undefined) throw new Error("no key");
  const claims = { sub: "spiffe://mesh.example.evil/support/a", aud: realm.issuer, exp: house.seconds() + 60 };
  expect((await refused(house.ask(await signed(key, { claims }), { client: undefined }))).message).toContain("no partner here");
});

test("attack: a scope above the ceiling", async () => {
  expect(await refused(house.ask(await house.idJag(), { form: { scope: "tickets:update" } }))).toMatchObject({ code: "invalid_scope" });
  expect(await refused(house.ask(await house.idJag({ scope: "tickets:*" })))).toMatchObject({ code: "invalid_scope" });
});

test("attack: more scope than the assertion was made for", async () => {
  const wide = await openInboundHouse((issuer) => entry("globex-corp", issuer, { ceiling: "{ scope: [tickets:*] }" }));
  const assertion = await wide.idJag({ scope: "tickets:read" });
  expect((await refused(wide.ask(assertion, { form: { scope: "tickets:read tickets:update" } }))).message).toContain(
    "not in the assertion",
  );
  await wide.close();
});

test("attack: a tenant that is not the partner's", async () => {
  expect(await refused(house.ask(await house.idJag({ aud_tenant: "globex/prod" })))).toMatchObject({ code: "invalid_target" });
  expect(await refused(house.ask(await house.idJag({ aud_tenant: "acme/dev" })))).toMatchObject({ code: "invalid_target" });
});

test("attack: a partner of several tenants leaves open which one is meant", async () => {
  const [key] = other.keys;
  if (key === undefined) throw new Error("no key");
  const client = house.client("initech");
  const open = (more: object = {}): Promise<string> =>
    signed(key, { typ: "oauth-id-jag+jwt", claims: house.claims({ iss: other.issuer, client_id: other.issuer, ...more }) });
  expect(await refused(house.ask(await open(), { client }))).toMatchObject({ code: "invalid_target" });
  expect(await house.ask(await open({ aud_tenant: "globex/dev" }), { client })).toMatchObject({ tenant: "globex", environment: "dev" });
});

test("attack: an ID-JAG for another client", async () => {
  expect((await refused(house.ask(await house.idJag({ client_id: "other-app" })))).message).toContain("client_id");
  expect((await refused(house.ask(await house.idJag(), { client: undefined }))).message).toContain("client_id");
});

test("attack: an assertion for another resource", async () => {
  expect((await refused(house.ask(await house.idJag({ resource: "https://elsewhere.example/api" })))).message).toContain("resource");
  expect(await refused(house.ask(await house.idJag(), { form: { resource: "https://elsewhere.example/api" } }))).toMatchObject({
    code: "invalid_target",
  });
});

test("attack: a kind of assertion that the partner may not send", async () => {
  const only = await openInboundHouse((issuer) =>
    entry("globex-corp", issuer, { kinds: "[jwt-svid]", spiffe: `{ trustDomain: a.example, bundle: "${issuer}/bundle" }` }),
  );
  expect((await refused(only.ask(await only.idJag()))).message).toContain("may not send");
  await only.close();
});

test("attack: an access token of the partner's as assertion", async () => {
  const assertion = await house.idJag({}, { typ: "at+jwt" });
  expect((await refused(house.ask(assertion))).message).toContain("`typ`");
});

test("attack: a JWKS URL to a private address", async () => {
  const inward = await openInboundHouse((issuer) => entry("globex-corp", issuer, { jwks: '"https://169.254.169.254/keys"' }), {
    fetch: createGuardedFetch(),
  });
  expect(await refused(inward.ask(await inward.idJag()))).toMatchObject({ code: "temporarily_unavailable" });
  expect(String(inward.faults[0])).toContain("private or special address");
  await inward.close();
});

test("attack: metadata of another issuer at the partner's address", async () => {
  const [key] = other.keys;
  if (key === undefined) throw new Error("no key");
  const aside = await openInboundHouse((issuer) => entry("globex-corp", `${issuer}/`));
  const assertion = await signed(key, { typ: "oauth-id-jag+jwt", claims: aside.claims({ iss: `${aside.partner.issuer}/` }) });
  expect(await refused(aside.ask(assertion))).toMatchObject({ code: "temporarily_unavailable" });
  expect(String(aside.faults[0])).toContain("another issuer");
  await aside.close();
});
