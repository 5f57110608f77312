import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { companyFiles } from "../people-support/company.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-check-"));
  for (const { path, text } of companyFiles) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function check(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: "", err: "" };
  const stream = (name: "out" | "err"): PassThrough => new PassThrough().on("data", (chunk: Buffer) => (texts[name] += chunk.toString()));
  const io = {
    stdin: Readable.from([]),
    stdout: stream("out"),
    stderr: stream("err"),
    env: {},
    cwd: folder,
    fetch: globalThis.fetch,
    now: () => new Date(),
  };
  const code = await runCli(["check", ...args], io, { up: async () => 0 }, "0");
  return { code, ...texts };
}

test("a good folder passes and says what it holds", async () => {
  const { code, out } = await check(".");
  expect(code).toBe(0);
  expect(out).toContain("tests: 1 passed, 0 failed");
  expect(out).toMatch(/5 files, 4 agents, 1 tool, \d+ warnings?; version sha256:/u);
});

test("rules that no test reaches are named with file and line", async () => {
  expect((await check(".")).out).toMatch(/no test reaches .*\n(.*\n)* {2}roles\/support\.yaml:\d+ {2}grant/u);
});

test("a typo is refused with file, line and what to write", async () => {
  await writeFile(join(folder, "roles/support.yaml"), "role: support\nreason: r\nallows: []\n");
  const { code, out } = await check(".");
  expect(code).toBe(1);
  expect(out).toContain("roles/support.yaml:3");
  expect(out).toContain("write");
});

test.each([
  ["retention: { acmee: 400d }\n", "acmee"],
  ["quorum: 1\n", "quorum"],
])("a `log.yaml` that a broker does not start with is refused: %s", async (text, named) => {
  await writeFile(join(folder, "log.yaml"), text);
  const { code, err } = await check(".");
  expect([code, err]).toEqual([1, expect.stringContaining(named)]);
});

test("a failing test of the folder fails the check and shows expected, actual and the rule", async () => {
  const file = companyFiles.find((each) => each.path === "tests/support.yaml");
  await writeFile(join(folder, "tests/support.yaml"), (file?.text ?? "").replace("expect: allow", "expect: deny"));
  const { code, out } = await check(".");
  expect(code).toBe(1);
  expect(out).toMatch(/tests\/support\.yaml:\d+ {2}failed {2}support reads tickets\n {2}expected {2}deny.*\n {2}actual {4}allow/u);
});

test("with --json the findings are one document", async () => {
  const { out } = await check(".", "--json");
  expect(JSON.parse(out)).toMatchObject({ ok: true, tests: { passed: 1 } });
});

test("a folder that is not there is wrong usage", async () => {
  const { code, err } = await check("nowhere");
  expect(code).toBe(2);
  expect(err).toContain("next: name the folder that holds `bailiwick.yaml`");
});
