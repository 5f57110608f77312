import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { OPERATOR_KEY, recordCall } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { ageRecords } from "../store/old-months.ts";

let house: ServedHouse;
let data: string;
let people = 0;
let person: string;
let callId: string;

beforeAll(async () => {
  house = await serveRestHouse();
  data = await mkdtemp(join(tmpdir(), "bailiwick-erase-"));
  await writeFile(join(data, "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await writeBrokerFile(data, {
    url: house.url,
    pid: process.pid,
    version: "0.0.0-test",
    policy: data,
    startedAt: new Date().toISOString(),
  });
});
afterAll(async () => {
  await house.close();
  await rm(data, { recursive: true, force: true });
});
beforeEach(async () => {
  people += 1;
  person = `customer ${people}`;
  callId = `call_${people}`;
  const more = { people: { user: person }, resource: { type: "Ticket", id: `T/${people}` } };
  await recordCall(house, callId, "refusal", {}, { args: { note: "n" } }, more);
});

async function run(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const io = { stdin: Readable.from([""]), stdout: out, stderr: err, env: {}, cwd: data, fetch: globalThis.fetch, now: () => new Date() };
  const code = await runCli([...args, "--data", data], io, { up: async () => 0 }, "0.0.0-test");
  return { code, out: String(out.read() ?? ""), err: String(err.read() ?? "") };
}

test("audit erase takes a person's facts, and says what stands for them and that backups keep keys", async () => {
  const done = await run("audit", "erase", "--tenant", "acme", "--person", person, "--reason", "asked for it");
  expect(done).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^sub_[\w-]{22}: the facts of 1 records no longer open; 0 sessions ended/u),
  });
  expect(done.err).toContain("backups");
  expect(await house.store.log.facts("acme", callId)).toBeUndefined();
  expect((await run("audit", "erase", "--tenant", "acme", "--person", person, "--reason", "again")).code).toBe(1);
});

test("audit erase takes a record's facts; its id may hold slashes", async () => {
  const done = await run("audit", "erase", "--tenant", "acme", "--resource", `Ticket/T/${people}`, "--reason", "r", "--json");
  expect([done.code, JSON.parse(done.out)]).toMatchObject([0, { records: 1 }]);
  expect(await house.store.log.facts("acme", callId)).toBeUndefined();
});

test("audit erase of nothing in particular, of two things, or of a record without a type is wrong usage", async () => {
  for (const what of [[], ["--person", "a", "--resource", "T/1"], ["--resource", "T-1"], ["--resource", "/1"], ["--resource", "Ticket/"]])
    expect((await run("audit", "erase", "--tenant", "acme", ...what, "--reason", "r")).code, what.join(" ")).toBe(2);
  expect((await run("audit", "erase", "--tenant", "acme", "--person", person)).code).toBe(2);
  expect((await run("audit", "erase", "--person", person, "--reason", "r")).err).toContain("--tenant");
  expect(await house.store.log.facts("acme", callId)).toBeDefined();
});

test("audit hold add, list and lift: what is held is not erased, and the refusal names the hold", async () => {
  const added = await run("audit", "hold", "add", "--tenant", "acme", "--person", person, "--reason", "case 9", "--as", "olaf");
  const id = /^(hold_\S+): customer/u.exec(added.out)?.[1] ?? "";
  const refused = await run("audit", "erase", "--tenant", "acme", "--person", person, "--reason", "r");
  expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(new RegExp(`legal hold \`${id}\` of \`olaf\` \\(case 9\\)`, "u"))]);
  expect((await run("audit", "hold", "list")).out).toMatch(new RegExp(`${id}\\s+acme\\s+${person}\\s+.*olaf\\s+case 9`, "u"));
  expect(await run("audit", "hold", "lift", id, "--tenant", "acme", "--reason", "settled")).toMatchObject({
    code: 0,
    out: `${id} is lifted\n`,
  });
  expect((await run("audit", "hold", "lift", id, "--tenant", "acme", "--reason", "again")).code).toBe(1);
  expect(await run("audit", "hold", "list", "--tenant", "acme")).toMatchObject({ code: 0, out: "" });
  expect((await run("audit", "hold", "list", "--tenant", "acme", "--lifted")).out).toContain(id);
});

test("audit retire says what would go, then drops it; a time that is no number of days is wrong usage", async () => {
  await Promise.all(Array.from({ length: 300 }, (_, count) => recordCall(house, `bulk_${count}`, "refusal")));
  await ageRecords(house.databaseUrl, "acme", { until: 300, period: 202601 });
  const plan = await run("audit", "retire", "--tenant", "acme", "--older-than", "60d", "--dry-run");
  expect(plan).toMatchObject({ code: 0, out: "2026-01: 256 records would be retired; the log begins at record 256\n" });
  expect((await run("audit", "retire", "--tenant", "acme", "--older-than", "60d")).out).toContain("256 records retired");
  expect((await run("audit", "retire", "--tenant", "acme", "--older-than", "60d", "--dry-run")).err).toContain("nothing would be retired");
  for (const text of ["60", "0d", "two months"])
    expect((await run("audit", "retire", "--tenant", "acme", "--older-than", text)).code, text).toBe(2);
});
