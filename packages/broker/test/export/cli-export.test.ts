import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { OPERATOR_KEY } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { parseCsv } from "./parsers.ts";
import { AGENT, AT, DECIDED } from "./samples.ts";

/** More than one page of the interface. */
const RECORDS = 1_100;
/** Appends at a time. */
const CALLERS = 20;

let house: ServedHouse;
let folder: string;

beforeAll(async () => {
  house = await serveRestHouse();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-cli-export-"));
  await mkdir(join(folder, "policy"));
  await writeFile(join(folder, "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await writeBrokerFile(folder, { url: house.url, pid: process.pid, version: "9.8.7", policy: join(folder, "policy"), startedAt: AT });
  const { facts: _, user: __, ...body } = DECIDED;
  const append = (index: number): Promise<unknown> =>
    house.ports.log.append("acme", {
      kind: "intent",
      callId: `call_${index}`,
      body: { ...body, at: AT, agent: AGENT },
      people: { user: "ada.lovelace" },
    });
  for (let first = 0; first < RECORDS; first += CALLERS)
    await Promise.all(Array.from({ length: Math.min(CALLERS, RECORDS - first) }, (_each, more) => append(first + more)));
});

afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: readonly string[]): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const read = Promise.all([text(stdout), text(stderr)]);
  const io = { stdin: Readable.from([""]), stdout, stderr, env: {}, cwd: folder, fetch: globalThis.fetch, now: () => new Date() };
  const code = await runCli(["audit", "export", "--data", folder, ...args], io, { up: async () => 0 }, "0.0.0-test");
  stdout.end();
  stderr.end();
  const [out, err] = await read;
  return { code, out, err };
}

function lines(out: string): readonly { readonly index: number; readonly record: unknown }[] {
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

test("the log is written in its order over pages, with the leaves as they stand, and where to go on is said", async () => {
  const { code, out, err } = await run("--tenant", "acme", "--to", String(RECORDS - 1));
  expect(code).toBe(0);
  expect(lines(out).map(({ index }) => index)).toEqual(Array.from({ length: RECORDS }, (_, index) => index));
  const stored = await house.ports.log.read("acme", 0, 5);
  for (const [index, line] of out.split("\n").slice(0, 5).entries()) expect(line).toContain(`"record":${stored[index]?.text}`);
  expect(err).toContain(`go on with \`bailiwick audit export --from ${RECORDS}\``);
});

test("an export to the end ends, although reading the log is a record itself", async () => {
  const { code, out } = await run("--tenant", "acme", "--from", String(RECORDS - 1));
  expect(code).toBe(0);
  expect(lines(out)[0]?.index).toBe(RECORDS - 1);
});

test("no person is named: the export outlives an erasure", async () => {
  const { out } = await run("--tenant", "acme", "--format", "ocsf", "--to", "20");
  expect(out).toContain("sub_");
  expect(out).not.toContain("ada.lovelace");
});

test("a part of the log is appended to a file that has its headings once and is for its owner only", async () => {
  const first = await run("--tenant", "acme", "--format", "csv", "--to", "9", "--out", "part.csv");
  expect(first).toMatchObject({ code: 0, out: "" });
  const second = await run("--tenant", "acme", "--format", "csv", "--from", "10", "--to", "14", "--out", "part.csv", "--json");
  expect(JSON.parse(second.out)).toEqual({ records: 5, next: 15 });
  const rows = parseCsv(await readFile(join(folder, "part.csv"), "utf8"));
  expect(rows.map((row) => row[2])).toEqual(["index", ...Array.from({ length: 15 }, (_, index) => String(index))]);
  expect((await stat(join(folder, "part.csv"))).mode & 0o777).toBe(0o600);
});

test("the version in CEF is the broker's, which wrote the records", async () => {
  expect((await run("--tenant", "acme", "--format", "cef", "--to", "0")).out).toMatch(
    /^CEF:0\|Bailiwick\|Bailiwick\|9\.8\.7\|call\.intent\|/u,
  );
});

test("a follower goes on with records written later, until it has the last one it was asked for", async () => {
  const next = ((await house.ports.log.read("acme", RECORDS - 1, 500)).at(-1)?.index ?? 0) + 1;
  const running = run("--tenant", "acme", "--from", String(next), "--follow", "--to", String(next));
  await house.ports.log.append("acme", { kind: "admin", callId: "adm_1", body: { at: AT, event: "policy.activate", by: "operator" } });
  const { code, out } = await running;
  expect(code).toBe(0);
  expect(lines(out).map(({ index }) => index)).toEqual([next]);
});

test.each([
  [["--format", "xml"], "there is no format `xml`"],
  [["--from", "-1"], "`--from` takes the index of a record"],
  [["--tenant", "acme", "--out", "no/such/file"], "cannot be written"],
])("%j is a wrong use that is explained", async (args, message) => {
  const { code, err } = await run(...args);
  expect(code).toBe(2);
  expect(err).toContain(message);
});
