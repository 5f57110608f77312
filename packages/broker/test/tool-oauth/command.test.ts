import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { runCli } from "../../src/cli/program.ts";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { OPERATOR_KEY } from "../people-support/rest.ts";
import { browser, openToolHouse, PLACE, type ToolHouse } from "./house.ts";

let all: ToolHouse;
let data: string;
beforeAll(async () => {
  all = await openToolHouse();
  data = await mkdtemp(join(tmpdir(), "bailiwick-connect-"));
  await mkdir(data, { recursive: true });
  await writeFile(join(data, "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  const about = { url: all.house.url, pid: process.pid, version: "0.0.0-test", policy: data, startedAt: new Date().toISOString() };
  await writeBrokerFile(data, about);
});
afterAll(async () => {
  await all.close();
  await rm(data, { recursive: true, force: true });
});

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [collector(), collector()];
  const io = {
    stdin: Readable.from([""]),
    stdout: out.stream,
    stderr: err.stream,
    env: {},
    cwd: data,
    fetch: globalThis.fetch,
    now: () => new Date(),
  };
  const code = await runCli([...args, "--data", data], io, { up: async () => 0 }, "0.0.0-test");
  return { code, out: out.text(), err: err.text() };
}

function collector(): { stream: Writable; text(): string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: unknown, _encoding, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join("") };
}

test("tools connect prints a link that connects the tool for every environment and workflow when none is named", async () => {
  const { code, out, err } = await run("tools", "connect", "notes", "--tenant", "acme");
  expect(code).toBe(0);
  expect(err).toContain("it works once");
  expect((await browser().visit(out.trim())).text).toContain("is connected");
  expect((await all.opener.open("notes-token", PLACE))?.environment).toBe("*");
});

test("tools connect answers JSON, and asks for the scopes it is given", async () => {
  const { code, out } = await run("tools", "connect", "notes", "--tenant", "acme", "--scope", "notes:write notes:read", "--json");
  const { url } = z.object({ url: z.url(), expiresAt: z.iso.datetime() }).parse(JSON.parse(out));
  expect(code).toBe(0);
  const sent = await browser().visit(url, (at) => at.startsWith(`${all.server.issuer}/auth`));
  expect(new URL(sent.url).searchParams.get("scope")?.split(" ").toSorted()).toEqual(["notes:read", "notes:write", "offline_access"]);
});

test("tools connect fails with what to do, and without the link", async () => {
  const unknown = await run("tools", "connect", "nothing", "--tenant", "acme");
  expect(unknown).toMatchObject({ code: 1, out: "", err: expect.stringContaining("bailiwick tools list") });
  const beyond = await run("tools", "connect", "notes", "--tenant", "acme", "--scope", "notes:admin");
  expect(beyond).toMatchObject({ code: 1, out: "", err: expect.stringContaining("does not allow") });
});
