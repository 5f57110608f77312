import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { load, type Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import type { CredentialKeeper, KeptCredential } from "../../src/domain/credential-keeper.ts";
import { keeperOver } from "../people-support/keeper.ts";
import { OPERATOR_KEY } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { saidBy } from "../support/said.ts";

const PERSON = { by: { person: "olaf" }, via: "login-link" };
const DAY_MS = 86_400_000;
const at = { tenant: "acme", environment: "prod", workflow: "helpdesk" };

let opened: TestStore;
let house: ServedHouse;
let folder: string;
let policy: Policy;
let keeper: CredentialKeeper;
let clock = new Date();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-schedule-"));
  policy = schedulePolicy();
  opened = await testStore({ now: () => clock });
  keeper = keeperOver(opened.store, () => policy, {
    now: () => clock,
    environment: (name) => (name === "PAGER_KEY" ? "value-of-the-pager" : undefined),
  });
  house = await serveRestHouse({ credentials: keeper });
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "data", "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await writeBrokerFile(join(folder, "data"), {
    url: house.url,
    pid: process.pid,
    version: "0",
    policy: folder,
    startedAt: clock.toISOString(),
  });
});
afterAll(async () => {
  await house.close();
  await opened.close();
  await rm(folder, { recursive: true, force: true });
});

function schedulePolicy(): Policy {
  const tool = (name: string, credential: string) => ({
    path: `tools/${name}.yaml`,
    text: `tool: ${name}\nconnect: { mcp: { command: [unused] } }\ncredential: ${credential}\nactions: { look: { is: "${name}:read", effect: read, args: {} } }\n`,
  });
  const loaded = load([
    {
      path: "bailiwick.yaml",
      text: `version: 1
tenants: [acme]
environments: { prod: {} }
people:
  olaf: { name: Olaf, email: olaf@acme.example, tenants: [acme], roles: [operator] }
`,
    },
    tool("crm", "{ name: crm-key, inject: { environment: KEY }, rotate: { every: 30d, grace: 1m } }"),
    tool("chat", `{ name: chat-key, inject: { environment: KEY }, from: "file:${folder}/chat-key", rotate: { every: 30d } }`),
    tool("pager", "{ name: pager-key, inject: { environment: KEY }, from: env:PAGER_KEY }"),
    tool("maps", "{ name: maps-key, inject: { environment: KEY }, from: env:NOT_SET }"),
    { path: "roles/support.yaml", text: "role: support\nreason: works\nallow: [{ do: crm:read }]\n" },
    {
      path: "agents/support.yaml",
      text: `agent: support
workflow: helpdesk
owner: olaf
tenants: [acme]
environments: [prod]
roles: [support]
ceiling: { allow: ["crm:read"] }
`,
    },
  ]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.policy;
}

async function kept(name: string): Promise<readonly KeptCredential[]> {
  return (await keeper.list("acme")).filter((each) => each.name === name);
}

async function run(...args: readonly string[]): Promise<{ code: number; out: string }> {
  const out = new PassThrough();
  const io = {
    stdin: Readable.from([""]),
    stdout: out,
    stderr: new PassThrough(),
    env: {},
    cwd: folder,
    fetch: globalThis.fetch,
    now: () => clock,
  };
  const code = await runCli([...args, "--data", join(folder, "data")], io, { up: async () => 0 }, "0");
  return { code, out: String(out.read() ?? "") };
}

test("a stored credential is due after its time and overdue from then on; what only a person can renew is only said", async () => {
  await keeper.set(PERSON, { name: "crm-key", binding: { ...at, hosts: [] }, value: "value-of-the-crm" }, { verify: false });
  expect((await kept("crm-key")).map(({ version, overdue }) => ({ version, overdue }))).toEqual([{ version: 1, overdue: false }]);
  const due = (await kept("crm-key"))[0]?.dueAt;
  expect(due?.getTime()).toBe(clock.getTime() + 30 * DAY_MS);
  clock = new Date(clock.getTime() + 30 * DAY_MS);
  expect(await keeper.tend("acme")).toEqual([]);
  expect((await kept("crm-key")).map(({ version, overdue }) => ({ version, overdue }))).toEqual([{ version: 1, overdue: true }]);
});

test("what is kept outside the store is listed with its source, its age where the source knows it, and whether it is there", async () => {
  const path = join(folder, "chat-key");
  expect(await kept("chat-key")).toMatchObject([{ state: "missing", source: `file:${path}` }]);
  await writeFile(path, "value-of-the-chat\n", { mode: 0o644 });
  expect(await kept("chat-key")).toMatchObject([{ state: "unreadable" }]);
  await rm(path);
  await writeFile(path, "value-of-the-chat\n", { mode: 0o600 });
  const written = new Date(clock.getTime() - 31 * DAY_MS);
  await utimes(path, written, written);
  expect(await kept("chat-key")).toMatchObject([{ state: "active", overdue: true, createdAt: written }]);
  expect(await kept("pager-key")).toMatchObject([{ state: "active", version: 1, overdue: false, source: "env:PAGER_KEY" }]);
  expect(JSON.stringify(await keeper.list("acme"))).not.toMatch(/value-of/u);
});

test("a value for a credential that the policy keeps elsewhere is not stored, where nobody would look for it", async () => {
  expect(
    await keeper.set(PERSON, { name: "pager-key", binding: { ...at, hosts: [] }, value: "another-value" }, { verify: false }),
  ).toMatchObject({
    ok: false,
    why: "kept_elsewhere",
    detail: expect.stringContaining("env:PAGER_KEY"),
  });
});

test("`secrets list` says which is overdue and where each is kept, and `doctor` finds both what is late and what is missing", async () => {
  const listed = await run("secrets", "list");
  expect(listed.out).toMatch(/crm-key\s+1\s+active\s.*store\s.*OVERDUE, was due/u);
  expect(listed.out).toMatch(/pager-key\s+1\s+active\s.*env:PAGER_KEY/u);
  const doctor = await run("doctor", "--policy", "nowhere");
  expect(doctor.code).toBe(1);
  expect(doctor.out).toContain("WRONG  credentials: `crm-key` of acme is overdue for rotation");
  expect(doctor.out).toContain("`maps-key` of acme is missing at env:NOT_SET");
});

test("a new version ends the overdue state, and the replaced one's value is destroyed by the first look after its grace", async () => {
  await keeper.set(PERSON, { name: "crm-key", binding: { ...at, hosts: [] }, value: "newer-value-of-the-crm" }, { verify: false });
  expect((await kept("crm-key")).map(({ state, overdue }) => `${state} ${overdue}`)).toEqual(["previous false", "active false"]);
  await keeper.tend("acme");
  expect((await kept("crm-key")).map(({ state }) => state)).toEqual(["previous", "active"]);
  clock = new Date(clock.getTime() + 60_000);
  expect(await keeper.tend("acme")).toEqual([]);
  expect((await kept("crm-key")).map(({ state }) => state)).toEqual(["revoked", "active"]);
  const records = (await opened.store.log.read("acme", 0, 100)).map((record): unknown => saidBy(record));
  expect(records).toContainEqual(
    expect.objectContaining({ event: "credential.revoke", by: "broker", via: "schedule", version: 1, why: "grace over" }),
  );
});
