import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type RunningBroker, startBroker } from "../../src/main.ts";
import { runIn } from "../cli/run-in.ts";
import { type WebhookReceiver, webhookReceiver } from "../export/receivers.ts";
import { companyFiles } from "../people-support/company.ts";
import { heldApproval } from "../people-support/rest.ts";
import { testDatabase } from "../support/database.ts";
import { WEBHOOK_SECRET } from "./house.ts";

let folder: string;
let hook: WebhookReceiver;
let database: Awaited<ReturnType<typeof testDatabase>>;
let broker: RunningBroker;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-notify-"));
  hook = await webhookReceiver();
  database = await testDatabase(inject("templateDatabase"));
  const notify = JSON.stringify({
    channels: { hook: { webhook: { url: hook.url, secret: "${env:HOOK_SECRET}" } } },
    routes: [{ name: "held", to: [{ channel: "hook" }] }],
  });
  for (const { path, text } of [...companyFiles, { path: "notify.yaml", text: notify }]) {
    const file = join(folder, "policy", path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  broker = await startBroker({
    policyFolder: join(folder, "policy"),
    dataFolder: join(folder, "data"),
    databaseUrl: database.databaseUrl,
    port: 0,
    logLevel: "silent",
    environment: (name) => (name === "HOOK_SECRET" ? WEBHOOK_SECRET : undefined),
  });
}, 120_000);
afterAll(async () => {
  await broker.close();
  await database.close();
  await hook.close();
  await rm(folder, { recursive: true, force: true });
});

const run = async (...args: readonly string[]): ReturnType<typeof runIn> => runIn(folder, join(folder, "data"), args);

test("a started broker tells of a held call by itself, and the command line shows it, tries again and tests", async () => {
  expect((await run("notifications", "list")).err).toContain("no messages; `bailiwick notifications test <channel>` sends one");
  hook.statuses.push(410);
  const approval = heldApproval({ policyVersion: broker.policy().version });
  await broker.store.approvals.create(approval);
  await expect.poll(() => hook.all.length, { timeout: 20_000 }).toBe(1);
  await expect
    .poll(async () => (await run("notifications", "list", "--state", "dead")).out, { timeout: 20_000 })
    .toMatch(/^ntf_\S+ +hook +hook +approval pending +dead +1 /mu);
  const listed = await run("notifications", "list");
  expect(listed.err).toContain("1 were given up; mend the cause, then `bailiwick notifications retry <id>`");
  const [id = ""] = /ntf_\S+/u.exec(listed.out) ?? [];
  expect(await run("notifications", "retry", id)).toMatchObject({
    code: 0,
    out: `${id} is sent again by hook; see \`bailiwick notifications list\`\n`,
  });
  await expect.poll(() => hook.taken.map(({ headers }) => headers["webhook-id"]), { timeout: 20_000 }).toEqual([id]);
  expect(hook.taken[0]?.body).toContain(`${broker.url}/approvals/${approval.id}`);
  expect(await run("notifications", "test", "hook", "--tenant", "acme")).toMatchObject({
    code: 0,
    out: expect.stringContaining("a test goes to hook by hook"),
  });
  await expect.poll(() => hook.taken.at(-1)?.body, { timeout: 20_000 }).toContain('"type":"test"');
  expect((await run("notifications", "retry", id)).err).toContain("only one that was given up is tried again");
}, 120_000);
