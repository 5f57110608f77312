import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readdir } from "node:fs/promises";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerAgent } from "./agent.ts";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";
import { BIN, temporaryFolder } from "./program.ts";
import { AGENTS } from "./world/notes-policy.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

interface Live {
  readonly task: string;
}

async function liveTasks(): Promise<readonly string[]> {
  const listed = await company.program.run("sessions", "list", "--json");
  return (JSON.parse(listed.stdout) as Live[]).map(({ task }) => task);
}

test("a client that knows a URL only works through `bailiwick connect --listen`, and SIGTERM revokes its session", async () => {
  const key = await registerAgent(company.program, AGENTS.drafting);
  const home = await temporaryFolder();
  const args = [
    "connect",
    "--listen",
    "127.0.0.1:0",
    "--json",
    "--url",
    company.program.url,
    "--key",
    key,
    "--user",
    "ada",
    "--task",
    "port-1",
  ];
  const child = spawn(process.execPath, [BIN, ...args], { cwd: home.path, stdio: ["ignore", "pipe", "pipe"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { url } = JSON.parse(line.toString("utf8")) as { url: string };

  const client = new Client({ name: "stock", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  expect((await client.listTools()).tools.map((tool) => tool.name)).toContain("add_note");
  expect(await client.callTool({ name: "add_note", arguments: { text: "through the port" } })).not.toMatchObject({ isError: true });
  expect((await company.effects()).map((effect) => effect.args)).toContainEqual({ text: "through the port" });
  await client.close();
  expect(await liveTasks()).toContain("port-1");

  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(await liveTasks()).not.toContain("port-1");
  expect(await readdir(home.path)).toEqual([]);
  await home.remove();
});

test("a key file that others can read is not used, and the message says what to do", async () => {
  const key = await registerAgent(company.program, AGENTS.drafting);
  await chmod(key, 0o644);
  const ended = await company.program.run("connect", "--key", key, "--user", "ada", "--task", "t");
  expect(ended).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining(`chmod 600 ${key}`) });
});

test("an address that is not loopback is refused before anything is opened", async () => {
  const ended = await company.program.run("connect", "--listen", "0.0.0.0:7401", "--key", "none", "--user", "ada", "--task", "t");
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("no loopback address") });
});
