import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type RunningBroker, startBroker } from "../src/main.ts";
import { companyFiles } from "./people-support/company.ts";
import { heldApproval, SUPPORT_BOT } from "./people-support/rest.ts";
import { testDatabase } from "./support/database.ts";
import { saidBy } from "./support/said.ts";
import { onServer } from "./support/server-statement.ts";

let folder: string;
let database: Awaited<ReturnType<typeof testDatabase>>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-upkeep-"));
  database = await testDatabase(inject("templateDatabase"));
  for (const { path, text } of companyFiles) await write(path, text);
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  const file = join(folder, "policy", path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function start(): Promise<RunningBroker> {
  return startBroker({
    policyFolder: join(folder, "policy"),
    dataFolder: join(folder, "data"),
    databaseUrl: database.databaseUrl,
    port: 0,
    logLevel: "silent",
    environment: () => undefined,
  });
}

test("a started broker says by itself how a call ended whose agent is gone", async () => {
  const broker = await start();
  try {
    const approval = heldApproval();
    const body = { at: new Date().toISOString(), agent: SUPPORT_BOT, environment: "prod", workflow: "support", approval: approval.id };
    await broker.store.log.append("acme", { kind: "hold", callId: approval.callId, body, people: { user: "ana" } });
    await broker.store.approvals.create(approval);
    await onServer(
      database.databaseUrl,
      `update bailiwick.approvals set expires_at = now() - interval '5 minutes' where id = '${approval.id}'`,
    );
    await expect
      .poll(async () => (await broker.store.log.recordsOf("acme", [approval.callId])).map(({ kind }) => kind), { timeout: 20_000 })
      .toEqual(["hold", "refusal"]);
  } finally {
    await broker.close();
  }
}, 60_000);

test("a drill that nobody answered while no broker ran is recorded by the next, with drills switched off by then", async () => {
  const first = await start();
  const drill = heldApproval({ drill: true });
  await first.store.approvals.create(drill);
  await first.close();
  await onServer(database.databaseUrl, `update bailiwick.approvals set expires_at = now() - interval '5 minutes' where id = '${drill.id}'`);
  const second = await start();
  try {
    await expect
      .poll(async () => (await second.store.log.recordsOf("acme", [drill.id])).map(saidBy), { timeout: 20_000 })
      .toMatchObject([{ event: "approval.drill", verdict: "none" }]);
  } finally {
    await second.close();
  }
}, 60_000);

test("a broker does not start with drills for nobody", async () => {
  await write("approvals.yaml", "drills: { tenants: [acme], perDay: 1, roles: [finance] }");
  await expect(start()).rejects.toThrow("`approvals.yaml` speaks of role `finance`, which no person has");
}, 60_000);
