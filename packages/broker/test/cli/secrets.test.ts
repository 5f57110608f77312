import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { OPERATOR_KEY } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";

let house: ServedHouse;
let folder: string;
const AT = ["--tenant", "acme", "--environment", "prod", "--workflow", "support"];
const place = { tenant: "acme", environment: "prod", workflow: "support" };

beforeAll(async () => {
  house = await serveRestHouse();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-secrets-"));
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "data", "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await writeBrokerFile(join(folder, "data"), {
    url: house.url,
    pid: process.pid,
    version: "0",
    policy: folder,
    startedAt: new Date().toISOString(),
  });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(
  args: readonly string[],
  stdin: Readable & { isTTY?: boolean; setRawMode?(mode: boolean): unknown } = Readable.from([""]),
) {
  const out = new PassThrough();
  const err = new PassThrough();
  const io = { stdin, stdout: out, stderr: err, env: {}, cwd: folder, fetch: globalThis.fetch, now: () => new Date() };
  const code = await runCli([...args, "--data", join(folder, "data")], io, { up: async () => 0 }, "0");
  const textOf = (stream: PassThrough): string => String(stream.read() ?? "");
  return { code, out: textOf(out), err: textOf(err) };
}

const value = (text: string): Readable => Readable.from([`${text}\n`]);

test("a credential is set, staged, activated, listed and revoked from the command line", async () => {
  expect(await run(["secrets", "set", "crm", ...AT, "--host", "api.example"], value("first-value"))).toMatchObject({
    code: 0,
    out: "stored crm version 1 for acme/prod/support, active\n",
  });
  expect(await run(["secrets", "stage", "crm", ...AT, "--host", "api.example"], value("second-value"))).toMatchObject({
    code: 0,
    err: expect.stringContaining("secrets activate crm 2 --tenant acme --environment prod --workflow support\n"),
  });
  expect((await run(["secrets", "activate", "crm", "2", ...AT])).code).toBe(1);
  expect((await run(["secrets", "activate", "crm", "2", ...AT, "--without-verification"])).out).toContain("active (skipped)");
  expect((await house.store.credentials.open("crm", place))?.value).toBe("second-value");
  const listed = await run(["secrets", "list"]);
  expect(listed.out).toMatch(/crm\s+1\s+previous, ends in 60 min\s+acme\s+prod\s+support\s+api.example\s+store/u);
  expect(listed.out).toMatch(/crm\s+2\s+active\s+acme\s+prod\s+support\s+api.example\s+store/u);
  expect((await run(["secrets", "revoke", "crm", "1", ...AT])).code).toBe(0);
  expect((await run(["secrets", "list"])).out).not.toMatch(/crm\s+1/u);
  expect((await run(["secrets", "list", "--all"])).out).toMatch(/crm\s+1\s+revoked/u);
});

test("a version that cannot be tried is reported with exit code 1, and so is a rotation of what cannot be rotated", async () => {
  await run(["secrets", "set", "lone", ...AT], value("first-value"));
  expect(await run(["secrets", "verify", "lone", "1", ...AT])).toMatchObject({ code: 1, out: expect.stringContaining("impossible") });
  expect(await run(["secrets", "rotate", "lone", ...AT])).toMatchObject({ code: 1, err: expect.stringContaining("rotate: { postgres") });
  expect((await run(["secrets", "revoke", "lone", "one", ...AT])).code).toBe(2);
});

test("attack: a value in argv, where every user of the machine can read it, is not taken", async () => {
  const answer = await run(["secrets", "set", "argv", "hunter2-in-argv", ...AT], value("from-stdin"));
  expect(answer.code).toBe(2);
  for (const option of ["--value", "--secret", "--password"])
    expect((await run(["secrets", "set", "argv", option, "hunter2-in-argv", ...AT])).code).toBe(2);
  const stored = (await house.store.credentials.list("acme")).filter((each) => each.name === "argv");
  expect(stored).toEqual([]);
});

test("attack: a value typed at the prompt is not echoed", async () => {
  const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const running = run(["secrets", "set", "typed", ...AT], keyboard);
  keyboard.write("typed-at-the-prompt\r");
  const answer = await running;
  expect(answer.code).toBe(0);
  expect(answer.out + answer.err).toContain("value of typed: ");
  expect(answer.out + answer.err).not.toContain("typed-at-the-prompt");
  expect((await house.store.credentials.open("typed", place))?.value).toBe("typed-at-the-prompt");
});
