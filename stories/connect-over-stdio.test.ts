import { connect, loadAgentKey } from "@bailiwick/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerAgent } from "./agent.ts";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";
import { AGENTS } from "./world/notes-policy.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("a client that starts its servers itself reaches the tools through `bailiwick connect`", async () => {
  const key = await registerAgent(company.program, AGENTS.drafting);
  const messages = [
    {
      id: 0,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "desktop", version: "1" } },
    },
    { method: "notifications/initialized" },
    { id: 1, method: "tools/list" },
    { id: 2, method: "tools/call", params: { name: "add_note", arguments: { text: "from the desktop" } } },
  ];
  const input = messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join("");
  const ended = await company.program.runWithInput(input, "connect", "--key", key, "--user", "ada", "--task", "desk-1");
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  const answers = ended.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: number; result: { tools?: { name: string }[]; isError?: boolean } });
  expect(answers.find((answer) => answer.id === 1)?.result.tools?.map((tool) => tool.name)).toContain("approval_wait");
  expect(answers.find((answer) => answer.id === 2)?.result.isError).not.toBe(true);
  expect((await company.effects()).map((effect) => effect.args)).toContainEqual({ text: "from the desktop" });
});

test("a developer's program calls the same tools with the client package", async () => {
  const key = await loadAgentKey(await registerAgent(company.program, AGENTS.drafting));
  const line = await connect({ url: company.program.url, key, user: "ada", task: "code-1" });
  expect((await line.listTools()).map((tool) => tool["name"])).toContain("add_note");
  expect(await line.call("add_note", { text: "from code" }, { reason: "the story says so" })).toMatchObject({
    kind: "result",
    isError: false,
  });
  expect(await line.call("no_such_tool")).toMatchObject({ kind: "refused", code: "tool_unknown" });
  await line.close();
});
