import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { recordPerson } from "../../src/adapters/rest/person-record.ts";
import { recordEvent } from "../../src/adapters/rotation/credential-record.ts";
import { recordToken } from "../../src/adapters/tool-oauth/record-token.ts";
import { randomId } from "../../src/adapters/system/random.ts";
import { ADMIN_EVENTS, type AdminEvent, adminRecord } from "../../src/domain/admin-record.ts";
import type { StoredRecord } from "../../src/domain/audit.ts";
import { recordPolicy } from "../../src/domain/policy-record.ts";
import { sayEnds } from "../../src/elevation-ends.ts";
import { approve } from "../people-support/answering.ts";
import { softAuthenticator } from "../people-support/authenticator.ts";
import { begin, enrol, invitationCode, openPeopleBrowser, PLACE, signIn, stepUp } from "../people-support/browser.ts";
import { company, companyFiles } from "../people-support/company.ts";
import { askedByAgent, companyWithRefunds } from "../people-support/elevations.ts";
import { heldApproval, liveSession, openRestHouse, type RestHouse, SUPPORT_BOT } from "../people-support/rest.ts";
import { undoPolicy, undoWorld } from "../insight/undo/support.ts";
import { namesInLog } from "../support/names-in-log.ts";
import { PLAIN_TERMS } from "../store/approval-sample.ts";
import { AGENT, openOAuthHouse, type OAuthHouse } from "./support/house.ts";
import { personClient, registerClient } from "./support/person-client.ts";

const TASK = "call Ms Doe about her refund";
const WORDS = ["Doe", "odd mails", "bedroom laptop", "quarterly look", "Desk of Doe", "127.0.0.1:53123", "subject-77"];
const PEOPLE = company.people.flatMap(({ id, name, email }) => [id, name, email]);

/** Events that only a partner, a database, a receiver of messages, or what erases and retires records brings about; made here by the builder alone. */
const BUILT: readonly AdminEvent[] = [
  "anchor.conflict",
  "assertion.replay",
  "federation.out",
  "hold.lift",
  "hold.put",
  "log.retire",
  "notification.dead",
  "notification.subscribe",
  "resource.erase",
  "subject.erase",
];

let house: RestHouse;
let oauth: OAuthHouse;
beforeAll(async () => {
  house = await openRestHouse();
  oauth = await openOAuthHouse();
  await approvals();
  await duties();
  await elevations();
  await undos();
  await sessionsAndStops();
  await keysAndCredentials();
  await signIns();
  await account();
  await recordersOf(house);
  await agentsAndClients();
});
afterAll(async () => {
  await house.close();
  await oauth.close();
});

async function done(answer: Promise<Response> | Response): Promise<unknown> {
  const given = await answer;
  if (given.status !== 200) throw new Error(`${given.url}: ${given.status} ${await given.text()}`);
  return given.json();
}

async function approvals(): Promise<void> {
  const lena = await house.as("lena");
  const held = async (agent = SUPPORT_BOT): Promise<string> => {
    const approval = heldApproval({ task: TASK, agent });
    await house.store.approvals.create(approval);
    return approval.id;
  };
  await done(approve(lena, await held(), { reason: "odd mails" }));
  await done(lena("POST", `/api/v1/approvals/${await held()}/deny`, { reason: "odd mails" }));
  await done(lena("POST", `/api/v1/approvals/${await held(`${SUPPORT_BOT}-2`)}/stop`, { reason: "odd mails" }));
  const [bounded, drill] = [
    heldApproval({ task: TASK, terms: { ...PLAIN_TERMS, bounded: { uses: 9, forMs: 3_600_000 } } }),
    heldApproval({ task: TASK, drill: true }),
  ];
  for (const approval of [bounded, drill]) await house.store.approvals.create(approval);
  const bounds = { uses: 5, until: new Date(Date.now() + 60_000).toISOString(), within: "task", args: {} };
  await done(approve(lena, bounded.id, { bounds, reason: "odd mails" }));
  await done(lena("POST", `/api/v1/bounded-approvals/${bounded.id}/revoke`, {}));
  await done(lena("POST", `/api/v1/approvals/${drill.id}/deny`, { reason: "odd mails" }));
  // The answer of another broker arrives between looking and answering.
  const late = await openRestHouse({
    people: house.store.people,
    log: house.store.log,
    approvals: {
      ...house.store.approvals,
      answer: async (tenant, id, given) => {
        await house.store.approvals.answer(tenant, id, { ...given, answer: { ...given.answer, by: "ana" } });
        return house.store.approvals.answer(tenant, id, given);
      },
    },
  });
  const authorization = `Bearer ${await house.token("lena")}`;
  expect((await late.anyone("POST", `/api/v1/approvals/${await held()}/deny`, { reason: "odd mails" }, { authorization })).status).toBe(
    409,
  );
  await late.close();
}

async function duties(): Promise<void> {
  const lena = await house.as("lena");
  const ends = new Date(Date.now() + 60_000).toISOString();
  const { id } = z.object({ id: z.string() }).parse(await done(lena("POST", "/api/v1/duties", { to: "olaf", ends, reason: "odd mails" })));
  await done(lena("POST", `/api/v1/duties/${id}/revoke`, {}));
}

async function elevations(): Promise<void> {
  const policy = companyWithRefunds();
  const asked = await openRestHouse({ policy: () => policy, people: house.store.people, log: house.store.log });
  const as = async (person: string, path: string, body: object): Promise<string> => {
    const authorization = `Bearer ${await house.token(person)}`;
    return z.object({ id: z.string() }).parse(await done(asked.anyone("POST", `/api/v1/elevations${path}`, body, { authorization }))).id;
  };
  const wish = { agent: SUPPORT_BOT, role: "refunds", task: TASK, reason: "odd mails" };
  const given = await as("ana", "", wish);
  await as("lena", `/${given}/approve`, { reason: "odd mails" });
  await as("lena", `/${given}/revoke`, { reason: "odd mails" });
  await as("lena", `/${await as("ana", "", wish)}/deny`, { reason: "odd mails" });
  await asked.store.elevations.ask({
    ...askedByAgent(policy, { task: TASK, reason: "odd mails" }),
    askEndsAt: new Date(Date.now() - 1_000),
  });
  await sayEnds({ elevations: asked.store.elevations, log: house.store.log, now: () => new Date() }, "acme", new Map());
  await asked.close();
}

async function undos(): Promise<void> {
  const world = await undoWorld(house.store, () => undoPolicy());
  world.rows.set("T-1", { id: "T-1", tenant: "acme", region: "emea", status: "open" });
  const call = await world.done("update_ticket", { id: "T-1", status: "closed" });
  const asker = { by: { person: "olaf" }, via: "login-link", reason: "odd mails" };
  expect(await world.undoing(call, asker)).toMatchObject({ state: "undone" });
}

async function sessionsAndStops(): Promise<void> {
  const olaf = await house.as("olaf");
  const session = liveSession({ task: TASK });
  await house.store.sessions.create(session);
  await done(olaf("POST", `/api/v1/sessions/${session.id}/revoke`, {}));
  await done(olaf("POST", "/api/v1/tasks/end", { tenant: "acme", task: TASK, user: "ana" }));
  const stop = { kind: "agent", name: SUPPORT_BOT, reason: "odd mails" };
  await done(olaf("POST", "/api/v1/stops", stop));
  await done(olaf("POST", "/api/v1/stops/lift", stop));
  const search = { tenant: "acme", name: "quarterly look", filter: { user: "ana", task: TASK, approver: "lena" } };
  await done(olaf("POST", "/api/v1/searches", search));
  await done(olaf("POST", `/api/v1/searches/${encodeURIComponent(search.name)}/remove`, { tenant: "acme" }));
  await done(olaf("GET", `/api/v1/calls?tenant=acme&user=ana&approver=lena&task=${encodeURIComponent(TASK)}`));
}

async function keysAndCredentials(): Promise<void> {
  const olaf = await house.as("olaf");
  const add = async (overlap?: string): Promise<string> => {
    const { kty, crv, x, y } = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
    const body = { agent: SUPPORT_BOT, publicJwk: { kty, crv, x, y }, ...(overlap === undefined ? {} : { overlap }) };
    return z.object({ thumbprint: z.string() }).parse(await done(olaf("POST", "/api/v1/agents/keys", body))).thumbprint;
  };
  const first = await add();
  await add("1h");
  await done(olaf("POST", "/api/v1/agents/keys/retire", { agent: SUPPORT_BOT, thumbprint: first }));
  await done(olaf("POST", "/api/v1/signing-keys/rotate", {}));
  await done(olaf("POST", "/api/v1/audit/logs/acme/rotate-key", {}));
  const place = { tenant: "acme", environment: "prod", workflow: "support" };
  const path = "/api/v1/credentials/seen";
  await done(olaf("PUT", path, { ...place, hosts: [], value: "value-number-one", verify: false }));
  await done(olaf("POST", `${path}/stage`, { ...place, hosts: [], value: "value-number-two" }));
  await olaf("POST", `${path}/verify`, { ...place, version: 2 });
  await done(olaf("POST", `${path}/activate`, { ...place, version: 2, verify: false }));
  await done(olaf("POST", `${path}/revoke`, { ...place, version: 1 }));
}

async function signIns(): Promise<void> {
  const { passkey, browser } = await enrol(house, "lena");
  await signIn(browser, passkey);
  const copied = passkey.assert(await begin(browser, "/sign-in/options"), { counter: 0 });
  await browser.refused("/sign-in/passkey", { credential: copied });
  for (const person of ["lena", "nobody"])
    expect(await browser.refused("/sign-in/recovery-code", { person, code: "guess" })).toEqual([401, "unauthenticated"]);
}

async function account(): Promise<void> {
  const { browser, passkey } = await enrol(house, "greta");
  const signed = (action: string, subject: string): ReturnType<typeof stepUp> => stepUp(browser, passkey, { action, subject });
  const removal = `/account/passkeys/${passkey.id}/remove`;
  await browser.done("/account/recovery-codes", { stepUp: await signed("regenerate_recovery_codes", "greta") });
  await house.store.signIn.recoveryCodes.replace("greta", ["only"], new Date());
  await house.store.signIn.recoveryCodes.use("greta", "only", new Date());
  await browser.refused(removal, { stepUp: await signed("remove_passkey", passkey.id) });
  const second = softAuthenticator(PLACE);
  const options = await begin(browser, "/account/passkeys/options", { stepUp: await signed("add_passkey", "greta") });
  await browser.done("/account/passkeys", { name: "bedroom laptop", credential: second.register(options) });
  await browser.done(removal, { stepUp: await signed("remove_passkey", passkey.id) });
  const other = openPeopleBrowser(house);
  await signIn(other, second);
  const sessions = z
    .object({ sessions: z.array(z.object({ id: z.string(), current: z.boolean() })) })
    .parse(await (await browser.get("/account/sessions")).json()).sessions;
  await browser.done(`/account/sessions/${sessions.find(({ current }) => !current)?.id}/end`, {});
  await browser.done("/account/sign-out-everywhere", {});
  await invitationCode(house, "ana");
}

/** What an identity provider, a tool's server, a database and the policy folder bring about. */
async function recordersOf({ ports }: RestHouse): Promise<void> {
  const ana = { id: "ana", tenants: ["acme"] };
  const self = { by: { person: "ana" }, via: "sso" };
  await recordPerson(ports, ana, "person.sso_linking", self);
  await recordPerson(ports, ana, "person.sso_linked", {
    ...self,
    body: { issuer: "https://id.example" },
    facts: { subject: "subject-77" },
  });
  await recordPerson(ports, ana, "person.signed_out", { by: { named: "https://id.example" }, via: "back-channel-logout" });
  const place = { tenant: "acme", environment: "prod", workflow: "support" };
  await recordToken(ports, { event: "tool.connect", ...self }, { ...place, tool: "notes" }, { outcome: "begun" });
  await recordToken(ports, { event: "tool.token", by: { named: "broker" } }, { ...place, tool: "notes" }, {});
  await recordEvent(ports, self, "credential.rotate_failed", { ...place, name: "seen" }, { code: "tool_unavailable" });
  const policy = { log: ports.log, brokerId: "brk_1", now: ports.now, newId: randomId };
  await recordPolicy(policy, { policy: company, files: companyFiles }, undefined);
  for (const event of BUILT)
    await ports.log.append(
      "acme",
      adminRecord({
        at: ports.now(),
        event,
        ...self,
        callId: randomId("adm"),
        user: "lena",
        person: "ana",
        task: TASK,
        facts: { reason: "odd mails" },
      }),
    );
}

async function agentsAndClients(): Promise<void> {
  const fields = await oauth.form({ task: TASK });
  const token = z.object({ access_token: z.string() }).parse(await done(oauth.token(fields)));
  expect((await oauth.token(fields)).status).toBe(401);
  const client_assertion = await oauth.assertion({ audience: `${oauth.url}/oauth/revoke` });
  const { client_assertion_type } = fields;
  await oauth.post("/oauth/revoke", { token: token.access_token, client_assertion_type: client_assertion_type ?? "", client_assertion });
  const registered = z.object({ client_id: z.string() }).parse(await (await registerClient(oauth, { client_name: "Desk of Doe" })).json());
  const client = await personClient(oauth, "ana", registered.client_id);
  await client.signIn({}, { task: TASK, agent: AGENT });
  const page = await client.authorize();
  await page.answer({ csrf: page.csrf, answer: "deny" });
}

async function adminRecords(): Promise<readonly StoredRecord[]> {
  const logs = await Promise.all(
    [house.store, oauth.store].flatMap(({ log }) => ["acme", "globex"].map((tenant) => log.query(tenant, { kind: "admin", limit: 2_000 }))),
  );
  return logs.flat();
}

function eventOf({ text }: StoredRecord): string {
  return z.object({ event: z.string() }).parse(JSON.parse(text)).event;
}

test("every kind of admin record is written in this file", async () => {
  expect([...new Set((await adminRecords()).map(eventOf))].toSorted()).toEqual(ADMIN_EVENTS);
});

test("no admin record holds a person's id, name or address, a task, or what people and clients wrote", async () => {
  for (const { log } of [house.store, oauth.store])
    for (const tenant of ["acme", "globex"]) expect(await namesInLog(log, tenant, [...PEOPLE, ...WORDS])).toEqual([]);
});

test("nor does the id it is found by", async () => {
  const ids = (await adminRecords()).map(({ callId }) => callId);
  expect(ids.filter((id) => PEOPLE.some((word) => id.split(/[^A-Za-z0-9]/u).includes(word)))).toEqual([]);
});

test("all of it is there for whoever may read: the names, and the words beside", async () => {
  const records = await adminRecords();
  const named = new Set(records.flatMap(({ people }) => Object.values(people)));
  expect([...named]).toEqual(expect.arrayContaining(["ana", "greta", "lena", "olaf"]));
  const facts = await Promise.all(
    records.flatMap(({ tenant, callId }) => [house.store.log.facts(tenant, callId), oauth.store.log.facts(tenant, callId)]),
  );
  const words = JSON.stringify(facts);
  expect(WORDS.filter((word) => !words.includes(word))).toEqual([]);
});
