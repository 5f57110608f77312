import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { startAgent } from "./agent.ts";
import type { Agent } from "./agent.ts";
import { bailiwick, startProgram, temporaryFolder } from "./program.ts";

const SERVER = fileURLToPath(new URL("./world/notes-server.ts", import.meta.url));

const MAIN = `version: 1
tenants: [acme]
environments: { dev: {} }
people:
  ada: { name: Ada, email: ada@acme.example, tenants: [acme], roles: [operator] }
`;

const ROLE = `role: writer
reason: drafts notes for the team and never deletes them
allow:
  - do: notes:add_note
`;

const AGENT = `agent: writer
workflow: drafting
owner: ada
tenants: [acme]
environments: [dev]
roles: [writer]
ceiling: { allow: ["notes:*"], effects: [read, write, execute] }
`;

test("from an MCP server nobody knows to an agent's first call, as the guide says", async () => {
  const home = await temporaryFolder();
  const policy = join(home.path, "policy");
  const write = (path: string, text: string): Promise<void> => writeFile(join(policy, path), text);
  for (const folder of ["tools", "roles", "agents"]) await mkdir(join(policy, folder), { recursive: true });
  await writeFile(join(home.path, "notes.json"), "[]");
  await write("bailiwick.yaml", MAIN);
  await write("tools/notes.yaml", toolFile(home.path));
  const program = await startProgram({ policy, data: join(home.path, "data") });
  try {
    const proposed = await program.run("tools", "add", "notes");
    expect(proposed.code).toBe(0);
    expect(proposed.stdout).toMatch(/delete_note:\n[\s\S]*effect: \w+ # REVIEW: /);

    expect((await program.run("tools", "add", "notes", "--write")).code).toBe(0);
    expect(await readFile(join(policy, "tools/notes.yaml"), "utf8")).toMatch(/add_note:[\s\S]*reviewed: sha256:[0-9a-f]{64}/);

    await write("roles/writer.yaml", ROLE);
    await write("agents/drafting.yaml", AGENT);
    const checked = await bailiwick(["check", policy]);
    expect([checked.code, checked.stdout]).toEqual([0, expect.any(String)]);

    const agent = await firstAgent(() => startAgent(program, "bailiwick://acme/dev/drafting/writer"));
    expect(await agent.tools()).toContain("add_note");
    expect(await agent.tools()).not.toContain("delete_note");
    expect((await agent.call("add_note", { text: "hello" })).structured).toEqual({ ok: true });
  } finally {
    await program.stop();
    await home.remove();
  }
});

/** The running broker takes the new files by itself; how soon depends on the file system's notifications. */
async function firstAgent(start: () => Promise<Agent>): Promise<Agent> {
  for (;;) {
    const agent = await start().catch(() => undefined);
    if (agent !== undefined) return agent;
    await setTimeout(100);
  }
}

function toolFile(data: string): string {
  return `tool: notes
connect:
  mcp:
    command: ${JSON.stringify([process.execPath, SERVER])}
    env: { NOTES_FOLDER: ${JSON.stringify(data)} }
actions: {}
`;
}
