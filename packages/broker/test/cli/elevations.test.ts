import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { askedByAgent, companyWithRefunds } from "../people-support/elevations.ts";
import { OPERATOR_KEY, SUPPORT_BOT } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { type Ran, runIn } from "./run-in.ts";

const policy = companyWithRefunds();
let house: ServedHouse;
let folder: string;

beforeAll(async () => {
  house = await serveRestHouse({ policy: () => policy });
  folder = await mkdtemp(join(tmpdir(), "bailiwick-elevations-"));
  const data = join(folder, "data");
  await mkdir(data);
  await writeFile(join(data, "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await writeBrokerFile(data, {
    url: house.url,
    pid: process.pid,
    version: "0.0.0-test",
    policy: folder,
    startedAt: new Date().toISOString(),
  });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: readonly string[]): Promise<Ran> => runIn(folder, join(folder, "data"), ["elevations", ...args]);

test("an empty list says what to do, and what can be asked for is listed", async () => {
  expect((await run()).err).toContain("`bailiwick elevations eligible` shows what can be asked for");
  expect((await run("eligible", "--tenant", "acme")).out).toMatch(
    /AGENT +ROLE +AT MOST +ANSWERED BY +SCOPES +WHY\n\S+ +refunds +240 min +support-lead +billing:refund billing:read +refunds while billing is down/u,
  );
});

test("asked by one, given by another for less, shown with its answer, and taken back", async () => {
  const asked = await run("ask", SUPPORT_BOT, "--as", "lena", "--role", "refunds", "--for", "2h", "--task", "T-1", "--reason", "a rush");
  const [id = ""] = asked.out.split(" ");
  expect(asked).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^elv_\S+ \(pending\): agent `support-bot` of acme\/prod gets the role/u),
  });
  expect(await run("approve", id, "--as", "lena")).toMatchObject({
    code: 1,
    err: expect.stringContaining("asked for this, so someone else must answer"),
  });
  const given = await run("approve", id, "--as", "ana", "--scope", "billing:refund", "--for", "30m");
  expect(given).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^active by ana/u),
    err: expect.stringContaining(`elevations revoke ${id}`),
  });
  const shown = await run("show", id);
  expect(shown.out).toMatch(/why +"a rush"\n/u);
  expect(shown.out).toMatch(/given +billing:refund until /u);
  expect(shown.out).toMatch(/used by +0 calls/u);
  expect((await run("list", "--state", "active")).out).toContain(id);
  expect((await run("revoke", id, "--reason", "over")).out).toMatch(/^revoked by the operator key/u);
  expect((await run("list", "--state", "active")).out).toBe("");
});

test("an agent's words are marked as such and cannot move the cursor", async () => {
  const kept = await house.store.elevations.ask(askedByAgent(policy, { task: "T-2", reason: "fine\u001b[2K\u202Eevil" }));
  const shown = await run("show", kept.ok ? kept.elevation.id : "");
  expect(shown.out).toContain("(untrusted: in the agent's own words)");
  expect(["\u001b", "\u202e"].filter((character) => shown.out.includes(character))).toEqual([]);
});

test("a time that is none is a wrong use", async () => {
  expect(await run("ask", SUPPORT_BOT, "--as", "lena", "--reason", "x", "--role", "refunds", "--for", "soon")).toMatchObject({ code: 2 });
});
