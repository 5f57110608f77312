import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { load, type Policy } from "@bailiwick/policy";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cachedCredentials } from "../../src/adapters/cache/credential-cache.ts";
import { renewRole, tryLogin } from "../../src/adapters/postgres-tool/login-roles.ts";
import { scramVerifier } from "../../src/adapters/postgres-tool/scram-verifier.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { createToolConnections } from "../../src/adapters/tools/index.ts";
import { equip } from "../../src/call/upstream.ts";
import type { CredentialKeeper, KeeperAnswer } from "../../src/domain/credential-keeper.ts";
import { keeperOver } from "../people-support/keeper.ts";
import { callIo } from "../postgres-tool/support.ts";
import { testDatabase, type TestDatabase } from "../support/database.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { saidBy } from "../support/said.ts";

const PERSON = { by: { person: "olaf" }, via: "login-link" };
const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };
const place = { ...at, name: "reports-database" };
/** Long enough for a call that began with the old login, short enough to see its end here. */
const GRACE_MS = 1_200;
const CALLERS = 16;
const ROTATIONS = 6;

let opened: TestStore;
let other: Store;
let target: TestDatabase;
let owner: Client;
let policy: Policy;
let keeper: CredentialKeeper;
let roles: { a: string; b: string; admin: string };
let host: string;
let port: string;

beforeAll(async () => {
  opened = await testStore();
  other = await openStore({ databaseUrl: opened.databaseUrl, rootKey: opened.rootKey }, { brokerId: "other" });
  target = await testDatabase();
  owner = new Client({ connectionString: target.databaseUrl });
  await owner.connect();
  roles = { a: `${target.name}_a`, b: `${target.name}_b`, admin: `${target.name}_admin` };
  host = owner.host;
  port = String(owner.port);
  await owner.query(`
    create table ticket (id text primary key, tier int not null);
    insert into ticket values ('T-1', 1), ('T-2', 2);
    create role ${roles.a} login password 'first-password-of-a';
    create role ${roles.b} nologin;
    create role ${roles.admin} login createrole password 'password-of-the-admin';
    alter role ${roles.admin} set log_statement = 'all';
    grant ${roles.a}, ${roles.b} to ${roles.admin} with admin option;
    grant select on ticket to ${roles.a}, ${roles.b};
  `);
  policy = reportsPolicy();
  keeper = keeperOver(opened.store, () => policy);
  const hosts = [host];
  await keeper.set(
    PERSON,
    { name: "reports-admin", binding: { ...at, hosts }, value: "password-of-the-admin", login: roles.admin },
    { verify: true },
  );
  await keeper.set(PERSON, { name: place.name, binding: { ...at, hosts }, value: "first-password-of-a", login: roles.a }, { verify: true });
});
afterAll(async () => {
  await owner.query(`drop owned by ${roles.a}, ${roles.b}; drop role ${roles.a}, ${roles.b}, ${roles.admin}`);
  await owner.end();
  await other.close();
  await opened.close();
  await target.close();
});

/** The grace is the test's own: a tool file may not make it this short. */
function reportsPolicy(): Policy {
  const loaded = load([
    {
      path: "bailiwick.yaml",
      text: `version: 1
tenants: [acme]
environments: { prod: {} }
`,
    },
    {
      path: "tools/reports.yaml",
      text: `tool: reports
connect: { postgres: { host: ${JSON.stringify(host)}, port: "${port}", database: ${target.name} } }
credential:
  name: reports-database
  inject: { login: ${roles.a} }
  rotate: { every: 30d, postgres: { roles: [${roles.a}, ${roles.b}], admin: reports-admin } }
actions:
  count_tickets: { is: "reports:read", effect: read, args: {}, statement: { sql: "select count(*)::int as n, current_user as login from ticket" } }
`,
    },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  const tools = loaded.policy.tools.map((tool) => {
    const { credential } = tool;
    if (credential?.rotate === undefined) return tool;
    return { ...tool, credential: { ...credential, rotate: { ...credential.rotate, graceMs: GRACE_MS } } };
  });
  return { ...loaded.policy, tools };
}

async function passwordNow(): Promise<{ readonly user: string; readonly password: string }> {
  const current = await opened.store.credentials.open(place.name, at);
  if (current === undefined) throw new Error("no active version");
  return { user: current.login ?? "", password: current.value };
}

function expectDone(answer: KeeperAnswer): void {
  expect(answer).toMatchObject({ ok: true });
}

async function rotateWhenFree(): Promise<KeeperAnswer> {
  for (;;) {
    const answer = await keeper.rotate(PERSON, place);
    if (answer.ok || answer.why !== "in_grace") return answer;
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

test("16 callers work through six rotations of a PostgreSQL login without one failed call, and each old password dies after its grace", async () => {
  const connections = createToolConnections({ policy: () => policy, environment: () => undefined, log: () => undefined });
  // As on a second broker: it hears of each rotation from the database alone.
  const credentials = cachedCredentials(other.credentials, () => performance.now(), other);
  const [tool] = policy.tools;
  if (tool === undefined) throw new Error("no tool");
  const key = { tool: "reports", ...at };
  const seen = new Map<string, number>();
  const failures: unknown[] = [];
  const working = { on: true };
  const work = async (): Promise<void> => {
    while (working.on) {
      try {
        // The steps of a call: the version is looked up before the intent, and opened again for the effect.
        const peeked = await credentials.open(place.name, key);
        const { equipment, credential } = await equip({ credentials: { ...credentials, held: async () => [] } }, tool, key, {
          version: peeked?.version,
        });
        const connection = await connections.connect(key, equipment);
        const result = await connection.invoke(
          { tool: "reports", kind: "tool", name: "count_tickets" },
          {},
          {
            timeoutMs: 10_000,
            maxBytes: 10_000,
            equipment,
            io: callIo(),
          },
        );
        const version = String(credential?.version);
        expect(JSON.stringify(result)).toContain('"n":2');
        seen.set(version, (seen.get(version) ?? 0) + 1);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  const callers = Array.from({ length: CALLERS }, work);
  const old: { readonly user: string; readonly password: string }[] = [];
  for (let round = 0; round < ROTATIONS; round += 1) {
    old.push(await passwordNow());
    expectDone(await rotateWhenFree());
  }
  // Callers must have worked with the last version too.
  const newest = String((await opened.store.credentials.open(place.name, at))?.version);
  while (!seen.has(newest)) await new Promise((wake) => setTimeout(wake, 20));
  working.on = false;
  await Promise.all(callers);
  await connections.close();
  expect(failures).toEqual([]);
  expect(seen.size).toBeGreaterThanOrEqual(ROTATIONS);
  await lastGraceOver(old.at(-1));
  for (const login of old)
    await expect(tryLogin({ host, port, database: target.name }, login)).rejects.toMatchObject({ code: "credential_unavailable" });
  await tryLogin({ host, port, database: target.name }, await passwordNow());
}, 60_000);

/** Until the server itself refuses the last replaced password: nothing of ours has run meanwhile. */
async function lastGraceOver(login: { user: string; password: string } | undefined): Promise<void> {
  if (login === undefined) return;
  for (;;) {
    const alive = await tryLogin({ host, port, database: target.name }, login).then(
      () => true,
      () => false,
    );
    if (!alive) return;
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

test("what a broker left of a replaced login is closed by the next look: no login, no password, no value", async () => {
  await waitForGrace();
  expect(await keeper.tend("acme")).toEqual([]);
  const idle = (await passwordNow()).user === roles.a ? roles.b : roles.a;
  const { rows } = await owner.query("select rolcanlogin as login, rolpassword is null as bare from pg_authid where rolname = $1", [idle]);
  expect(rows).toEqual([{ login: false, bare: true }]);
  const states = (await keeper.list("acme")).filter((each) => each.name === place.name).map((each) => each.state);
  expect(states.filter((state) => state !== "revoked")).toEqual(["active"]);
});

async function waitForGrace(): Promise<void> {
  for (;;) {
    const graced = (await opened.store.credentials.list("acme")).filter(
      (each) => each.state === "previous" && (each.graceUntil ?? 0) > new Date(),
    );
    if (graced.length === 0) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

test("attack: the new password read from the server's log finds a SCRAM verifier only", async () => {
  await waitForGrace();
  expectDone(await keeper.rotate(PERSON, place));
  const { rows } = await owner.query<{ folder: string }>("select setting as folder from pg_settings where name = 'data_directory'");
  const log = await serverLog(rows[0]?.folder ?? "");
  const { user, password } = await passwordNow();
  expect(log).toContain(`alter role "${user}" with login password 'SCRAM-SHA-256$4096:`);
  expect(log).not.toContain(password);
  const stored = await owner.query<{ verifier: string }>("select rolpassword as verifier from pg_authid where rolname = $1", [user]);
  const [, salt = ""] = /^SCRAM-SHA-256\$4096:([^$]+)\$/u.exec(stored.rows[0]?.verifier ?? "") ?? [];
  expect(scramVerifier(password, Buffer.from(salt, "base64"))).toBe(stored.rows[0]?.verifier);
});

/** Of the embedded server, beside its folder. */
async function serverLog(dataFolder: string): Promise<string> {
  return readFile(join(dirname(dirname(dataFolder)), "server.log"), "utf8");
}

test("every step of a rotation is in the log with its version and who did it, and no value is", async () => {
  const { password } = await passwordNow();
  const records = await opened.store.log.query("acme", { limit: 1_000 });
  const texts = records.map(({ text }) => text);
  expect(records.map((record): unknown => saidBy(record))).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ event: "credential.put", credential: place.name, version: 1, by: "olaf" }),
      expect.objectContaining({ event: "credential.stage", credential: place.name, version: 2, by: "olaf" }),
      expect.objectContaining({ event: "credential.activate", credential: place.name, version: 2, verification: "verified" }),
      expect.objectContaining({ event: "credential.revoke", credential: place.name, version: 1, by: "broker", why: "grace over" }),
    ]),
  );
  for (const secret of [password, "first-password-of-a", "password-of-the-admin"]) expect(texts.join("\n")).not.toContain(secret);
});

test("a rotation whose admin is refused changes nothing: calls go on with the version before, and nothing waits", async () => {
  await waitForGrace();
  const before = await passwordNow();
  await owner.query(`alter role ${roles.admin} nologin`);
  const answer = await keeper.rotate(PERSON, place);
  await owner.query(`alter role ${roles.admin} login`);
  expect(answer).toMatchObject({ ok: false, why: "not_verified", detail: expect.stringContaining(roles.admin) });
  expect(await passwordNow()).toEqual(before);
  const states = (await keeper.list("acme")).filter((each) => each.name === place.name).map((each) => each.state);
  expect(states).not.toContain("pending");
});

test("a login that a person staged is not thrown away by a rotation", async () => {
  await waitForGrace();
  const staged = await keeper.stage(PERSON, { name: place.name, binding: { ...at, hosts: [host] }, value: "staged-by-a-person" });
  expect(await keeper.rotate(PERSON, place)).toMatchObject({ ok: false, why: "pending_exists" });
  if (staged.ok) expectDone(await keeper.revoke(PERSON, staged.info));
});

test("what a broker that died left half made is thrown away, and the rotation goes on", async () => {
  await waitForGrace();
  const half = await opened.store.credentials.stage(place.name, { ...at, hosts: [host] }, "half-made-password", {
    origin: "rotation",
    login: roles.b,
  });
  expect(half.ok).toBe(true);
  expectDone(await keeper.rotate(PERSON, place));
});

test("a broker whose rotation another one took over does not overwrite the password that calls use by now", async () => {
  const admin = { at: { host, port, database: target.name }, admin: { user: roles.admin, password: "password-of-the-admin" } };
  const { user, password } = await passwordNow();
  const late = renewRole(admin, user, "password-of-the-late-one", () => Promise.resolve(false));
  await expect(late).rejects.toMatchObject({ code: "credential_unavailable", message: expect.stringContaining("took over") });
  await tryLogin(admin.at, { user, password });
});

test("while one broker renews a role another one waits at the database", async () => {
  const admin = { at: { host, port, database: target.name }, admin: { user: roles.admin, password: "password-of-the-admin" } };
  const { user } = await passwordNow();
  const idle = user === roles.a ? roles.b : roles.a;
  const order: string[] = [];
  const entered = Promise.withResolvers<void>();
  const first = renewRole(admin, idle, "password-of-the-first", async () => {
    entered.resolve();
    await new Promise((wake) => setTimeout(wake, 50));
    order.push("first");
    return true;
  });
  await entered.promise;
  const second = renewRole(admin, idle, "password-of-the-second", async () => {
    order.push("second");
    return true;
  });
  await Promise.all([first, second]);
  expect(order).toEqual(["first", "second"]);
  await tryLogin(admin.at, { user: idle, password: "password-of-the-second" });
});

test("two brokers at whose schedules it is due: one rotates", async () => {
  await waitForGrace();
  const late = new Date(Date.now() + 31 * 86_400_000);
  // Both look at the same moment, a month on; neither sees the other's lock before it holds its own.
  const before = (await opened.store.credentials.open(place.name, at))?.version ?? 0;
  const brokers = [opened.store, other].map((store) => keeperOver(store, () => policy, { now: () => late }));
  await Promise.all(brokers.map((broker) => broker.tend("acme")));
  expect((await opened.store.credentials.open(place.name, at))?.version).toBe(before + 1);
});

test("one pair of roles for two environments is not rotated: the login of one would end with the other's turn", async () => {
  await waitForGrace();
  const { user, password } = await passwordNow();
  const binding = { ...at, environment: "dev", hosts: [host] };
  const second = await keeper.set(PERSON, { name: place.name, binding, value: password, login: user }, { verify: false });
  expect(await keeper.rotate(PERSON, place)).toMatchObject({
    ok: false,
    why: "not_rotatable",
    detail: expect.stringContaining("dev/helpdesk"),
  });
  if (second.ok) expectDone(await keeper.revoke(PERSON, second.info));
});

test("a wrong value is tried at the database and refused; the one before stays", async () => {
  await waitForGrace();
  const before = await passwordNow();
  const value = { name: place.name, binding: { ...at, hosts: [host] }, value: "not-the-password", login: before.user };
  expect(await keeper.set(PERSON, value, { verify: true })).toMatchObject({ ok: false, why: "not_verified" });
  expect(await passwordNow()).toEqual(before);
});

test("a credential that is not bound to the database's host is not sent there to be tried", async () => {
  const before = await passwordNow();
  const value = { name: place.name, binding: { ...at, hosts: ["elsewhere.example"] }, value: before.password, login: before.user };
  expect(await keeper.set(PERSON, value, { verify: true })).toMatchObject({
    ok: false,
    why: "not_verified",
    detail: expect.stringContaining("not bound to"),
  });
});
