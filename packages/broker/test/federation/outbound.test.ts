import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createOutbound } from "../../src/adapters/federation/outbound.ts";
import { withPartnerTokens } from "../../src/adapters/federation/partner-credentials.ts";
import { requireBoundHost } from "../../src/adapters/mcp-client/index.ts";
import { asSigningKey, type SigningKey } from "../../src/adapters/oauth/signing-key.ts";
import { createGuardedFetch } from "../../src/adapters/outbound/guarded-fetch.ts";
import type { CredentialOpener } from "../../src/domain/credential.ts";
import { Fault } from "../../src/domain/fault.ts";
import type { Session } from "../../src/domain/session.ts";
import { formatDiagnostic, load, type Policy } from "@bailiwick/policy";
import { PLAIN } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { companyFiles, name } from "./company.ts";
import { entry } from "./inbound-house.ts";
import { type PartnerServer, servePartner } from "./partner-server.ts";
import { saidBy } from "../support/said.ts";

const ISSUER = "https://broker.example";
const AT = { tenant: "acme", environment: "prod", workflow: "support" };
let opened: TestStore;
let partner: PartnerServer;
let signingKey: SigningKey;
let clock: Date;
let opener: CredentialOpener;

beforeAll(async () => {
  opened = await testStore();
  partner = await servePartner();
  signingKey = await asSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
});

afterAll(async () => {
  await partner.close();
  await opened.close();
});

beforeEach(() => {
  clock = new Date();
  partner.forms.length = 0;
  partner.tokenEndpoint = `${partner.issuer}/oauth/token`;
  give({ access_token: "partner-token-1", token_type: "Bearer", expires_in: 120 });
  opener = openerOver(policyWith(`{ resource: "${partner.issuer}/mcp", scope: [orders:read] }`));
});

const give = (body: unknown, status = 200): void => void (partner.token = { status, body });

function policyWith(outbound: string): Policy {
  const tool = companyFiles.find(({ path }) => path === "tools/tickets.yaml")?.text ?? "";
  const credential = 'credential: { name: orders, from: partner:globex-corp, inject: { header: authorization, format: "Bearer {value}" } }';
  const result = load([
    ...companyFiles.filter(({ path }) => path !== "tools/tickets.yaml"),
    { path: "tools/tickets.yaml", text: tool.replace("types:", `${credential}\ntypes:`) },
    { path: "partners.yaml", text: `partners:\n${entry("globex-corp", partner.issuer, { outbound })}` },
  ]);
  if (result.ok) return result.policy;
  throw new Error(result.diagnostics.map(formatDiagnostic).join("\n"));
}

function openerOver(policy: Policy): CredentialOpener {
  const tokenFor = createOutbound({
    now: () => clock,
    nowMs: () => performance.now(),
    newJti: () => randomBytes(12).toString("hex"),
    signingKey: async () => signingKey,
    issuer: ISSUER,
    fetch: createGuardedFetch({ allowLoopback: true }),
  });
  const newId = (prefix: string): string => `${prefix}_${randomBytes(8).toString("hex")}`;
  return withPartnerTokens(
    { now: () => clock, newId, policy: () => policy, issuer: ISSUER, tokenFor, log: opened.store.log },
    opened.store.credentials,
  );
}

let sessions = 0;
function session(more: Partial<Session> = {}): Session {
  sessions += 1;
  return {
    ...PLAIN,
    id: `ses_out_${sessions}`,
    ...AT,
    agent: name("lead"),
    user: "user-ana",
    task: "T-17",
    data: {},
    scope: ["tickets:*"],
    issuedAt: clock,
    expiresAt: new Date(clock.getTime() + 300_000),
    ...more,
  };
}

async function refused(work: Promise<unknown>): Promise<Fault> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof Fault) return failure;
  throw new Error(`expected a fault, got ${String(failure)}`);
}

test("the partner is told the user and the chain of agents in an ID-JAG of our own, and no token of ours", async () => {
  const own = session({ actors: [name("helper")] });
  expect(await opener.open("orders", { ...AT, session: own })).toMatchObject({ value: "partner-token-1" });
  const [form] = partner.forms;
  const keys = createLocalJWKSet({ keys: [signingKey.publicJwk] });
  const assertion = await jwtVerify(form?.get("assertion") ?? "", keys, {
    typ: "oauth-id-jag+jwt",
    issuer: ISSUER,
    audience: partner.issuer,
  });
  expect(assertion.payload).toMatchObject({
    sub: "user-ana",
    client_id: ISSUER,
    act: { sub: name("lead"), act: { sub: name("helper") } },
    scope: "orders:read",
    resource: `${partner.issuer}/mcp`,
  });
  const client = await jwtVerify(form?.get("client_assertion") ?? "", keys, {
    issuer: ISSUER,
    subject: ISSUER,
    audience: partner.tokenEndpoint,
  });
  expect(client.payload.jti).not.toBe(assertion.payload.jti);
  expect([...(form?.keys() ?? [])].toSorted()).toEqual(
    ["assertion", "client_assertion", "client_assertion_type", "grant_type", "resource", "scope"].toSorted(),
  );
});

test("going out is recorded before the partner is asked, so also when it refuses", async () => {
  give({ error: "invalid_grant" }, 400);
  const own = session();
  await refused(opener.open("orders", { ...AT, session: own }));
  const [record] = await opened.store.log.query("acme", { callId: own.id, limit: 1 });
  expect(saidBy(record)).toMatchObject({
    event: "federation.out",
    partner: "globex-corp",
    user: "user-ana",
    session: own.id,
  });
});

test("a session has one token while it lives, and another session another one", async () => {
  const [one, other] = [session(), session()];
  const all = await Promise.all([one, one, other].map((each) => opener.open("orders", { ...AT, session: each })));
  expect(all.every((each) => each?.value === "partner-token-1")).toBe(true);
  expect(partner.forms).toHaveLength(2);
});

test("a token that is about to end, or that the tool did not take, is fetched anew", async () => {
  const own = session();
  const first = await opener.open("orders", { ...AT, session: own });
  clock = new Date(clock.getTime() + 105_000);
  give({ access_token: "partner-token-2", token_type: "bearer" });
  const second = await opener.open("orders", { ...AT, session: own });
  expect(second?.value).toBe("partner-token-2");
  expect(await opener.open("orders", { ...AT, session: own }, first?.version)).toBeUndefined();
  opener.refused?.("orders", { ...AT, session: own });
  give({ access_token: "partner-token-3", token_type: "bearer" });
  expect((await opener.open("orders", { ...AT, session: own }))?.value).toBe("partner-token-3");
});

test("a connection is opened in the broker's own name, whoever calls on it", async () => {
  await opener.open("orders", { ...AT });
  const keys = createLocalJWKSet({ keys: [signingKey.publicJwk] });
  const { payload } = await jwtVerify(partner.forms[0]?.get("assertion") ?? "", keys);
  expect([payload.sub, payload["act"]]).toEqual([ISSUER, undefined]);
});

test("a credential of another source is opened as before", async () => {
  await opened.store.credentials.put("plain", { ...AT, hosts: ["a.example"] }, "plain-value-123456");
  expect((await opener.open("plain", AT))?.value).toBe("plain-value-123456");
  expect(partner.forms).toHaveLength(0);
});

test("attack: a session of a tenant or environment that has nothing to do with the partner", async () => {
  expect((await refused(opener.open("orders", { ...AT, tenant: "globex", session: session({ tenant: "globex" }) }))).code).toBe(
    "credential_unavailable",
  );
  expect((await refused(opener.open("orders", { ...AT, environment: "dev", session: session({ environment: "dev" }) }))).code).toBe(
    "credential_unavailable",
  );
  expect(partner.forms).toHaveLength(0);
});

test("attack: an agent names the broker itself as its user, to pass for it at the partner", async () => {
  const refusal = await refused(opener.open("orders", { ...AT, session: session({ user: ISSUER }) }));
  expect(refusal).toMatchObject({ code: "credential_unavailable", message: expect.stringContaining("the broker's own name") });
  expect(partner.forms).toHaveLength(0);
});

test("attack: the partner's words of refusal carry what was sent to it", async () => {
  give({ error: "invalid_grant", error_description: "your assertion was eyJhbGciOi" }, 400);
  const { message } = await refused(opener.open("orders", { ...AT, session: session() }));
  expect(message).toContain("invalid_grant");
  expect(message).not.toContain("eyJ");
});

test.each<[string, unknown, number]>([
  ["another type of token", { access_token: "partner-token-1", token_type: "DPoP" }, 200],
  ["a token that breaks out of its header", { access_token: "a\r\nx-admin: yes", token_type: "Bearer" }, 200],
  ["no token", {}, 200],
  ["a failure", { error: "server_error" }, 500],
  ["an error code that is a sentence", { error: "see eyJhbGciOi for details" }, 400],
])("attack: the partner answers with %s", async (_, body, status) => {
  give(body, status);
  const { code, message } = await refused(opener.open("orders", { ...AT, session: session() }));
  expect(code).toBe("credential_unavailable");
  expect(message).not.toMatch(/x-admin|eyJ/u);
});

test("attack: a partner's token goes to another host than it is for", async () => {
  const found = await opener.open("orders", { ...AT, session: session() });
  const equipment = { headers: {}, environment: {}, hosts: found?.hosts ?? [] };
  const { hostname, port } = new URL(partner.issuer);
  expect(() => requireBoundHost("tickets", equipment, hostname, port)).not.toThrow();
  for (const [host, other] of [
    [hostname, "1"],
    ["evil.example", port],
    [hostname, ""],
  ] as const)
    expect(() => requireBoundHost("tickets", equipment, host, other)).toThrow(Fault);
});

test("attack: the partner's metadata sends our assertion to an inner address", async () => {
  partner.tokenEndpoint = "https://169.254.169.254/token";
  const { message } = await refused(opener.open("orders", { ...AT, session: session() }));
  expect(message).toContain("private or special address");
});
